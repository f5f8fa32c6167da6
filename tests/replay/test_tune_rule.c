/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The rule of egpu-replay tune, on candidates made up by hand; see tune.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "replay/tune_rule.h"

#define CANDIDATES 8
#define TRACES 2

struct made_up {
	struct tune t;
	struct tune_options options;
	struct tune_candidate candidates[CANDIDATES];
	struct result results[CANDIDATES][TRACES], less[CANDIDATES][TRACES];
};

static void begin(struct made_up *m, u32 traces)
{
	memset(m, 0, sizeof(*m));
	m->options = (struct tune_options){ .slack_percent = 15, .reserve_percent = 5 };
	m->t = (struct tune){ .options = &m->options, .traces_n = traces, .candidates = m->candidates, .choice = TUNE_NONE };
}

static struct result behind(u64 limit, u64 mappings, u64 bytes, u64 calls, u64 failures)
{
	struct result r = { .limits = { .max_mappings = limit, .max_bytes = limit } };

	r.row = (struct row){ .peak_mappings = mappings, .peak_mapped_bytes = bytes, .host_maps = calls, .failures = failures };
	return r;
}

/* behind limits of 1000 mappings and 1000 bytes, and the same behind less */
static void one(struct made_up *m, u32 trace, u64 mappings, u64 bytes, u64 calls, u64 failures)
{
	m->results[m->t.n][trace] = behind(1000, mappings, bytes, calls, failures);
	m->less[m->t.n][trace] = behind(950, mappings, bytes, calls, failures);
}

static void judged(struct made_up *m)
{
	m->candidates[m->t.n].all.results = m->results[m->t.n];
	m->candidates[m->t.n].less.results = m->less[m->t.n];
	tune_judge(&m->t, m->t.n++);
}

static void candidate(struct made_up *m, u64 mappings, u64 bytes, u64 calls, u64 failures)
{
	one(m, 0, mappings, bytes, calls, failures);
	judged(m);
}

/* one that behind less fails so often, or has other mappings */
static void candidate_of_two_kinds(struct made_up *m, u64 mappings, u64 less_mappings, u64 less_failures)
{
	one(m, 0, mappings, 900, 2 * mappings, 0);
	m->less[m->t.n][0] = behind(950, less_mappings, 900, 2 * less_mappings, less_failures);
	judged(m);
}

static void test_fewest_mappings_within_the_slack_are_chosen(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate(&m, 500, 100, 900, 0);
	candidate(&m, 50, 115, 90, 0); /* the slack to the byte */
	candidate(&m, 5, 116, 9, 0);
	candidate(&m, 1, 90, 1, 1); /* does not fit */
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
	assert_true(m.t.reserve_kept);
	assert_true(m.t.slack_percent == 15);
	assert_true(m.candidates[0].front && m.candidates[1].front && m.candidates[2].front && !m.candidates[3].front);
}

static void test_fewest_calls_decide_between_equal_mappings(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate(&m, 50, 100, 90, 0);
	candidate(&m, 50, 101, 80, 0);
	candidate(&m, 50, 102, 80, 0);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
	assert_true(m.candidates[0].front && m.candidates[1].front && !m.candidates[2].front);
}

static void test_of_equal_candidates_the_first_is_on_the_front(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate(&m, 50, 100, 90, 0);
	candidate(&m, 50, 100, 90, 0);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 0);
	assert_true(m.candidates[0].front && !m.candidates[1].front);
}

static void test_what_fails_behind_less_is_kept_out_unless_nothing_else_fits(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate_of_two_kinds(&m, 5, 5, 1);
	candidate_of_two_kinds(&m, 50, 50, 0);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
	assert_true(m.candidates[0].front && m.t.reserve_kept);
	begin(&m, 1);
	candidate_of_two_kinds(&m, 6, 5, 1);
	candidate_of_two_kinds(&m, 5, 6, 1);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
	assert_false(m.t.reserve_kept);
}

/* measured: 56 mappings on one boot of the demo's guest, 1,488 on another */
static void test_what_needs_many_mappings_once_bytes_are_short_is_not_chosen(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate_of_two_kinds(&m, 56, 1707, 0);
	candidate_of_two_kinds(&m, 91, 91, 0);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
}

static void test_less_is_rounded_down_to_what_a_dart_can_have(void **state)
{
	struct dart_limits limits = { .max_mappings = 65536, .max_bytes = 1536ULL << 20, .granule_log2 = 14 }, less = tune_less(&limits, 5);

	(void)state;
	assert_true(less.max_mappings == 62259 && less.max_bytes == (1530082099ULL >> 14 << 14) && less.granule_log2 == 14);
	limits = (struct dart_limits){ .max_mappings = 1, .max_bytes = 16384, .granule_log2 = 14 };
	less = tune_less(&limits, 99);
	assert_true(less.max_mappings == 1 && less.max_bytes == 16384);
	limits = (struct dart_limits){ .max_mappings = ~0ULL, .max_bytes = ~0ULL };
	less = tune_less(&limits, 50);
	assert_true(less.max_mappings == ~0ULL / 2 && less.max_bytes == ~0ULL / 2);
}

static void test_all_traces_count(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 2);
	one(&m, 0, 10, 100, 1, 0);
	one(&m, 1, 10, 100, 1, 1); /* one request of one trace */
	judged(&m);
	one(&m, 0, 20, 100, 1, 0);
	one(&m, 1, 90, 100, 1, 0);
	judged(&m);
	one(&m, 0, 41, 100, 1, 0); /* the product decides */
	one(&m, 1, 41, 100, 1, 0);
	judged(&m);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 2);
	assert_true(m.candidates[1].all.mappings_share == 0.09 && m.candidates[1].all.host_calls == 2);
}

static void test_slack_grows_where_each_is_leanest_on_another_trace(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 2);
	one(&m, 0, 10, 100, 1, 0);
	one(&m, 1, 10, 200, 1, 0);
	judged(&m);
	one(&m, 0, 10, 150, 1, 0);
	one(&m, 1, 10, 100, 1, 0);
	judged(&m);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
	assert_true(m.t.slack_percent > 49.9 && m.t.slack_percent < 50.1);
}

static void test_nothing_is_chosen_if_nothing_fits(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate(&m, 5, 100, 9, 3);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, TUNE_NONE);
	assert_false(m.candidates[0].front);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fewest_mappings_within_the_slack_are_chosen),
		cmocka_unit_test(test_fewest_calls_decide_between_equal_mappings),
		cmocka_unit_test(test_of_equal_candidates_the_first_is_on_the_front),
		cmocka_unit_test(test_what_fails_behind_less_is_kept_out_unless_nothing_else_fits),
		cmocka_unit_test(test_what_needs_many_mappings_once_bytes_are_short_is_not_chosen),
		cmocka_unit_test(test_less_is_rounded_down_to_what_a_dart_can_have),
		cmocka_unit_test(test_all_traces_count),
		cmocka_unit_test(test_slack_grows_where_each_is_leanest_on_another_trace),
		cmocka_unit_test(test_nothing_is_chosen_if_nothing_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
