/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The replay of small traces whose result can be worked out by hand. */
#include "tests/replay/scratch_trace.h"

#define KIB 1024ull

static void test_batch_flagged_more_is_one_host_call(void **state)
{
	struct scratch s;
	u32 i;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	for (i = 0; i < 5; i++)
		scratch_map(&s, 0, i * 64 * KIB, 4096, i < 4 ? MORE : 0);
	scratch_map(&s, 0, 1024 * KIB, 4096, 0);
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(coalesce_stats(s.engine.lab.cells[0].coalesce)->host_batches, 2);
	assert_int_equal(scratch_row(&s, 0)->host_maps, 6);
	assert_int_equal(scratch_row(&s, 0)->peak_mappings, 6);
	assert_int_equal(scratch_row(&s, 0)->peak_mapped_bytes, 6 * 16 * KIB);
	scratch_close(&s);
}

static void test_batches_of_two_devices_side_by_side_stay_apart(void **state)
{
	struct scratch s;
	u16 a, b;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	a = tracer_device(s.tracer, "a", NULL);
	b = tracer_device(s.tracer, "b", NULL);
	scratch_map(&s, a, 0, 4096, MORE);
	scratch_map(&s, b, 64 * KIB, 4096, MORE);
	scratch_map(&s, a, 128 * KIB, 4096, 0);
	scratch_map(&s, b, 192 * KIB, 4096, 0);
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(coalesce_stats(s.engine.lab.cells[0].coalesce)->host_batches, 2);
	s.options.device = "b";
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(scratch_row(&s, 0)->requests, 2);
	s.options.device = "c";
	assert_int_equal(scratch_replay(&s), -ENODEV);
	assert_non_null(strstr(s.error, "a b"));
	scratch_close(&s);
}

static void test_unfinished_batch_is_replayed_at_the_end(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	scratch_map(&s, 0, 0, 4096, MORE);
	scratch_map(&s, 0, 64 * KIB, 4096, MORE);
	scratch_unmap(&s, 0, 0, 4096, MORE);
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(scratch_row(&s, 0)->peak_mappings, 2);
	assert_int_equal(scratch_row(&s, 0)->end_mappings, 1);
	scratch_close(&s);
}

static void test_batch_longer_than_the_buffer_gives_the_same_as_core_in_one_call(void **state)
{
	const u32 n = BATCH_ITEMS_MAX * 2 + 100;
	struct scratch s;
	u32 i;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	for (i = 0; i < n; i++)
		scratch_map(&s, 0, (i % 3000) * 16 * KIB, 4096, i + 1 < n ? MORE : 0);
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(coalesce_stats(s.engine.lab.cells[0].coalesce)->host_batches, 1);
	assert_int_equal(scratch_row(&s, 0)->requests, n);
	assert_int_equal(scratch_row(&s, 0)->hits, n - 3000);
	assert_int_equal(scratch_row(&s, 0)->peak_mappings, 3000);
	scratch_close(&s);
}

static void test_equal_requests_share_until_the_last_is_unmapped(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "window:log2=18");
	scratch_map(&s, 0, 4096, 4096, 0);
	scratch_map(&s, 0, 4096, 4096, 0);
	scratch_map(&s, 0, 200 * KIB, 8192, 0);
	scratch_unmap(&s, 0, 4096, 4096, 0);
	scratch_unmap(&s, 0, 200 * KIB, 8192, 0);
	scratch_map(&s, 0, 8192, 4096, 0);
	scratch_unmap(&s, 0, 4096, 4096, 0);
	scratch_unmap(&s, 0, 8192, 4096, 0);
	scratch_unmap(&s, 0, 4096, 4096, 0); /* once too often */
	scratch_unmap(&s, 0, 8192, 8192, 0); /* never mapped */
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(scratch_row(&s, 0)->host_maps, 1);
	assert_int_equal(scratch_row(&s, 0)->host_unmaps, 1);
	assert_int_equal(scratch_row(&s, 0)->hits, 3);
	assert_int_equal(scratch_row(&s, 0)->peak_requests, 3);
	assert_int_equal(scratch_row(&s, 0)->peak_request_bytes, 16 * KIB);
	assert_int_equal(scratch_row(&s, 0)->end_mappings, 0);
	assert_int_equal(scratch_row(&s, 0)->unmatched_unmaps, 2);
	scratch_close(&s);
}

static void test_first_failure_says_request_time_phase_and_reason(void **state)
{
	struct scratch s;
	const struct row *r;
	u32 i;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	scratch_policy(&s, "window:log2=20");
	s.limits.max_mappings = 3;
	scratch_event(&s, TRACE_MARK, 0, 0, tracer_string(s.tracer, "load"), 0, 0, 0);
	for (i = 0; i < 5; i++)
		scratch_map(&s, 0, i * 64 * KIB, 4096, 0);
	scratch_event(&s, TRACE_MARK, 0, 0, tracer_string(s.tracer, "play"), 0, 0, 0);
	scratch_unmap(&s, 0, 3 * 64 * KIB, 4096, 0); /* failed, so there is nothing to unmap */
	scratch_unmap(&s, 0, 0, 4096, 0);
	scratch_map(&s, 0, 512 * KIB, 4096, 0); /* the place that became free */
	scratch_map(&s, 0, 1024 * KIB, 0, 0);   /* empty */
	assert_int_equal(scratch_replay(&s), 0);
	r = scratch_row(&s, 0);
	assert_int_equal(r->failures, 3);
	assert_int_equal(r->first.request, 4);
	assert_int_equal(r->first.status, -ENOSPC);
	assert_string_equal(r->first.phase, "load");
	assert_int_equal(r->first.t_ns - s.engine.start_ns, 4000);
	assert_int_equal(r->skipped_unmaps, 1);
	assert_int_equal(r->reasons, 2);
	assert_int_equal(r->reason[0].status, -ENOSPC);
	assert_int_equal(r->reason[0].count, 2);
	assert_int_equal(r->reason[1].status, -EINVAL);
	assert_int_equal(r->peak_mappings, 3);
	assert_int_equal(r->host_maps, 6);
	assert_int_equal(r->host_failures, 2);
	r = scratch_row(&s, 1);
	assert_int_equal(r->failures, 1);
	assert_string_equal(r->first.phase, "play");
	assert_int_equal(r->peak_requests, 5);
	scratch_close(&s);
}

static void test_request_that_failed_when_recorded_is_asked_for_and_released_at_once(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	scratch_map(&s, 0, 0, 4096, MORE);
	scratch_event(&s, TRACE_REQ_MAP, 0, -ENOSPC, 64 * KIB, 4096, ~0ull, TRACE_REQ_MAKE_FLAGS(3, 0, 0));
	scratch_event(&s, TRACE_REQ_UNMAP, 0, -ENOENT, 64 * KIB, 4096, 5, TRACE_REQ_MAKE_FLAGS(3, 0, 0));
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(scratch_row(&s, 0)->lifetime_unknown, 1);
	assert_int_equal(scratch_row(&s, 0)->failures, 0);
	assert_int_equal(scratch_row(&s, 0)->peak_mappings, 2);
	assert_int_equal(scratch_row(&s, 0)->end_mappings, 1);
	assert_int_equal(scratch_row(&s, 0)->peak_requests, 1);
	assert_int_equal(scratch_row(&s, 0)->unmatched_unmaps, 1);
	scratch_close(&s);
}

static void test_reset_of_the_companion_ends_all_and_of_another_device_nothing(void **state)
{
	struct scratch s;
	u16 gpu, companion;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	gpu = tracer_device(s.tracer, "sim-gpu", "1234:e6b0");
	companion = tracer_device(s.tracer, "companion", "1234:e6b1");
	scratch_map(&s, gpu, 0, 4096, 0);
	scratch_event(&s, TRACE_RESET, gpu, 0, 1, 0, 0, 0);
	scratch_map(&s, gpu, 0, 4096, 0); /* a hit: nothing ended */
	scratch_map(&s, gpu, 64 * KIB, 4096, MORE);
	scratch_event(&s, TRACE_RESET, companion, 0, 1, 0, 0, 0);
	scratch_unmap(&s, gpu, 0, 4096, 0);
	scratch_map(&s, gpu, 0, 4096, 0);
	assert_int_equal(scratch_replay(&s), 0);
	assert_int_equal(scratch_row(&s, 0)->hits, 1);
	assert_int_equal(scratch_row(&s, 0)->host_maps, 3);
	assert_int_equal(scratch_row(&s, 0)->host_unmaps, 2);
	assert_int_equal(scratch_row(&s, 0)->unmatched_unmaps, 1);
	assert_int_equal(scratch_row(&s, 0)->end_mappings, 1);
	scratch_close(&s);
}

static void test_run_under_two_policies_is_not_called_by_one_of_them(void **state)
{
	struct scratch s;
	u32 direct, window;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	direct = tracer_string(s.tracer, "direct");
	scratch_event(&s, TRACE_POLICY, 0, 0, direct, 0, 0, 0);
	scratch_event(&s, TRACE_POLICY, 0, 0, direct, 0, 0, 0);
	scratch_map(&s, 0, 0, 4096, 0);
	scratch_event(&s, TRACE_MAP, 0, 0, 0, 16 * KIB, 0, 1);
	assert_int_equal(scratch_replay(&s), 0);
	assert_string_equal(s.engine.measured.row.policy, "direct");
	scratch_close(&s);

	scratch_open(&s);
	scratch_policy(&s, "direct");
	direct = tracer_string(s.tracer, "direct");
	window = tracer_string(s.tracer, "window:log2=18");
	scratch_event(&s, TRACE_POLICY, 0, 0, direct, 0, 0, 0);
	scratch_map(&s, 0, 0, 4096, 0);
	scratch_event(&s, TRACE_MAP, 0, 0, 0, 16 * KIB, 0, 1);
	scratch_event(&s, TRACE_POLICY, 0, 0, window, 0, 0, 0);
	assert_int_equal(scratch_replay(&s), 0);
	assert_string_equal(s.engine.measured.row.policy, "several");
	assert_int_equal(s.engine.policy_changes, 1);
	scratch_close(&s);
}

static void test_request_of_a_device_that_the_trace_does_not_list_is_an_error(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	scratch_map(&s, 60000, 0, 4096, 0);
	assert_int_equal(scratch_replay(&s), -EINVAL);
	assert_non_null(strstr(s.error, "does not list"));
	scratch_close(&s);
}

static void test_trace_without_requests_says_so(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	scratch_event(&s, TRACE_FRAME, 0, 0, 1, 0, 0, 0);
	assert_int_equal(scratch_replay(&s), -ENODATA);
	assert_non_null(strstr(s.error, "no requests"));
	scratch_close(&s);
}

static void test_window_below_the_granule_is_refused(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "window:log2=15");
	s.limits.granule_log2 = 16;
	scratch_map(&s, 0, 0, 4096, 0);
	assert_int_equal(scratch_replay(&s), -EINVAL);
	assert_non_null(strstr(s.error, "granules of 2^16"));
	scratch_close(&s);
}

static void test_series_keeps_a_short_peak_and_holds_the_last_value(void **state)
{
	struct scratch s;
	const struct series *series;
	u32 i, peaks = 0;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	s.options.bins = 8;
	for (i = 0; i < 20; i++)
		scratch_map(&s, 0, i * 64 * KIB, 4096, 0);
	for (i = 0; i < 19; i++)
		scratch_unmap(&s, 0, i * 64 * KIB, 4096, 0);
	s.t_ns += 1000000;
	scratch_event(&s, TRACE_FRAME, 0, 0, 1, 0, 0, 0);
	assert_int_equal(scratch_replay(&s), 0);
	series = &s.engine.lab.cells[0].series;
	for (i = 0; i < 8; i++)
		peaks += series->points[i].live_mappings == 20;
	assert_int_equal(peaks, 1);
	assert_int_equal(series->last.live_mappings, 1);
	assert_int_equal(series->last.host_calls, 39);
	scratch_close(&s);
}

/* 20 mappings of a granule side by side; then each second goes */
static void test_series_keeps_the_holes_of_the_address_range(void **state)
{
	struct scratch s;
	const struct series *series;
	u64 all_bytes;
	u32 i;

	(void)state;
	scratch_open(&s);
	scratch_policy(&s, "direct");
	s.options.bins = 8;
	for (i = 0; i < 20; i++)
		scratch_map(&s, 0, i * 64 * KIB, 4096, 0);
	for (i = 0; i < 20; i += 2)
		scratch_unmap(&s, 0, i * 64 * KIB, 4096, 0);
	s.t_ns += 1000000;
	scratch_event(&s, TRACE_FRAME, 0, 0, 1, 0, 0, 0);
	assert_int_equal(scratch_replay(&s), 0);
	series = &s.engine.lab.cells[0].series;
	all_bytes = dart_limits(s.engine.lab.cells[0].dart)->aperture_iova.len;
	assert_int_equal(series->points[0].space.longest_bytes, all_bytes - 20 * 16 * KIB);
	assert_int_equal(series->last.space.longest_bytes, all_bytes - 20 * 16 * KIB);
	assert_int_equal(series->last.space.holes, 11);
	assert_int_equal(series->last.space.free_bytes, all_bytes - 10 * 16 * KIB);
	scratch_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch_flagged_more_is_one_host_call),
		cmocka_unit_test(test_batches_of_two_devices_side_by_side_stay_apart),
		cmocka_unit_test(test_unfinished_batch_is_replayed_at_the_end),
		cmocka_unit_test(test_batch_longer_than_the_buffer_gives_the_same_as_core_in_one_call),
		cmocka_unit_test(test_equal_requests_share_until_the_last_is_unmapped),
		cmocka_unit_test(test_first_failure_says_request_time_phase_and_reason),
		cmocka_unit_test(test_request_that_failed_when_recorded_is_asked_for_and_released_at_once),
		cmocka_unit_test(test_reset_of_the_companion_ends_all_and_of_another_device_nothing),
		cmocka_unit_test(test_run_under_two_policies_is_not_called_by_one_of_them),
		cmocka_unit_test(test_request_of_a_device_that_the_trace_does_not_list_is_an_error),
		cmocka_unit_test(test_trace_without_requests_says_so),
		cmocka_unit_test(test_window_below_the_granule_is_refused),
		cmocka_unit_test(test_series_keeps_a_short_peak_and_holds_the_last_value),
		cmocka_unit_test(test_series_keeps_the_holes_of_the_address_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
