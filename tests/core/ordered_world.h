/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ordered_world.h - a coalescer in front of a host that lists what it maps, and what must hold after each of many random steps, whatever the policy: a
 * request lies in one live mapping, is shared where it can be, and what is mapped for it beyond its own granules is mapped nowhere else.
 */
#ifndef EGPU_TESTS_CORE_ORDERED_WORLD_H
#define EGPU_TESTS_CORE_ORDERED_WORLD_H

#include "tests/core/coalesce_world.h"

#define ORDERED_STEPS 20000
#define MAPPED_MAX 256
#define GRANULE ((u64)1 << 14)

/* a host that keeps a list of what it maps, and refuses at random */
struct list_host {
	struct span gpa[MAPPED_MAX];
	u64 iova[MAPPED_MAX];
	u32 n, refuse_percent, maps;
	u32 max_mappings; /* 0 = MAPPED_MAX */
	u64 max_bytes;    /* 0 = any */
	u64 next_iova, bytes;
};

static inline int list_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct list_host *h = ctx;
	u32 i, k;

	for (i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];

		e->status = 0;
		if (op == COMPANION_OP_MAP && (random_below(100) < h->refuse_percent || (h->max_mappings && h->n == h->max_mappings))) {
			e->status = -ENOSPC;
		} else if (op == COMPANION_OP_MAP && h->max_bytes && h->bytes + e->len > h->max_bytes) {
			e->status = -EDQUOT;
		} else if (op == COMPANION_OP_MAP) {
			assert_true(h->n < MAPPED_MAX && e->gpa % GRANULE == 0 && e->len % GRANULE == 0 && e->len);
			h->maps++;
			e->iova = h->next_iova;
			h->gpa[h->n] = (struct span){ e->gpa, e->len };
			h->iova[h->n++] = e->iova;
			h->next_iova += e->len + GRANULE;
			h->bytes += e->len;
		} else {
			for (k = 0; k < h->n && h->iova[k] != e->iova; k++)
				;
			assert_true(k < h->n);
			h->bytes -= h->gpa[k].len;
			h->gpa[k] = h->gpa[--h->n];
			h->iova[k] = h->iova[h->n];
		}
	}
	return 0;
}

struct grown {
	struct coalesce *c;
	void *mem;
	struct companion_entry entries[BATCH_MAX];
	struct list_host host;
	struct coalesce_request live[REQUESTS_MAX];
	u32 n;
};

static inline struct grown *grown_open(const char *spec, u64 max_bytes, u32 refuse_percent)
{
	struct grown *g = calloc(1, sizeof(*g));
	struct coalesce_config cfg = { .granule_log2 = 14, .max_bytes = max_bytes, .host_mappings = MAPPED_MAX, .max_mappings = MAPPED_MAX, .max_requests = 4 * REQUESTS_MAX, .batch_max = BATCH_MAX };
	struct coalesce_host host = { list_submit, &g->host };

	g->host.refuse_percent = refuse_percent;
	g->host.next_iova = 1 << 20;
	assert_int_equal(coalesce_parse(spec, &cfg), 0);
	g->mem = malloc(coalesce_state_bytes(&cfg));
	g->c = coalesce_init(g->mem, &cfg, &host, g->entries);
	assert_non_null(g->c);
	return g;
}

static inline void grown_close(struct grown *g)
{
	while (g->n)
		assert_int_equal(coalesce_unmap(g->c, &g->live[--g->n], 1), 0);
	assert_int_equal(g->host.bytes, coalesce_kept_bytes(g->c));
	coalesce_release_all(g->c);
	assert_int_equal(coalesce_kept_bytes(g->c), 0);
	assert_int_equal(g->host.n, 0);
	assert_int_equal(g->host.bytes, 0);
	free(g->mem);
	free(g);
}

static inline s32 map_one(struct grown *g, u64 gpa, u64 len)
{
	struct coalesce_request r = { .gpa = { gpa, len }, .dir = COMPANION_DIR_BOTH };

	coalesce_map(g->c, &r, 1);
	if (r.status == 0)
		g->live[g->n++] = r;
	return r.status;
}

/* what the host has at @r's address is what @r asked for */
static inline void check_reaches(const struct grown *g, const struct coalesce_request *r)
{
	u32 k;

	for (k = 0; k < g->host.n; k++) {
		u64 offset = r->iova - g->host.iova[k];

		if (r->iova < g->host.iova[k] || offset >= g->host.gpa[k].len)
			continue;
		assert_int_equal(g->host.gpa[k].start + offset, r->gpa.start);
		assert_true(r->gpa.len <= g->host.gpa[k].len - offset);
		return;
	}
	fail();
}

/* the newest mapping of the host shares with older ones no more than the granules of @asked */
static inline void check_mapped_once(const struct grown *g, struct span asked)
{
	const struct span *newest = &g->host.gpa[g->host.n - 1];
	struct span at = { asked.start & ~(GRANULE - 1), 0 };
	u64 granule;
	u32 k;

	at.len = ((span_last(asked) | (GRANULE - 1)) + 1) - at.start;
	assert_true(span_holds(*newest, at));
	for (granule = newest->start; granule - newest->start < newest->len; granule += GRANULE) {
		struct span one = { granule, GRANULE };

		for (k = 0; !span_holds(at, one) && k + 1 < g->host.n; k++)
			assert_false(span_overlaps(g->host.gpa[k], one));
	}
}

static inline void random_map(struct grown *g)
{
	struct span gpa = { random_below(4096) * 4096ull, 1 + random_below(random_below(4) ? 4096 : 300000) };
	u32 maps = g->host.maps, k;
	bool held = false;

	for (k = 0; k < g->host.n; k++)
		held |= span_holds(g->host.gpa[k], gpa);
	if (map_one(g, gpa.start, gpa.len)) {
		assert_false(held);
		return;
	}
	assert_int_equal(g->host.maps - maps, !held);
	if (!held)
		check_mapped_once(g, gpa);
}

static inline void random_steps(const char *spec, u64 max_bytes, u32 refuse_percent, u32 keep_mib)
{
	struct grown *g = grown_open(spec, max_bytes, refuse_percent);
	u32 step, k;

	random_state = 99;
	for (step = 0; step < ORDERED_STEPS; step++) {
		const struct coalesce_stats *s = coalesce_stats(g->c);

		if (g->n < REQUESTS_MAX && random_below(100) < (step / 500 % 2 ? 40u : 65u)) {
			random_map(g);
		} else if (g->n) {
			k = random_below(g->n);
			assert_int_equal(coalesce_unmap(g->c, &g->live[k], 1), 0);
			g->live[k] = g->live[--g->n];
		}
		for (k = 0; k < g->n; k++)
			check_reaches(g, &g->live[k]);
		assert_true(coalesce_kept_bytes(g->c) <= (u64)keep_mib << 20);
		assert_int_equal(s->live_mappings, g->host.n);
		assert_int_equal(s->live_mapped_bytes, g->host.bytes);
		assert_int_equal(s->host_maps - s->host_failures, g->host.maps);
	}
	assert_true(coalesce_stats(g->c)->hits > ORDERED_STEPS / 20);
	grown_close(g);
}

#endif
