/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Mappings that outlive their requests: bounded, found again, and never in the way of a request that could be served without them. */
#include "tests/core/ordered_world.h"

#define MIB ((u64)1 << 20)

static void unmap_last(struct grown *g)
{
	assert_int_equal(coalesce_unmap(g->c, &g->live[--g->n], 1), 0);
}

static void test_random_steps_keep_no_more_than_allowed(void **state)
{
	(void)state;
	random_steps("grow:keep=1", 0, 0, 1);
	random_steps("grow:keep=4,max=20", 0, 20, 4);
	random_steps("budget:keep=2,share=64", 64 << 20, 5, 2);
}

static void test_kept_window_serves_the_next_request_without_the_host(void **state)
{
	struct grown *g = grown_open("lazy:keep=1", 0, 0);

	(void)state;
	assert_int_equal(map_one(g, 5 * MIB, 4096), 0);
	unmap_last(g);
	assert_int_equal(coalesce_kept_bytes(g->c), 256 << 10);
	assert_int_equal(map_one(g, 5 * MIB + 8192, 4096), 0);
	assert_int_equal(coalesce_kept_bytes(g->c), 0);
	assert_int_equal(g->host.maps, 1);
	assert_int_equal(coalesce_stats(g->c)->hits, 1);
	assert_int_equal(coalesce_stats(g->c)->host_unmaps, 0);
	grown_close(g);
}

static void test_longest_kept_ends_first_and_what_is_too_large_at_once(void **state)
{
	struct grown *g = grown_open("lazy:keep=1", 0, 0);
	u32 i;

	(void)state;
	for (i = 0; i < 5; i++) {
		assert_int_equal(map_one(g, i * MIB, 4096), 0);
		unmap_last(g);
	}
	/* four windows of 256 KiB are kept; the first of five is gone */
	assert_int_equal(g->host.n, 4);
	assert_int_equal(map_one(g, 1 * MIB, 4096), 0);
	assert_int_equal(g->host.maps, 5);
	assert_int_equal(map_one(g, 0, 4096), 0);
	assert_int_equal(g->host.maps, 6);
	/* no window holds it, and it is larger than all that may be kept */
	assert_int_equal(map_one(g, 16 * MIB - 4096, 2 * MIB), 0);
	unmap_last(g);
	assert_int_equal(coalesce_kept_bytes(g->c), 3 * (256 << 10));
	grown_close(g);
}

static void test_what_is_kept_makes_way_for_what_the_host_refuses(void **state)
{
	struct grown *g = grown_open("lazy:keep=64", 0, 0);
	u32 i;

	(void)state;
	g->host.max_mappings = 8;
	for (i = 0; i < 8; i++)
		assert_int_equal(map_one(g, i * MIB, 4096), 0);
	for (i = 0; i < 5; i++)
		unmap_last(g);
	assert_int_equal(g->host.n, 8);
	assert_int_equal(map_one(g, 20 * MIB, 4096), 0);
	assert_int_equal(g->host.n, 4);
	assert_int_equal(coalesce_stats(g->c)->failed_requests, 0);
	assert_int_equal(coalesce_stats(g->c)->host_failures, 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(map_one(g, (30 + i) * MIB, 4096), 0);
	assert_int_equal(map_one(g, 40 * MIB, 4096), -ENOSPC);
	assert_int_equal(coalesce_stats(g->c)->failed_requests, 1);
	grown_close(g);
}

static void test_a_batch_refused_in_part_is_asked_for_again_in_part(void **state)
{
	struct grown *g = grown_open("lazy:keep=64", 0, 0);
	struct coalesce_request r[6];
	u32 i;

	(void)state;
	g->host.max_mappings = 8;
	for (i = 0; i < 6; i++)
		assert_int_equal(map_one(g, i * MIB, 4096), 0);
	for (i = 0; i < 3; i++)
		unmap_last(g);
	for (i = 0; i < 6; i++)
		r[i] = (struct coalesce_request){ .gpa = { (50 + i) * MIB, 4096 } };
	/* two fit beside six; when the three that are kept have gone, three more */
	assert_int_equal(coalesce_map(g->c, r, 6), 1);
	for (i = 0; i < 5; i++)
		check_reaches(g, &r[i]);
	assert_int_equal(r[5].status, -ENOSPC);
	assert_int_equal(coalesce_unmap(g->c, r, 5), 0);
	grown_close(g);
}

/* the same requests in front of the same limits: lazy serves at least until window would fail */
static void test_lazy_never_fails_before_window_does(void **state)
{
	u32 seed, step, longest = 0;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		struct grown *eager = grown_open("window:log2=16", 0, 0), *lazy = grown_open("lazy:log2=16,keep=3", 0, 0);

		random_state = seed;
		eager->host.max_mappings = lazy->host.max_mappings = 20 + seed;
		eager->host.max_bytes = lazy->host.max_bytes = (4 + seed % 8) * MIB;
		for (step = 0; step < 3000; step++) {
			struct span gpa = { random_below(4096) * 4096ull, 1 + random_below(random_below(8) ? 4096 : 300000) };

			if (eager->n && (eager->n == REQUESTS_MAX || random_below(100) < 48)) {
				u32 k = random_below(eager->n);

				assert_int_equal(coalesce_unmap(eager->c, &eager->live[k], 1), 0);
				assert_int_equal(coalesce_unmap(lazy->c, &lazy->live[k], 1), 0);
				eager->live[k] = eager->live[--eager->n];
				lazy->live[k] = lazy->live[--lazy->n];
				continue;
			}
			if (map_one(eager, gpa.start, gpa.len))
				break;
			assert_int_equal(map_one(lazy, gpa.start, gpa.len), 0);
		}
		longest = step > longest ? step : longest;
		assert_true(coalesce_stats(lazy->c)->host_unmaps <= coalesce_stats(eager->c)->host_unmaps);
		grown_close(eager);
		grown_close(lazy);
	}
	assert_true(longest > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps_keep_no_more_than_allowed),
		cmocka_unit_test(test_kept_window_serves_the_next_request_without_the_host),
		cmocka_unit_test(test_longest_kept_ends_first_and_what_is_too_large_at_once),
		cmocka_unit_test(test_what_is_kept_makes_way_for_what_the_host_refuses),
		cmocka_unit_test(test_a_batch_refused_in_part_is_asked_for_again_in_part),
		cmocka_unit_test(test_lazy_never_fails_before_window_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
