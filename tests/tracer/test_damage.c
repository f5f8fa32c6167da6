/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tests of a file that something happened to: every byte flipped in turn, cut off at every page and at random places. Whatever is still read
 * must be what was written: an event under its number, a text under its key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/rewrite.h"
#include "tracer/tracer.h"

#define EVENTS 700u

struct trial {
	char path[64], copy[64], good[64];
	struct trace_event events[EVENTS];
	uint8_t *bytes;
	size_t size, page_bytes;
};

/* one byte in so many; called as "test_damage all", and of the small packed trace under the address sanitizer, every byte */
static unsigned int flip_step = 41;

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const char *const meta[][2] = {
	{ TRACE_META_ORIGIN, "test of damage" }, { TRACE_META_GUEST, "6.1.0" }, { TRACE_META_CLOCK, "CLOCK_MONOTONIC" },
	{ TRACE_META_PROVENANCE, "modelled" }, { TRACE_META_COMPLETE, "yes" },
};

/* several chunks: what has been emitted is cut into one when its time is up */
static int record(struct trial *s)
{
	struct tracer_options options = { .path = s->path, .flush_ms = 1 };
	struct tracer_ring *ring;
	struct tracer *t;

	if (tracer_open(&options, &t, NULL) != 0)
		return -1;
	for (size_t i = 0; i + 1 < sizeof(meta) / sizeof(meta[0]); i++)
		tracer_meta(t, meta[i][0], meta[i][1]);
	tracer_device(t, "sim-gpu", "1234:e6b0");
	tracer_string(t, "load");
	tracer_account(t, "toys", 41, "a line");
	ring = tracer_ring(t);
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct trace_event *e = &s->events[i];

		*e = (struct trace_event){ .t_ns = 1000 + 30 * i, .kind = (uint16_t)(1 + i % 12), .device = 1 };
		for (unsigned int a = 0; a < TRACE_ARGS_MAX; a++) {
			if (trace_event_info(e->kind)->arg_form[a] != TRACE_UNUSED)
				e->arg[a] = a == 3 ? rnd() : 4096 * (i % 64) + a;
		}
		tracer_emit(ring, e);
		if (i % 100 == 99)
			usleep(20000);
	}
	return tracer_close(t, NULL);
}

static uint8_t *load(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st) != 0)
		return NULL;
	*size = (size_t)st.st_size;
	bytes = malloc(*size);
	if (read(fd, bytes, *size) != (ssize_t)*size)
		return NULL;
	close(fd);
	return bytes;
}

/* in place, which makes pages small and events one chunk of split and coded columns */
static int pack(struct trial *s)
{
	struct rewrite_options options = { .in = s->path, .out = s->path, .overwrite = true, .thorough = true };
	struct rewrite_report report;

	s->page_bytes = 1024;
	return rewrite_trace(&options, &report, NULL);
}

static int set_up_trial(void **state, bool packed)
{
	struct trial *s = calloc(1, sizeof(*s));

	s->page_bytes = 4096;

	snprintf(s->path, sizeof(s->path), "/tmp/egpu-damage-%d.egt", (int)getpid());
	snprintf(s->copy, sizeof(s->copy), "/tmp/egpu-damage-%d-copy.egt", (int)getpid());
	snprintf(s->good, sizeof(s->good), "/tmp/egpu-damage-%d-good.egt", (int)getpid());
	unlink(s->path);
	if (record(s) != 0 || (packed && pack(s) != 0))
		return -1;
	s->bytes = load(s->path, &s->size);
	*state = s;
	return s->bytes ? 0 : -1;
}

static int set_up(void **state)
{
	return set_up_trial(state, false);
}

static int set_up_packed(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	flip_step = 1;
#endif
	return set_up_trial(state, true);
}

static int tear_down(void **state)
{
	struct trial *s = *state;

	unlink(s->path);
	unlink(s->copy);
	unlink(s->good);
	free(s->bytes);
	free(s);
	return 0;
}

static void write_copy(const struct trial *s, size_t size)
{
	int fd = open(s->copy, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s->bytes, size), size);
	close(fd);
}

static void expect_text(const char *got, const char *want)
{
	if (got)
		assert_string_equal(got, want);
}

/* Return: events that were read, each of which is right */
static uint64_t read_events(const struct trial *s, struct trace *t)
{
	char error[TRACE_ERROR_BYTES];
	struct trace_cursor *c;
	struct trace_event e;
	uint64_t n = 0, last = UINT64_MAX;
	int got = trace_cursor_open(t, true, &c);

	if (got)
		return 0;
	while ((got = trace_next(c, &e, error)) == 1) {
		uint64_t seq = trace_cursor_seq(c);

		assert_true(seq < EVENTS && (last == UINT64_MAX || seq > last));
		assert_memory_equal(&e, &s->events[seq], sizeof(e));
		last = seq;
		n++;
	}
	trace_cursor_close(c);
	return n;
}

/* Return: how many events of the copy can be read; nothing that is read may be wrong */
static uint64_t read_copy(const struct trial *s, bool *verified)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct trace_summary summary;
	const char *what, *note;
	unsigned int row = 0;
	uint64_t n, count;
	struct trace *t;
	int err = trace_open(s->copy, &t, error);

	*verified = false;
	if (err) {
		assert_true(err < 0 && error[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < sizeof(meta) / sizeof(meta[0]); i++)
		expect_text(trace_meta(t, meta[i][0]), meta[i][1]);
	while (trace_account_next(t, &row, &what, &count, &note))
		assert_true((strcmp(what, "toys") == 0 && count == 41) || (strcmp(what, "events_dropped") == 0 && count == 0));
	expect_text(trace_device_name(t, 1), "sim-gpu");
	expect_text(trace_device_identity(t, 1), "1234:e6b0");
	expect_text(trace_string(t, 1), "load");
	n = read_events(s, t);
	*verified = trace_verify(t, NULL, NULL) == 0 && trace_verify_rows(t, NULL, NULL) == 0 && trace_summary(t, &summary) == 0;
	trace_close(t);
	return n;
}

/* byte @at of the copy @fd is another while it is read. Return: whether that costs events, which must not go unnoticed */
static bool flip_costs(const struct trial *s, int fd, size_t at, uint8_t mask, unsigned int *silent)
{
	uint8_t flipped = s->bytes[at] ^ mask;
	bool verified;
	uint64_t n;

	assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
	n = read_copy(s, &verified);
	*silent += n < EVENTS && verified;
	assert_int_equal(pwrite(fd, &s->bytes[at], 1, (off_t)at), 1);
	return n < EVENTS;
}

static void test_no_flipped_byte_makes_a_wrong_event_or_text(void **state)
{
	struct trial *s = *state;
	unsigned int unread = 0, silent = 0;
	int fd;

	write_copy(s, s->size);
	fd = open(s->copy, O_RDWR);
	for (size_t i = rnd() % flip_step; i < s->size; i += flip_step)
		unread += flip_costs(s, fd, i, (uint8_t)(1 + rnd() % 255), &silent);
	/* where a page says what it is and where its rows are, every bit */
	for (size_t page = 0; page < s->size; page += s->page_bytes) {
		for (size_t bit = 0; bit < 16 * 8; bit++)
			flip_costs(s, fd, page + bit / 8, (uint8_t)(1 << bit % 8), &silent);
	}
	close(fd);
	/* the data are a good part of the file: most of it matters */
	assert_true(unread > s->size / flip_step / 10);
	print_message("of %zu bytes one in %u flipped: %u cost events, %u of these went unnoticed\n", s->size, flip_step, unread, silent);
	assert_int_equal(silent, 0);
}

static void test_no_place_to_cut_makes_a_wrong_event_or_text(void **state)
{
	struct trial *s = *state;
	size_t cuts = s->size / s->page_bytes + 200;
	uint64_t n, most = 0;
	bool verified;

	for (size_t i = 0; i < cuts; i++) {
		size_t size = i < s->size / s->page_bytes ? i * s->page_bytes : rnd() % s->size;

		write_copy(s, size);
		n = read_copy(s, &verified);
		assert_true(n < EVENTS || !verified);
		most = n > most ? n : most;
	}
	assert_true(most > 0 || s->page_bytes == 1024); /* packed, all events are one chunk, and a cut goes through it */
	write_copy(s, s->size);
	assert_int_equal(read_copy(s, &verified), EVENTS);
	assert_true(verified);
}

/* Return: events but gaps, each of which is one of those that were written; their times tell which */
static uint64_t count_right(const struct trial *s, struct trace *t)
{
	struct trace_cursor *c;
	struct trace_event e;
	uint64_t n = 0;

	assert_int_equal(trace_cursor_open(t, false, &c), 0);
	while (trace_next(c, &e, NULL) == 1) {
		if (e.kind == TRACE_GAP)
			continue;
		assert_true(e.t_ns >= 1000 && (e.t_ns - 1000) / 30 < EVENTS);
		assert_memory_equal(&e, &s->events[(e.t_ns - 1000) / 30], sizeof(e));
		n++;
	}
	trace_cursor_close(c);
	return n;
}

/* the repaired trace must be sound, and hold what could be read of the damaged one and gaps for the rest */
static void expect_repair(const struct trial *s, uint64_t readable)
{
	struct rewrite_options options = { .in = s->copy, .out = s->good, .overwrite = true, .repair = true };
	char error[TRACE_ERROR_BYTES] = "";
	struct rewrite_report report;
	struct trace_summary summary;
	struct trace *t;
	int err = rewrite_trace(&options, &report, error);

	if (err) {
		assert_true(readable == 0 && error[0] != '\0');
		return;
	}
	/* more than can be read where the rows are whole but the way to them is not */
	assert_true(report.events >= readable && report.events <= EVENTS);
	assert_int_equal(trace_open(s->good, &t, error), 0);
	assert_int_equal(trace_verify(t, NULL, NULL), 0);
	assert_int_equal(trace_verify_rows(t, NULL, NULL), 0);
	assert_int_equal(trace_summary(t, &summary), 0);
	assert_int_equal(summary.events - summary.kind_events[TRACE_GAP], report.events);
	assert_int_equal(count_right(s, t), report.events);
	trace_close(t);
}

static void test_repair_keeps_all_that_is_whole(void **state)
{
	struct trial *s = *state;

	for (int i = 0; i < 60; i++) {
		size_t at = rnd() % s->size;
		bool verified;

		s->bytes[at] ^= 0x55;
		write_copy(s, i % 3 ? s->size : 1 + rnd() % s->size);
		s->bytes[at] ^= 0x55;
		expect_repair(s, read_copy(s, &verified));
	}
}

/* all rows are whole, but nothing leads to them: the header, the schema, or both are gone */
static void test_repair_finds_chunks_that_nothing_leads_to(void **state)
{
	struct trial *s = *state;
	const struct { size_t at, bytes; } gone[] = { { 0, 100 }, { 0, s->page_bytes }, { 100, s->page_bytes - 100 } };
	uint8_t *whole = malloc(s->size);

	memcpy(whole, s->bytes, s->size);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		struct rewrite_options options = { .in = s->copy, .out = s->good, .overwrite = true, .repair = true };
		char error[TRACE_ERROR_BYTES] = "";
		struct rewrite_report report;
		struct trace *t;

		memset(s->bytes + gone[i].at, 0, gone[i].bytes);
		write_copy(s, s->size);
		memcpy(s->bytes, whole, s->size);
		if (rewrite_trace(&options, &report, error) != 0)
			fail_msg("%s", error);
		assert_int_equal(report.events, EVENTS);
		assert_true(report.chunks_salvaged > 0);
		assert_int_equal(trace_open(s->good, &t, error), 0);
		assert_int_equal(count_right(s, t), EVENTS);
		expect_text(trace_device_name(t, 1), "sim-gpu");
		assert_string_equal(trace_meta(t, meta[0][0]), meta[0][1]);
		assert_string_equal(trace_string(t, 1), "load");
		assert_null(trace_meta(t, TRACE_META_COMPLETE));
		trace_close(t);
	}
	free(whole);
}

static void test_repair_of_what_holds_no_chunk_is_one_line(void **state)
{
	struct trial *s = *state;
	struct rewrite_options options = { .in = s->copy, .out = s->good, .overwrite = true, .repair = true };
	char error[TRACE_ERROR_BYTES] = "";
	struct rewrite_report report;
	int fd = open(s->copy, O_RDWR | O_CREAT | O_TRUNC, 0644);

	unlink(s->good);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t noise = rnd();

		assert_int_equal(write(fd, &noise, sizeof(noise)), sizeof(noise));
	}
	close(fd);
	assert_int_equal(rewrite_trace(&options, &report, error), -EINVAL);
	assert_non_null(strstr(error, "nothing can be kept"));
	assert_true(access(s->good, F_OK) != 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_flipped_byte_makes_a_wrong_event_or_text),
		cmocka_unit_test(test_no_place_to_cut_makes_a_wrong_event_or_text),
		cmocka_unit_test(test_repair_keeps_all_that_is_whole),
		cmocka_unit_test(test_repair_finds_chunks_that_nothing_leads_to),
		cmocka_unit_test(test_repair_of_what_holds_no_chunk_is_one_line),
	};

	if (argc > 1 && strcmp(argv[1], "all") == 0)
		flip_step = 1;
	return cmocka_run_group_tests_name("recorded", tests, set_up, tear_down) +
	       cmocka_run_group_tests_name("packed", tests, set_up_packed, tear_down);
}
