/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Tests of a cursor that starts in the middle and leaves out: each against the plain walk over the same trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/tracer.h"

#define EVENTS 200000u /* some chunks */

struct trial {
	char path[64];
	struct trace *t;
	struct trace_event *all;
	uint64_t n;
};

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* frames come late and rarely, so that whole chunks lack them; a second ring is far behind in time, so that chunks overlap */
static void emit_all(struct tracer *t)
{
	struct tracer_ring *one = tracer_ring(t), *two = tracer_ring(t);

	for (uint64_t i = 0; i < EVENTS; i++) {
		struct trace_event e = { .t_ns = 1000000 + i * 10, .kind = (uint16_t)(1 + i % 2), .device = 1, .arg = { i % 6, i * 4, 4, rnd() } };

		if (i > EVENTS / 2 && i % 1000 == 0)
			e.kind = TRACE_FRAME;
		if (i % 7 == 0) {
			e.kind = TRACE_REQ_MAP;
			e.t_ns -= 500000;
			e.status = -12;
		}
		tracer_emit(i % 7 ? one : two, &e);
	}
}

static int set_up(void **state)
{
	struct trial *s = calloc(1, sizeof(*s));
	struct tracer_options options = { .path = s->path, .overwrite = true };
	struct trace_cursor *c;
	struct tracer *t;
	int fd;

	strcpy(s->path, "/tmp/egpu-cursor-XXXXXX");
	fd = mkstemp(s->path);
	if (fd < 0)
		return -1;
	close(fd);
	unlink(s->path);
	if (tracer_open(&options, &t, NULL) != 0)
		return -1;
	emit_all(t);
	if (tracer_close(t, NULL) != 0 || trace_open(s->path, &s->t, NULL) != 0 || trace_cursor_open(s->t, false, &c) != 0)
		return -1;
	s->all = calloc(EVENTS, sizeof(*s->all));
	while (s->n < EVENTS && trace_next(c, &s->all[s->n], NULL) == 1)
		s->n++;
	trace_cursor_close(c);
	*state = s;
	return s->n == EVENTS ? 0 : -1;
}

static int tear_down(void **state)
{
	struct trial *s = *state;

	trace_close(s->t);
	unlink(s->path);
	free(s->all);
	free(s);
	return 0;
}

/* what is still to come of @c must be exactly the events of the plain walk that fit */
static void expect_rest(struct trial *s, struct trace_cursor *c, uint64_t from_seq, uint64_t from_ns, uint64_t to_ns, uint64_t kinds)
{
	struct trace_event e;

	for (uint64_t seq = from_seq; seq < s->n; seq++) {
		const struct trace_event *want = &s->all[seq];

		if (want->t_ns < from_ns || want->t_ns >= to_ns || !(kinds & TRACE_KIND_BIT(want->kind)))
			continue;
		assert_int_equal(trace_next(c, &e, NULL), 1);
		assert_int_equal(trace_cursor_seq(c), seq);
		assert_memory_equal(&e, want, sizeof(e));
	}
	assert_int_equal(trace_next(c, &e, NULL), 0);
}

static struct trace_cursor *open_cursor(struct trial *s)
{
	struct trace_cursor *c;

	assert_int_equal(trace_cursor_open(s->t, false, &c), 0);
	return c;
}

static void test_seek_by_number_starts_at_that_event(void **state)
{
	static const uint64_t at[] = { 0, 1, 65535, 65536, 65537, 131072, EVENTS - 1, EVENTS, EVENTS + 1, UINT64_MAX };
	struct trace_cursor *c = open_cursor(*state);

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		assert_int_equal(trace_cursor_seek_seq(c, at[i]), 0);
		expect_rest(*state, c, at[i], 0, UINT64_MAX, TRACE_KINDS_ALL);
	}
	trace_cursor_close(c);
}

static void test_time_range_holds_exactly_its_events(void **state)
{
	struct trace_cursor *c = open_cursor(*state);

	for (int i = 0; i < 30; i++) {
		uint64_t from = 400000 + rnd() % (EVENTS * 11), to = from + rnd() % (i % 2 ? 1000 : 1000000);

		assert_int_equal(trace_cursor_seek_time(c, from, to), 0);
		expect_rest(*state, c, 0, from, to, TRACE_KINDS_ALL);
	}
	assert_int_equal(trace_cursor_seek_time(c, 0, UINT64_MAX), 0);
	expect_rest(*state, c, 0, 0, UINT64_MAX, TRACE_KINDS_ALL);
	trace_cursor_close(c);
}

static void test_empty_time_ranges_hold_nothing(void **state)
{
	static const struct { uint64_t from, to; } empty[] = {
		{ 0, 0 }, { 0, 1 }, { 1500000, 1500000 }, { 1500000, 1400000 }, { 1ull << 63, UINT64_MAX }, { UINT64_MAX, UINT64_MAX },
	};
	struct trace_cursor *c = open_cursor(*state);
	struct trace_event e;

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		assert_int_equal(trace_cursor_seek_time(c, empty[i].from, empty[i].to), 0);
		assert_int_equal(trace_next(c, &e, NULL), 0);
	}
	trace_cursor_close(c);
}

static void test_filter_leaves_exactly_the_wanted_kinds(void **state)
{
	static const uint64_t kinds[] = {
		TRACE_KIND_BIT(TRACE_FRAME), TRACE_KIND_BIT(TRACE_REQ_MAP), TRACE_KIND_BIT(TRACE_FRAME) | TRACE_KIND_BIT(TRACE_REGION_READ),
		TRACE_KIND_BIT(TRACE_IRQ), TRACE_KIND_BIT(200), 0, TRACE_KINDS_ALL,
	};
	struct trial *s = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct trace_cursor *c = open_cursor(s);

		trace_cursor_filter(c, kinds[i]);
		expect_rest(s, c, 0, 0, UINT64_MAX, kinds[i]);
		assert_int_equal(trace_cursor_seek_time(c, 1800000, 2900000), 0);
		expect_rest(s, c, 0, 1800000, 2900000, kinds[i]);
		assert_int_equal(trace_cursor_seek_seq(c, 100001), 0);
		expect_rest(s, c, 100001, 0, UINT64_MAX, kinds[i]);
		trace_cursor_close(c);
	}
}

static void test_columns_that_are_left_out_read_as_zero(void **state)
{
	struct trial *s = *state;
	struct trace_cursor *c = open_cursor(s);
	struct trace_event e, want;

	trace_cursor_project(c, TRACE_COLUMN_ARG(1) | TRACE_COLUMN_STATUS);
	for (uint64_t i = 0; i < s->n; i++) {
		memset(&want, 0, sizeof(want));
		want.t_ns = s->all[i].t_ns;
		want.kind = s->all[i].kind;
		want.status = s->all[i].status;
		want.arg[1] = s->all[i].arg[1];
		assert_int_equal(trace_next(c, &e, NULL), 1);
		assert_memory_equal(&e, &want, sizeof(e));
	}
	trace_cursor_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seek_by_number_starts_at_that_event),
		cmocka_unit_test(test_time_range_holds_exactly_its_events),
		cmocka_unit_test(test_empty_time_ranges_hold_nothing),
		cmocka_unit_test(test_filter_leaves_exactly_the_wanted_kinds),
		cmocka_unit_test(test_columns_that_are_left_out_read_as_zero),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
