/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bounce: requests are copied to and from a pool of memory that stays mapped, so the driver's own memory is never mapped. The pool is at addresses that no
 * request has, and one mapping. What it costs is copies: see @copied_bytes of struct row. A real driver also syncs
 * buffers that stay mapped, which no trace tells, and memory that both sides use at once cannot be copied at all, so the copies told are the least.
 */
#include <stdlib.h>

#include "replay/policies.h"
#include "runtime/dart/dart.h"

#define POOL_GPA ((u64)1 << 56)
#define PAGE_LOG2 12

enum { SIZE };

static const struct coalesce_param params[] = {
	[SIZE] = { .name = "size", .min = 1, .max = 65536, .def = 1024, .help = "MiB of the pool" },
};

static struct span pool_gpa(const u32 *param)
{
	return (struct span){ POOL_GPA, (u64)param[SIZE] << 20 };
}

/* what is not in the pool is what it had no room for */
static int choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	struct span pool = pool_gpa(view->param);

	if (!span_valid(*request_gpa) || !span_holds(pool, *request_gpa))
		return align_span(request_gpa, view->granule_log2, out_gpa);
	*out_gpa = pool;
	return 0;
}

const struct coalesce_policy policy_bounce_core = {
	.name = "bounce",
	.summary = "laboratory: copies all requests through a pool that stays mapped",
	.params = params,
	.nparams = 1,
	.keep = SIZE + 1,
	.choose = choose,
};

/* who has which part of the pool is what a DART knows of its range, so one does the book-keeping */
static int prepare(struct coalesce_config *config, const struct foreseen *foreseen)
{
	struct dart_limits pool = *dart_model("unlimited");

	(void)foreseen;
	pool.granule_log2 = PAGE_LOG2;
	pool.aperture_iova = pool_gpa(config->param);
	config->lab = dart_new(&pool);
	return config->lab ? 0 : -ENOMEM;
}

static void release(void *lab)
{
	dart_free(lab);
}

static bool place(void *lab, struct coalesce_request *r)
{
	struct span pages;
	u64 at;

	if (align_span(&r->gpa, PAGE_LOG2, &pages) || dart_map(lab, pages, &at))
		return false;
	r->gpa.start = at + (r->gpa.start - pages.start);
	return true;
}

static void leave(void *lab, const struct coalesce_request *r)
{
	dart_unmap(lab, r->gpa.start >> PAGE_LOG2 << PAGE_LOG2, NULL);
}

static void clear(void *lab)
{
	struct span taken;
	u64 gpa;

	while (dart_next(lab, 0, &taken, &gpa))
		dart_unmap(lab, taken.start, NULL);
}

const struct policy_lab policy_bounce = {
	.policy = &policy_bounce_core, .prepare = prepare, .release = release, .place = place, .leave = leave, .clear = clear,
};
