/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_world.h - a coalescer in front of a DART whose host refuses at random, and a naive model of it: a plain list of what is live.
 */
#ifndef EGPU_TESTS_CORE_COALESCE_WORLD_H
#define EGPU_TESTS_CORE_COALESCE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/core/coalesce.h"
#include "runtime/dart/dart.h"

#define MAPPINGS_MAX 64
#define REQUESTS_MAX 160
#define LIVE_MAX 4096
#define BATCH_MAX 12

static u64 random_state = 42;

static inline u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

/* a host that refuses at random, and now and then cannot be asked at all; it remembers what it said */
struct fickle_host {
	struct dart *dart;
	u32 refuse_percent;
	u32 calls, entries;
	bool down;
	struct {
		struct span gpa;
		s32 status;
	} said[BATCH_MAX];
	u32 said_n;
};

static inline int fickle_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct fickle_host *h = ctx;
	u32 i;

	assert_true(n > 0 && n <= BATCH_MAX);
	h->calls++;
	h->entries += n;
	h->down = op == COMPANION_OP_MAP && random_below(100) < h->refuse_percent / 4;
	h->said_n = op == COMPANION_OP_MAP ? n : 0;
	for (i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];
		struct span gpa = { e->gpa, e->len };

		assert_int_equal(e->flags, COMPANION_DIR_BOTH);
		if (op == COMPANION_OP_UNMAP)
			e->status = dart_unmap(h->dart, e->iova, NULL);
		else if (h->down)
			e->status = -ENODEV;
		else if (random_below(100) < h->refuse_percent)
			e->status = -EDQUOT;
		else
			e->status = dart_map(h->dart, gpa, &e->iova);
		if (op == COMPANION_OP_UNMAP) {
			assert_int_equal(e->status, 0);
		} else {
			h->said[i].gpa = gpa;
			h->said[i].status = e->status;
		}
	}
	return h->down ? -ENODEV : 0;
}

struct naive_request {
	u64 iova;
	struct span gpa;
	struct span mapping_gpa;
};

struct naive {
	struct naive_request live[LIVE_MAX];
	u32 n;
	u64 request_bytes, peak_requests, peak_request_bytes, peak_mappings, peak_mapped_bytes;
	u64 maps, unmaps, hits, failed, unknown, asked, ended;
};

struct world {
	struct coalesce *c;
	void *mem;
	struct companion_entry entries[BATCH_MAX];
	struct fickle_host host;
	struct naive naive;
	struct coalesce_config cfg;
};

static inline void naive_live(const struct naive *m, u64 *mappings, u64 *bytes, u32 *addresses)
{
	u32 i, k;

	*mappings = *bytes = *addresses = 0;
	for (i = 0; i < m->n; i++) {
		bool first_mapping = true, first_iova = true;

		for (k = 0; k < i; k++) {
			first_mapping &= !span_equal(m->live[k].mapping_gpa, m->live[i].mapping_gpa);
			first_iova &= m->live[k].iova != m->live[i].iova;
		}
		*mappings += first_mapping;
		*bytes += first_mapping ? m->live[i].mapping_gpa.len : 0;
		*addresses += first_iova;
	}
}

static inline void world_open(struct world *w, const char *spec, u32 refuse_percent)
{
	struct dart_limits limits = dart_models[0];
	struct coalesce_host host = { fickle_submit, &w->host };

	memset(w, 0, sizeof(*w));
	limits.aperture_iova.len = (u64)12 << 20;
	w->cfg.granule_log2 = 14;
	w->cfg.max_mappings = MAPPINGS_MAX;
	w->cfg.max_requests = REQUESTS_MAX;
	w->cfg.batch_max = BATCH_MAX;
	assert_int_equal(coalesce_parse(spec, &w->cfg), 0);
	w->host.dart = dart_new(&limits);
	w->host.refuse_percent = refuse_percent;
	w->mem = malloc(coalesce_state_bytes(&w->cfg));
	w->c = coalesce_init(w->mem, &w->cfg, &host, w->entries);
	assert_non_null(w->c);
}

static inline void world_close(struct world *w)
{
	u64 mappings, bytes;
	u32 addresses;

	naive_live(&w->naive, &mappings, &bytes, &addresses);
	assert_int_equal(coalesce_release_all(w->c), mappings);
	assert_int_equal(dart_stats(w->host.dart)->live_mappings, 0);
	assert_int_equal(coalesce_stats(w->c)->live_mappings, 0);
	assert_int_equal(coalesce_stats(w->c)->live_mapped_bytes, 0);
	assert_int_equal(coalesce_stats(w->c)->live_requests, 0);
	assert_int_equal(coalesce_stats(w->c)->live_request_bytes, 0);
	assert_int_equal(coalesce_release_all(w->c), 0);
	dart_free(w->host.dart);
	free(w->mem);
}

#endif
