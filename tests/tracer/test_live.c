/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Tests of the live set: checkpoints that a recorder writes, and what a reader makes of them, against a table that is kept by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tracer/liveset.h"
#include "tracer/tracer.h"

#define EVENTS 1300000u
#define SLOTS 3000u

struct trial {
	char path[64];
	struct trace *t;
};

/* the state of the toy: per slot, the time at which it was mapped, 0 if it is not */
struct toy {
	uint64_t seed;
	uint64_t mapped_ns[SLOTS];
};

static struct trace_event next_event(struct toy *toy, uint64_t i)
{
	struct trace_event e = { .t_ns = 1000 + 10 * i, .device = 1 };
	uint32_t slot;

	toy->seed = toy->seed * 6364136223846793005ull + 1442695040888963407ull;
	slot = (uint32_t)(toy->seed >> 33) % SLOTS;
	e.arg[TRACE_MAP_GPA] = 4096 * (uint64_t)slot;
	e.arg[TRACE_MAP_LEN] = 4096;
	e.arg[TRACE_MAP_IOVA] = 0x80000000 + e.arg[TRACE_MAP_GPA];
	e.kind = (uint16_t)(slot % 2 ? TRACE_REQ_MAP : TRACE_MAP);
	if (toy->mapped_ns[slot])
		e.kind++;
	/* now and then one that failed, and changes nothing */
	if (i % 100 == 0)
		e.status = -ENOSPC;
	else
		toy->mapped_ns[slot] = toy->mapped_ns[slot] ? 0 : e.t_ns;
	return e;
}

static int set_up(void **state)
{
	struct trial *s = calloc(1, sizeof(*s));
	struct tracer_options options = { .path = s->path };
	struct toy toy = { .seed = 1 };
	struct tracer_ring *ring;
	struct tracer *t;

	snprintf(s->path, sizeof(s->path), "/tmp/egpu-live-%d.egt", (int)getpid());
	if (tracer_open(&options, &t, NULL) != 0)
		return -1;
	ring = tracer_ring(t);
	for (uint64_t i = 0; i < EVENTS; i++) {
		struct trace_event e = next_event(&toy, i);

		tracer_emit(ring, &e);
	}
	if (tracer_close(t, NULL) != 0 || trace_open(s->path, &s->t, NULL) != 0)
		return -1;
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct trial *s = *state;

	trace_close(s->t);
	unlink(s->path);
	free(s);
	return 0;
}

static void expect_live(struct trace *t, uint64_t events)
{
	struct toy toy = { .seed = 1 };
	struct trace_live live;
	uint64_t last = 0, n = 0;

	for (uint64_t i = 0; i < events; i++)
		next_event(&toy, i);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		n += toy.mapped_ns[slot] != 0;
	assert_int_equal(trace_live_at(t, 1000 + 10 * events, false, &live, NULL), 0);
	assert_int_equal(live.n, n);
	for (uint64_t i = 0; i < live.n; i++) {
		const struct trace_event *e = &live.events[i];

		assert_int_equal(toy.mapped_ns[e->arg[TRACE_MAP_GPA] / 4096], e->t_ns);
		assert_true(e->t_ns > last);
		last = e->t_ns;
	}
	trace_live_free(&live);
}

static void test_live_set_is_right_with_and_without_a_checkpoint(void **state)
{
	static const uint64_t at[] = { 0, 1, 5000, 900000, 1048576, 1114112, 1200000, EVENTS };
	struct trial *s = *state;

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		expect_live(s->t, at[i]);
}

static void test_checkpoint_is_older_than_asked_and_saves_decoding(void **state)
{
	struct trial *s = *state;
	struct trace_live live;

	assert_int_equal(trace_checkpoint_before(s->t, 1000 + 10 * (uint64_t)EVENTS, &live), 1);
	assert_true(live.seq >= 1048576 && live.seq < EVENTS && live.n > 0);
	for (uint64_t i = 0; i < live.n; i++)
		assert_true(live.events[i].t_ns < 1000 + 10 * live.seq);
	/* right behind it is fine, at it is too early */
	trace_live_free(&live);
	assert_int_equal(trace_checkpoint_before(s->t, 1000000, &live), 0);
	assert_null(live.events);
	assert_int_equal(live.seq, 0);
}

static int change(struct trial *s, const char *sql)
{
	sqlite3 *db;
	int err = sqlite3_open(s->path, &db);

	if (err == SQLITE_OK)
		err = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return err;
}

static void test_damaged_checkpoint_is_not_used(void **state)
{
	struct trial *s = *state;
	struct trace_live live;

	assert_int_equal(change(s, "UPDATE checkpoint SET until_ns = until_ns - 1"), SQLITE_OK);
	assert_int_equal(trace_checkpoint_before(s->t, UINT64_MAX, &live), 0);
	expect_live(s->t, 1200000);
	assert_int_equal(change(s, "UPDATE checkpoint SET until_ns = until_ns + 1, data = zeroblob(length(data))"), SQLITE_OK);
	assert_int_equal(trace_checkpoint_before(s->t, UINT64_MAX, &live), 0);
	expect_live(s->t, 1200000);
}

static void test_equal_mappings_are_ended_newest_first(void **state)
{
	struct liveset set = { 0 };
	struct trace_event e = { .kind = TRACE_REQ_MAP, .arg = { 4096, 4096, 8192 } }, out[3];

	(void)state;
	for (e.t_ns = 1; e.t_ns <= 3; e.t_ns++)
		liveset_apply(&set, &e);
	e.kind = TRACE_REQ_UNMAP;
	liveset_apply(&set, &e);
	e.device = 7; /* of another device, ends nothing */
	liveset_apply(&set, &e);
	assert_int_equal(set.n, 2);
	assert_true(liveset_copy(&set, out));
	assert_int_equal(out[0].t_ns, 1);
	assert_int_equal(out[1].t_ns, 2);
	liveset_free(&set);
}

static void test_too_large_a_set_gives_up_in_bounded_memory(void **state)
{
	struct liveset set = { 0 };
	struct trace_event e = { .kind = TRACE_MAP, .arg = { 0, 4096, 0 } };

	(void)state;
	for (uint32_t i = 0; i <= LIVESET_MAX; i++) {
		e.arg[TRACE_MAP_GPA] = 4096 * (uint64_t)i;
		assert_false(set.given_up);
		liveset_apply(&set, &e);
	}
	assert_true(set.given_up);
	assert_int_equal(set.n, 0);
	liveset_apply(&set, &e);
	assert_int_equal(set.n, 0);
	liveset_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_set_is_right_with_and_without_a_checkpoint),
		cmocka_unit_test(test_checkpoint_is_older_than_asked_and_saves_decoding),
		cmocka_unit_test(test_damaged_checkpoint_is_not_used),
		cmocka_unit_test(test_equal_mappings_are_ended_newest_first),
		cmocka_unit_test(test_too_large_a_set_gives_up_in_bounded_memory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
