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
	struct result results[CANDIDATES][TRACES];
};

static void begin(struct made_up *m, u32 traces)
{
	memset(m, 0, sizeof(*m));
	m->options = (struct tune_options){ .slack_percent = 15, .reserve_percent = 2 };
	m->t = (struct tune){ .options = &m->options, .traces_n = traces, .candidates = m->candidates, .choice = TUNE_NONE };
}

/* behind limits of 1000 mappings and 1000 bytes */
static void one(struct made_up *m, u32 trace, u64 mappings, u64 bytes, u64 calls, u64 failures)
{
	struct result *r = &m->results[m->t.n][trace];

	r->limits = (struct dart_limits){ .max_mappings = 1000, .max_bytes = 1000 };
	r->row = (struct row){ .peak_mappings = mappings, .peak_mapped_bytes = bytes, .host_maps = calls, .failures = failures };
}

static void judged(struct made_up *m)
{
	m->candidates[m->t.n].results = m->results[m->t.n];
	tune_judge(&m->t, m->t.n++);
}

static void candidate(struct made_up *m, u64 mappings, u64 bytes, u64 calls, u64 failures)
{
	one(m, 0, mappings, bytes, calls, failures);
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

static void test_reserve_keeps_out_what_nearly_fills_a_limit_unless_nothing_else_fits(void **state)
{
	struct made_up m;

	(void)state;
	begin(&m, 1);
	candidate(&m, 5, 981, 9, 0);
	candidate(&m, 50, 980, 90, 0);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 1);
	begin(&m, 1);
	candidate(&m, 990, 981, 9, 0);
	tune_choose(&m.t);
	assert_int_equal(m.t.choice, 0);
	assert_false(m.t.reserve_kept);
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
	assert_true(m.candidates[1].mappings_share == 0.09 && m.candidates[1].host_calls == 2);
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
		cmocka_unit_test(test_reserve_keeps_out_what_nearly_fills_a_limit_unless_nothing_else_fits),
		cmocka_unit_test(test_all_traces_count),
		cmocka_unit_test(test_slack_grows_where_each_is_leanest_on_another_trace),
		cmocka_unit_test(test_nothing_is_chosen_if_nothing_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
