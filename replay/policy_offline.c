/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * offline: knows which memory the trace will ever ask for, and maps all of a run of it at the first request there. What it needs is what a policy
 * that guesses places perfectly, and never maps what nobody will ask for, would need.
 */
#include <stdlib.h>

#include "replay/policies.h"

enum { GAP, KEEP };

static const struct coalesce_param params[] = {
	[GAP] = { .name = "gap", .min = 12, .max = 32, .def = 14, .help = "log2 of the gap between memory in use that is mapped with it if it is shorter" },
	[KEEP] = { .name = "keep", .min = 0, .max = 65536, .def = 0, .help = COALESCE_KEEP_HELP },
};

static int choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	const struct span *run = view->lab ? foreseen_find(view->lab, *request_gpa) : NULL;

	if (!run || run->len == 0)
		return align_span(request_gpa, view->granule_log2, out_gpa);
	*out_gpa = *run;
	return 0;
}

const struct coalesce_policy policy_offline_core = {
	.name = "offline",
	.summary = "laboratory: maps each run of memory that the trace ever asks for as one, as if it had been foreseen",
	.params = params,
	.nparams = 2,
	.keep = KEEP + 1,
	.choose = choose,
};

static int prepare(struct coalesce_config *config, const struct foreseen *foreseen)
{
	struct foreseen *runs = malloc(sizeof(*runs));

	if (!runs || foreseen_join(foreseen, config->granule_log2, (u64)1 << config->param[GAP], runs)) {
		free(runs);
		return -ENOMEM;
	}
	config->lab = runs;
	return 0;
}

static void release(void *lab)
{
	if (lab)
		foreseen_destroy(lab);
	free(lab);
}

const struct policy_lab policy_offline = { .policy = &policy_offline_core, .prepare = prepare, .release = release };
