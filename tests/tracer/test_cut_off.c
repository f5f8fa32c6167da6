/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tests of a file that was cut off: at both ends of every page of every chunk, which the file itself names, at random places, and in the log
 * that a killed recorder leaves. No event may be read that was not written under its number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tracer/rewrite.h"
#include "tracer/tracer.h"

#define CHUNKS 12u
#define CHUNK_EVENTS 1500u /* of 16 bytes that do not compress: some overflow pages for each chunk */
#define EVENTS (CHUNKS * CHUNK_EVENTS)
#define RANDOM_CUTS 200u
#define WAL_HEAD_BYTES 32u
#define WAL_FRAME_BYTES (24u + 4096u)

struct trial {
	char dir[64], path[96], copy[96];
};

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* of @i, and nothing that an encoding could guess */
static uint64_t scatter(uint64_t i)
{
	i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9;
	i = (i ^ (i >> 27)) * 0x94d049bb133111eb;
	return i ^ (i >> 31);
}

static struct trace_event event(uint64_t i)
{
	return (struct trace_event){ .t_ns = 1000 + i, .kind = TRACE_REGION_WRITE, .device = 1,
				     .arg = { i % 6, scatter(i + 1), 4, scatter(~i) } };
}

/* the events so far become one chunk when their time is up */
static struct tracer *emit_all(const char *path)
{
	struct tracer_options options = { .path = path, .flush_ms = 1 };
	struct tracer_ring *ring;
	struct tracer *t;

	if (tracer_open(&options, &t, NULL) != 0)
		return NULL;
	ring = tracer_ring(t);
	for (uint64_t i = 0; i < EVENTS; i++) {
		struct trace_event e = event(i);

		tracer_emit(ring, &e);
		if (i % CHUNK_EVENTS == CHUNK_EVENTS - 1)
			usleep(20000);
	}
	return t;
}

static int set_up(void **state)
{
	struct trial *s = calloc(1, sizeof(*s));

	strcpy(s->dir, "/tmp/egpu-cut-off-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/whole.egt", s->dir);
	snprintf(s->copy, sizeof(s->copy), "%s/copy.egt", s->dir);
	*state = s;
	return 0;
}

static void remove_file(const char *path, const char *suffix)
{
	char name[160];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	unlink(name);
}

static int tear_down(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-lock" };
	struct trial *s = *state;

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		remove_file(s->path, suffix[i]);
		remove_file(s->copy, suffix[i]);
	}
	if (rmdir(s->dir) != 0)
		return -1;
	free(s);
	return 0;
}

static uint8_t *load(const char *path, const char *suffix, size_t *size)
{
	char name[160];
	struct stat st;
	uint8_t *bytes;
	int fd;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	fd = open(name, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*size = (size_t)st.st_size;
	bytes = malloc(*size);
	assert_int_equal(read(fd, bytes, *size), *size);
	close(fd);
	return bytes;
}

static void save(const char *path, const char *suffix, const uint8_t *bytes, size_t size)
{
	char name[160];
	int fd;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* Return: events of the copy, each of which is right; @sound: nothing in the copy is called damaged; @first: they are the first ones */
static uint64_t read_copy(const struct trial *s, bool *sound, bool *first)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct trace_event e, want;
	struct trace_cursor *c;
	uint64_t n = 0;
	struct trace *t;

	*sound = false;
	*first = true;
	if (trace_open(s->copy, &t, error) != 0) {
		assert_true(error[0] != '\0');
		return 0;
	}
	assert_int_equal(trace_cursor_open(t, true, &c), 0);
	while (trace_next(c, &e, error) == 1) {
		uint64_t seq = trace_cursor_seq(c);

		assert_true(seq < EVENTS);
		want = event(seq);
		assert_memory_equal(&e, &want, sizeof(e));
		*first = *first && seq == n;
		n++;
	}
	trace_cursor_close(c);
	*sound = trace_verify(t, NULL, NULL) == 0 && trace_verify_rows(t, NULL, NULL) == 0;
	trace_close(t);
	return n;
}

/* ---- the file ---- */

static uint64_t cut_file(const struct trial *s, const uint8_t *bytes, size_t size)
{
	bool sound, first;
	uint64_t n;

	save(s->copy, "", bytes, size);
	n = read_copy(s, &sound, &first);
	/* the last page may be of a table without rows, but never may a cut file with fewer events pass for sound */
	assert_true(n == EVENTS || !sound);
	return n;
}

static void test_cut_at_either_end_of_every_page_of_a_chunk(void **state)
{
	struct trial *s = *state;
	unsigned int chunk_pages = 0, overflows = 0;
	uint64_t n, most = 0;
	sqlite3_stmt *stmt;
	uint8_t *bytes;
	sqlite3 *db;
	size_t size;

	assert_int_equal(tracer_close(emit_all(s->path), NULL), 0);
	bytes = load(s->path, "", &size);
	assert_int_equal(sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT pgoffset, pgsize, pagetype = 'overflow' FROM dbstat WHERE name = 'chunk'", -1, &stmt, NULL),
			 SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		size_t at = (size_t)sqlite3_column_int64(stmt, 0), end = at + (size_t)sqlite3_column_int64(stmt, 1);
		const size_t cuts[] = { at, at + 1, at + (end - at) / 2, end - 1, end, end + 1 };

		chunk_pages++;
		overflows += (unsigned int)sqlite3_column_int(stmt, 2);
		for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			n = cuts[i] < size ? cut_file(s, bytes, cuts[i]) : 0;
			most = n > most ? n : most;
		}
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	assert_true(overflows >= CHUNKS && chunk_pages > overflows);
	assert_true(most >= EVENTS / 2); /* what stands before the cut is read */
	for (unsigned int i = 0; i < RANDOM_CUTS; i++)
		cut_file(s, bytes, rnd() % size);
	assert_int_equal(cut_file(s, bytes, size), EVENTS);
	free(bytes);
}

/* the page that leads to all chunks is gone, their rows are not */
static void test_repair_finds_all_chunks_when_their_table_has_lost_its_root(void **state)
{
	struct trial *s = *state;
	struct rewrite_options options = { .in = s->path, .out = s->copy, .repair = true };
	char error[TRACE_ERROR_BYTES] = "";
	struct rewrite_report report;
	sqlite3_stmt *stmt;
	bool sound, first;
	uint64_t chunks;
	uint8_t *bytes;
	sqlite3 *db;
	size_t size, at;

	assert_int_equal(tracer_close(emit_all(s->path), NULL), 0);
	assert_int_equal(sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT pgoffset, (SELECT count(*) FROM chunk) FROM dbstat WHERE name = 'chunk' AND pagetype = 'internal'",
					    -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	at = (size_t)sqlite3_column_int64(stmt, 0);
	chunks = (uint64_t)sqlite3_column_int64(stmt, 1);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	bytes = load(s->path, "", &size);
	memset(bytes + at, 0, 4096);
	save(s->path, "", bytes, size);
	free(bytes);
	if (rewrite_trace(&options, &report, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(report.events, EVENTS);
	assert_true(chunks > 1 && report.chunks_salvaged == chunks);
	assert_int_equal(read_copy(s, &sound, &first), EVENTS);
	assert_true(sound && first);
}

/* ---- the log ---- */

/* a log that ends anywhere is a recording that ended then: sound, and a little shorter */
static uint64_t cut_log(const struct trial *s, const uint8_t *log, size_t size)
{
	bool sound, first;
	uint64_t n;

	save(s->copy, "-wal", log, size);
	remove_file(s->copy, "-shm");
	n = read_copy(s, &sound, &first);
	assert_true(first && sound);
	return n;
}

static void kill_a_recorder(const char *path)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		emit_all(path);
		usleep(50000);
		_exit(7);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void test_log_of_a_killed_recorder_cut_anywhere_is_a_shorter_recording(void **state)
{
	struct trial *s = *state;
	uint8_t *bytes, *log;
	uint64_t n, last = 0;
	size_t size, log_size;

	kill_a_recorder(s->path);
	bytes = load(s->path, "", &size);
	log = load(s->path, "-wal", &log_size);
	save(s->copy, "", bytes, size);
	for (size_t frame = 0; WAL_HEAD_BYTES + frame * WAL_FRAME_BYTES <= log_size; frame++) {
		size_t at = WAL_HEAD_BYTES + frame * WAL_FRAME_BYTES;

		assert_int_equal(cut_log(s, log, at - 1), last);
		n = cut_log(s, log, at);
		assert_true(n >= last);
		last = n;
		assert_int_equal(cut_log(s, log, at + 1 < log_size ? at + 1 : at), last);
	}
	assert_int_equal(last, EVENTS);
	for (unsigned int i = 0; i < RANDOM_CUTS / 4; i++)
		cut_log(s, log, rnd() % log_size);
	free(bytes);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cut_at_either_end_of_every_page_of_a_chunk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_repair_finds_all_chunks_when_their_table_has_lost_its_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log_of_a_killed_recorder_cut_anywhere_is_a_shorter_recording, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
