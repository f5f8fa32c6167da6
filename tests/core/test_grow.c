/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What an ordered policy promises, checked at the host: a request lies in one live mapping, is shared where it can be, and growth maps nothing twice. */
#include "tests/core/coalesce_world.h"

#define STEPS 20000
#define MAPPED_MAX 256
#define GRANULE ((u64)1 << 14)

/* a host that keeps a list of what it maps, and refuses at random */
struct list_host {
	struct span gpa[MAPPED_MAX];
	u64 iova[MAPPED_MAX];
	u32 n, refuse_percent, maps;
	u64 next_iova, bytes;
};

static int list_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct list_host *h = ctx;
	u32 i, k;

	for (i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];

		e->status = 0;
		if (op == COMPANION_OP_MAP && random_below(100) < h->refuse_percent) {
			e->status = -ENOSPC;
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

static struct grown *grown_open(const char *spec, u64 max_bytes, u32 refuse_percent)
{
	struct grown *g = calloc(1, sizeof(*g));
	struct coalesce_config cfg = { .granule_log2 = 14, .max_bytes = max_bytes, .max_mappings = MAPPED_MAX, .max_requests = 4 * REQUESTS_MAX, .batch_max = BATCH_MAX };
	struct coalesce_host host = { list_submit, &g->host };

	g->host.refuse_percent = refuse_percent;
	g->host.next_iova = 1 << 20;
	assert_int_equal(coalesce_parse(spec, &cfg), 0);
	g->mem = malloc(coalesce_state_bytes(&cfg));
	g->c = coalesce_init(g->mem, &cfg, &host, g->entries);
	assert_non_null(g->c);
	return g;
}

static void grown_close(struct grown *g)
{
	while (g->n)
		assert_int_equal(coalesce_unmap(g->c, &g->live[--g->n], 1), 0);
	assert_int_equal(g->host.n, 0);
	assert_int_equal(g->host.bytes, 0);
	free(g->mem);
	free(g);
}

static s32 map_one(struct grown *g, u64 gpa, u64 len)
{
	struct coalesce_request r = { .gpa = { gpa, len }, .dir = COMPANION_DIR_BOTH };

	coalesce_map(g->c, &r, 1);
	if (r.status == 0)
		g->live[g->n++] = r;
	return r.status;
}

/* what the host has at @r's address is what @r asked for */
static void check_reaches(const struct grown *g, const struct coalesce_request *r)
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
static void check_mapped_once(const struct grown *g, struct span asked)
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

static void random_map(struct grown *g)
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

static void random_steps(const char *spec, u64 max_bytes, u32 refuse_percent)
{
	struct grown *g = grown_open(spec, max_bytes, refuse_percent);
	u32 step, k;

	random_state = 99;
	for (step = 0; step < STEPS; step++) {
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
		assert_int_equal(s->live_mappings, g->host.n);
		assert_int_equal(s->live_mapped_bytes, g->host.bytes);
		assert_int_equal(s->host_maps - s->host_failures, g->host.maps);
	}
	assert_true(coalesce_stats(g->c)->hits > STEPS / 20);
	grown_close(g);
}

static void test_random_steps_keep_every_request_in_one_mapping(void **state)
{
	(void)state;
	random_steps("grow", 0, 0);
	random_steps("grow:first=14,max=20", 0, 20);
	random_steps("grow:evidence=100", 0, 5);
	random_steps("grow:room=50", 8 << 20, 0);
}

static void test_memory_filled_from_one_end_takes_few_mappings(void **state)
{
	struct grown *g = grown_open("grow:first=16,max=24,evidence=170", 0, 0);
	u64 at;

	(void)state;
	for (at = 0; at < 8 << 20; at += 64 << 10)
		assert_int_equal(map_one(g, at, 64 << 10), 0);
	/* windows of 64 KiB would take one each: 128 */
	assert_in_range(g->host.n, 2, 8);
	assert_in_range(g->host.bytes, 8 << 20, 16 << 20);
	grown_close(g);
}

static void test_far_apart_requests_stay_small(void **state)
{
	struct grown *g = grown_open("grow:first=16", 0, 0);
	u32 i;

	(void)state;
	for (i = 0; i < 50; i++)
		assert_int_equal(map_one(g, (u64)i << 24, 4096), 0);
	assert_int_equal(g->host.n, 50);
	assert_int_equal(g->host.bytes, 50 << 16);
	grown_close(g);
}

static void test_nothing_grows_beyond_its_share_of_the_hosts_bytes(void **state)
{
	struct grown *g = grown_open("grow:first=20,max=20,room=50", 8 << 20, 0);
	u32 i;

	(void)state;
	for (i = 0; i < 20; i++)
		assert_int_equal(map_one(g, (u64)i << 21, 4096), 0);
	/* four of 1 MiB, within half of 8 MiB, less the granule that makes room for none; then granules */
	assert_in_range(g->host.bytes, 4 << 20, (4 << 20) + 20 * GRANULE);
	assert_int_equal(g->host.n, 20);
	grown_close(g);
}

static void test_the_ends_of_the_address_space_are_memory_too(void **state)
{
	struct grown *g = grown_open("grow:first=16,max=32,evidence=100", 0, 0);

	(void)state;
	assert_int_equal(map_one(g, ~0ull - 4095, 4096), 0);
	assert_int_equal(map_one(g, ~0ull - 70000, 4096), 0);
	assert_int_equal(map_one(g, ~0ull - 4095, 4096), 0);
	assert_int_equal(map_one(g, 0, 1), 0);
	assert_int_equal(map_one(g, ~0ull - 4095, 4097), -EINVAL);
	assert_int_equal(map_one(g, 5, 0), -EINVAL);
	assert_true(g->host.n >= 2 && g->host.n <= 3);
	grown_close(g);
}

static void test_growth_needs_a_granule_within_its_largest_window(void **state)
{
	struct coalesce_config cfg = { .granule_log2 = 14, .max_mappings = 8, .max_requests = 8, .batch_max = 4 };

	(void)state;
	assert_int_equal(coalesce_parse("grow:first=12,max=13", &cfg), 0);
	assert_int_equal(coalesce_state_bytes(&cfg), 0);
	cfg.granule_log2 = 12;
	assert_int_not_equal(coalesce_state_bytes(&cfg), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps_keep_every_request_in_one_mapping),
		cmocka_unit_test(test_memory_filled_from_one_end_takes_few_mappings),
		cmocka_unit_test(test_far_apart_requests_stay_small),
		cmocka_unit_test(test_nothing_grows_beyond_its_share_of_the_hosts_bytes),
		cmocka_unit_test(test_the_ends_of_the_address_space_are_memory_too),
		cmocka_unit_test(test_growth_needs_a_granule_within_its_largest_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
