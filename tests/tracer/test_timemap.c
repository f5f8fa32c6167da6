/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tests of how much of a trace of many chunks is touched by entering it in the middle: counted in rows and chunks, against what SQLite says
 * of the chunk table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tracer/chunk.h"
#include "tracer/store.h"
#include "tracer/tracer.h"

#define CHUNKS 400u
#define PER_CHUNK 50u
#define EVENTS (CHUNKS * PER_CHUNK)
#define STEP_NS 1000u

struct trial {
	char path[64];
	struct trace *t;
	sqlite3 *db;
};

/* every 40th chunk is of a thread that is three chunks behind, so that chunks overlap and the table is not in the order of time */
static uint64_t time_of(uint64_t seq)
{
	uint64_t late = seq / PER_CHUNK % 40 == 39 ? 3 * PER_CHUNK : 0;

	return 1000000 + (seq - late) * STEP_NS;
}

static int put_chunks(struct store *store, unsigned int from, unsigned int to)
{
	struct chunk_encoder *encoder = chunk_encoder_new(false);
	struct trace_event events[PER_CHUNK];
	int err = 0;

	for (unsigned int i = from; !err && i < to; i++) {
		struct chunk_row row = { .id = i + 1, .first_seq = i * PER_CHUNK };

		for (unsigned int k = 0; k < PER_CHUNK; k++)
			events[k] = (struct trace_event){ .t_ns = time_of(i * PER_CHUNK + k), .kind = TRACE_FRAME, .arg = { i * PER_CHUNK + k } };
		chunk_encode(encoder, events, PER_CHUNK, &row);
		err = store_chunk(store, &row, 0);
	}
	chunk_encoder_free(encoder);
	return err;
}

static int set_up(void **state)
{
	struct trial *s = calloc(1, sizeof(*s));
	struct store *store;
	int err;

	snprintf(s->path, sizeof(s->path), "/tmp/egpu-timemap-%d.egt", (int)getpid());
	unlink(s->path);
	if (store_create(s->path, false, STORE_PAGE_BYTES, &store, NULL) != 0)
		return -1;
	err = put_chunks(store, 0, CHUNKS);
	*state = s;
	return err || store_close(store, true) || trace_open(s->path, &s->t, NULL) || sqlite3_open(s->path, &s->db) ? -1 : 0;
}

static int tear_down(void **state)
{
	struct trial *s = *state;

	trace_close(s->t);
	sqlite3_close(s->db);
	unlink(s->path);
	free(s);
	return 0;
}

/* chunks that overlap a range */
#define OVERLAPPING "SELECT count(*) FROM chunk WHERE t_max_ns >= ?1 AND t_min_ns <= ?2"
/* chunks from the first that is not all before it to the last that is not all behind it */
#define SPAN "SELECT max(0, (SELECT max(id) FROM chunk WHERE t_min_ns <= ?2) - (SELECT min(id) FROM chunk WHERE t_max_ns >= ?1) + 1)"

static uint64_t ask(struct trial *s, const char *sql, uint64_t from_ns, uint64_t last_ns)
{
	sqlite3_stmt *stmt;
	uint64_t n;

	assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)from_ns);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)last_ns);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

/* Return: events that @c has yet to give, each in the range and in the order of the file */
static uint64_t count_rest(struct trace_cursor *c, uint64_t from_ns, uint64_t last_ns)
{
	struct trace_event e;
	uint64_t n = 0;

	while (trace_next(c, &e, NULL) == 1) {
		assert_true(e.t_ns >= from_ns && e.t_ns <= last_ns);
		assert_int_equal(e.t_ns, time_of(trace_cursor_seq(c)));
		n++;
	}
	return n;
}

static uint64_t count_expected(uint64_t from_ns, uint64_t last_ns)
{
	uint64_t n = 0;

	for (uint64_t seq = 0; seq < EVENTS; seq++)
		n += time_of(seq) >= from_ns && time_of(seq) <= last_ns;
	return n;
}

static void test_time_range_unpacks_its_chunks_and_looks_at_no_others_twice(void **state)
{
	struct trial *s = *state;
	struct trace_cursor *c;

	assert_int_equal(trace_cursor_open(s->t, false, &c), 0);
	for (unsigned int i = 0; i < 300; i++) {
		uint64_t from = 1000000 + (uint64_t)i * 61 % EVENTS * STEP_NS, last = from + i % 7 * 30 * STEP_NS;
		uint64_t decoded = trace_cursor_decoded(c), looked = trace_cursor_looked(c);
		uint64_t span = ask(s, SPAN, from, last);

		assert_int_equal(trace_cursor_seek_time(c, from, last + 1), 0);
		assert_int_equal(count_rest(c, from, last), count_expected(from, last));
		assert_int_equal(trace_cursor_decoded(c) - decoded, ask(s, OVERLAPPING, from, last));
		/* once all rows, to know the times */
		assert_true(trace_cursor_looked(c) - looked <= span + (i == 0 ? CHUNKS : 0));
	}
	trace_cursor_close(c);
}

static void test_seek_by_number_looks_at_one_row(void **state)
{
	struct trial *s = *state;
	struct trace_cursor *c;
	struct trace_event e;

	assert_int_equal(trace_cursor_open(s->t, false, &c), 0);
	assert_int_equal(trace_cursor_seek_seq(c, 1), 0);
	for (unsigned int i = 0; i < 300; i++) {
		uint64_t seq = 1 + (uint64_t)i * 7919 % (EVENTS - 1), decoded = trace_cursor_decoded(c), looked;

		looked = trace_cursor_looked(c);
		assert_int_equal(trace_cursor_seek_seq(c, seq), 0);
		assert_int_equal(trace_next(c, &e, NULL), 1);
		assert_int_equal(e.arg[0], seq);
		assert_int_equal(trace_cursor_decoded(c) - decoded, 1);
		assert_int_equal(trace_cursor_looked(c) - looked, 1);
	}
	trace_cursor_close(c);
}

static void test_chunks_that_are_recorded_later_are_found(void **state)
{
	char path[80];
	struct store *store;
	struct trace_cursor *c;
	struct trace *t;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/egpu-timemap-%d-live.egt", (int)getpid());
	unlink(path);
	assert_int_equal(store_create(path, false, STORE_PAGE_BYTES, &store, NULL), 0);
	assert_int_equal(put_chunks(store, 0, CHUNKS / 2), 0);
	assert_int_equal(trace_open(path, &t, NULL), 0);
	assert_int_equal(trace_cursor_open(t, false, &c), 0);
	assert_int_equal(trace_cursor_seek_time(c, time_of(EVENTS - 1), UINT64_MAX), 0);
	assert_int_equal(count_rest(c, time_of(EVENTS - 1), UINT64_MAX), 0);
	assert_int_equal(put_chunks(store, CHUNKS / 2, CHUNKS), 0);
	/* a cursor that waits at the end, and one that seeks again */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count_rest(c, time_of(EVENTS - 1), UINT64_MAX), count_expected(time_of(EVENTS - 1), UINT64_MAX));
		assert_int_equal(trace_cursor_seek_time(c, time_of(EVENTS - 1), UINT64_MAX), 0);
	}
	trace_cursor_close(c);
	trace_close(t);
	assert_int_equal(store_close(store, true), 0);
	unlink(path);
}

/* a row whose checksum is wrong states no times that may be believed: the chunk is looked at, and said to be damaged */
static void test_forged_times_of_a_row_hide_nothing(void **state)
{
	struct trial *s = *state;
	uint64_t from = time_of(200 * PER_CHUNK), last = time_of(200 * PER_CHUNK + 10);
	struct trace_cursor *c;
	struct trace *t;

	assert_int_equal(sqlite3_exec(s->db, "UPDATE chunk SET t_min_ns = 1, t_max_ns = 2 WHERE id = 201", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(trace_open(s->path, &t, NULL), 0);
	assert_int_equal(trace_cursor_open(t, true, &c), 0);
	assert_int_equal(trace_cursor_seek_time(c, from, last + 1), 0);
	assert_int_equal(count_rest(c, from, last), 0);
	assert_int_equal(trace_cursor_damaged(c), 1);
	trace_cursor_close(c);
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_range_unpacks_its_chunks_and_looks_at_no_others_twice),
		cmocka_unit_test(test_seek_by_number_looks_at_one_row),
		cmocka_unit_test(test_chunks_that_are_recorded_later_are_found),
		cmocka_unit_test(test_forged_times_of_a_row_hide_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
