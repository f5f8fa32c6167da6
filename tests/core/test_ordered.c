/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The policies grow, budget and merge: see ordered_world.h for what all ordered ones promise. */
#include "tests/core/ordered_world.h"

static void test_random_steps_keep_every_request_in_one_mapping(void **state)
{
	(void)state;
	random_steps("grow", 0, 0, 0);
	random_steps("grow:first=14,max=20", 0, 20, 0);
	random_steps("grow:evidence=100", 0, 5, 0);
	random_steps("grow:room=50", 8 << 20, 0, 0);
	random_steps("budget", 8 << 20, 0, 0);
	random_steps("budget:share=100", 64 << 20, 10, 0);
	random_steps("merge", 0, 5, 0);
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

static void test_scattered_requests_get_larger_windows_as_mappings_become_many(void **state)
{
	struct grown *never = grown_open("grow:first=16,crowd=0", 0, 0), *crowded = grown_open("grow:first=16,crowd=8", 0, 0);
	u32 i;

	(void)state;
	for (i = 0; i < 50; i++) {
		assert_int_equal(map_one(never, (u64)i << 24, 4096), 0);
		assert_int_equal(map_one(crowded, (u64)i << 24, 4096), 0);
	}
	assert_int_equal(never->host.bytes, 50 << 16);
	assert_int_equal(crowded->host.bytes, (16 << 16) + (16 << 17) + (18 << 18));
	grown_close(never);
	grown_close(crowded);
}

static void test_windows_shrink_as_the_share_of_the_hosts_bytes_is_used_up(void **state)
{
	struct grown *g = grown_open("grow:first=18,max=18,room=50", 8 << 20, 0);
	u64 widest = 0;
	u32 i;

	(void)state;
	for (i = 0; i < 60; i++) {
		u64 before = g->host.bytes, took, left = before < 4 << 20 ? (4 << 20) - before : 0;

		assert_int_equal(map_one(g, (u64)i << 21, 4096), 0);
		took = g->host.bytes - before;
		assert_true(took <= left / 8 || took == GRANULE);
		widest = took > widest ? took : widest;
	}
	assert_int_equal(widest, 1 << 18);
	assert_in_range(g->host.bytes, 3 << 20, 5 << 20);
	assert_int_equal(g->host.n, 60);
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

static void test_budget_shrinks_windows_as_bytes_run_out(void **state)
{
	struct grown *g = grown_open("budget:share=4,max=20", 32 << 20, 0);
	u64 before, widest = 0, last = 0;
	u32 i;

	(void)state;
	for (i = 0; i < 150; i++) {
		before = g->host.bytes;
		assert_int_equal(map_one(g, (u64)i << 21, 4096), 0);
		last = g->host.bytes - before;
		widest = last > widest ? last : widest;
	}
	assert_int_equal(widest, 512 << 10); /* 32 MiB for 256 mappings, four times as much */
	assert_in_range(last, GRANULE, 128 << 10);
	assert_true(g->host.bytes <= 32 << 20);
	grown_close(g);
}

static void test_merge_maps_a_contiguous_list_once(void **state)
{
	struct grown *g = grown_open("merge", 0, 0);
	struct coalesce_request r[6] = { { .gpa = { 1 << 20, 4096 } }, { .gpa = { (1 << 20) + 4096, 65536 } }, { .gpa = { (1 << 20) + 69632, 8192 } },
					 { .gpa = { 8 << 20, 4096 } }, { .gpa = { (8 << 20) + 4096, 4096 } }, { .gpa = { 1 << 20, 4096 } } };
	u32 i;

	(void)state;
	assert_int_equal(coalesce_map(g->c, r, 6), 0);
	assert_int_equal(g->host.n, 2);
	assert_int_equal(g->host.bytes, 5 * GRANULE + GRANULE);
	for (i = 0; i < 6; i++)
		check_reaches(g, &r[i]);
	assert_int_equal(r[5].iova, r[0].iova);
	assert_int_equal(coalesce_unmap(g->c, r, 6), 0);
	grown_close(g);
}

static void test_merge_stops_at_what_is_no_request(void **state)
{
	struct grown *g = grown_open("merge", 0, 0);
	struct coalesce_request r[3] = { { .gpa = { ~0ull - 8191, 8192 } }, { .gpa = { 0, 4096 } }, { .gpa = { 4096, 0 } } };

	(void)state;
	assert_int_equal(coalesce_map(g->c, r, 3), 1);
	assert_int_equal(r[2].status, -EINVAL);
	assert_int_equal(g->host.n, 2);
	assert_int_equal(coalesce_unmap(g->c, r, 2), 0);
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
		cmocka_unit_test(test_scattered_requests_get_larger_windows_as_mappings_become_many),
		cmocka_unit_test(test_windows_shrink_as_the_share_of_the_hosts_bytes_is_used_up),
		cmocka_unit_test(test_the_ends_of_the_address_space_are_memory_too),
		cmocka_unit_test(test_budget_shrinks_windows_as_bytes_run_out),
		cmocka_unit_test(test_merge_maps_a_contiguous_list_once),
		cmocka_unit_test(test_merge_stops_at_what_is_no_request),
		cmocka_unit_test(test_growth_needs_a_granule_within_its_largest_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
