/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tests of the door: tracer.h from open to close, and back. Called as "test_recorder emit PATH FLUSH_MS [PERIOD_US]" it is a recorder
 * that never ends, for the tests that kill one; each event carries its number. Called as "test_recorder sample PATH" it makes the trace of
 * which every version of the format has a golden copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/tracer.h"

struct scratch {
	char dir[64];
	char path[128];
	char error[TRACE_ERROR_BYTES];
};

static int set_up(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	snprintf(s->dir, sizeof(s->dir), "/tmp/egpu-recorder-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/t.egt", s->dir);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-lock", "-new", "-journal" };
	struct scratch *s = *state;
	char name[160];

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", s->path, suffix[i]);
		unlink(name);
	}
	if (rmdir(s->dir) != 0)
		return -1; /* a file that no test expects was left */
	free(s);
	return 0;
}

static struct tracer *record(struct scratch *s, const struct tracer_options *more)
{
	struct tracer_options options = *more;
	struct tracer *t = NULL;

	options.path = s->path;
	if (tracer_open(&options, &t, s->error) != 0)
		fail_msg("%s", s->error);
	return t;
}

static void emit_frame(struct tracer_ring *ring, uint64_t t_ns, uint64_t frame)
{
	struct trace_event e = { .t_ns = t_ns, .kind = TRACE_FRAME, .arg = { frame } };

	tracer_emit(ring, &e);
}

static bool exists(struct scratch *s, const char *suffix)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", s->path, suffix);
	return stat(name, &st) == 0;
}

static void test_what_is_recorded_is_read_back(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ 0 });
	struct tracer_ring *ring = tracer_ring(t);
	uint16_t gpu = tracer_device(t, "sim-gpu", "1234:e6b0 030200");
	struct trace_event in = { .t_ns = 5, .kind = TRACE_REQ_MAP, .device = gpu, .status = -ENOSPC, .arg = { 1, 2, UINT64_MAX, 4, 5 } }, out;
	struct trace_summary summary;
	struct trace_cursor *c;
	struct trace *r;

	assert_int_equal(tracer_device(t, "sim-gpu", NULL), gpu);
	assert_int_equal(tracer_string(t, "load"), tracer_string(t, "load"));
	assert_int_equal(tracer_meta(t, "workload", "first"), 0);
	assert_int_equal(tracer_meta(t, "workload", "second"), 0);
	assert_int_equal(tracer_meta(t, TRACE_META_HOST, NULL), 0);
	assert_int_equal(tracer_account(t, "unmap_unmatched", 7, "a note"), 0);
	tracer_emit(ring, &in);
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_false(exists(s, "-wal") || exists(s, "-shm") || exists(s, "-lock") || exists(s, "-new"));

	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_string_equal(trace_meta(r, TRACE_META_COMPLETE), "yes");
	assert_string_equal(trace_meta(r, TRACE_META_PROVENANCE), "recorded");
	assert_string_equal(trace_meta(r, "workload"), "second");
	assert_null(trace_meta(r, TRACE_META_HOST));
	assert_int_equal(trace_devices(r), 1);
	assert_string_equal(trace_device_name(r, gpu), "sim-gpu");
	assert_string_equal(trace_device_identity(r, gpu), "1234:e6b0 030200");
	assert_null(trace_device_name(r, 2));
	assert_string_equal(trace_string(r, 1), "load");
	assert_null(trace_string(r, 2));
	assert_int_equal(trace_summary(r, &summary), 0);
	assert_int_equal(summary.events, 1);
	assert_int_equal(summary.kind_events[TRACE_REQ_MAP], 1);
	assert_int_equal(trace_cursor_open(r, false, &c), 0);
	assert_int_equal(trace_next(c, &out, s->error), 1);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(trace_next(c, &out, s->error), 0);
	trace_cursor_close(c);
	trace_close(r);
}

static void test_loss_account_always_holds_events_dropped(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ 0 });
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count = 99;
	struct trace *r;
	bool found = false;

	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	while (!found && trace_account_next(r, &row, &what, &count, &note))
		found = strcmp(what, "events_dropped") == 0;
	assert_true(found);
	assert_int_equal(count, 0);
	trace_close(r);
}

/* ---- threads ---- */

#define THREADS 4
#define PER_THREAD 100000u

struct worker {
	struct tracer *t;
	unsigned int number;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct tracer_ring *ring = tracer_ring(w->t);

	for (uint64_t i = 0; i < PER_THREAD; i++) {
		struct trace_event e = { .t_ns = tracer_now_ns(), .kind = TRACE_REGION_WRITE, .device = (uint16_t)w->number, .arg = { 0, i, 4, i } };

		tracer_emit(ring, &e);
	}
	return NULL;
}

static void test_rings_of_many_threads_keep_each_order_and_lose_nothing(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .ring_events = 256, .flush_ms = 20 });
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	uint64_t next[THREADS] = { 0 }, disorder = 0, last = 0;
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *r;

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ t, i };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_int_equal(trace_verify(r, NULL, NULL), 0);
	assert_int_equal(trace_cursor_open(r, false, &c), 0);
	while (trace_next(c, &e, s->error) == 1) {
		assert_int_equal(e.arg[TRACE_REGION_VALUE], next[e.device]++);
		disorder += e.t_ns < last;
		last = e.t_ns;
	}
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(next[i], PER_THREAD);
	/* merged by time but for what a round of the writer could not see yet */
	assert_true(disorder < THREADS * PER_THREAD / 20);
	trace_cursor_close(c);
	trace_close(r);
}

static void test_rings_are_merged_by_time(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .flush_ms = 1000 });
	struct tracer_ring *odd = tracer_ring(t), *even = tracer_ring(t);
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *r;

	for (uint64_t i = 1; i < 20; i += 2)
		emit_frame(odd, i, i);
	for (uint64_t i = 0; i < 20; i += 2)
		emit_frame(even, i, i);
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_int_equal(trace_cursor_open(r, false, &c), 0);
	for (uint64_t i = 0; i < 20; i++) {
		assert_int_equal(trace_next(c, &e, s->error), 1);
		assert_int_equal(e.arg[0], i);
	}
	trace_cursor_close(c);
	trace_close(r);
}

static void test_dropped_events_are_gaps_and_in_the_account(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .ring_events = 16, .drop = true });
	struct tracer_ring *ring = tracer_ring(t);
	struct tracer_status status;
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *r;
	uint64_t next = 0, lost = 0, count = 0;
	const char *what = "", *note;
	unsigned int row = 0;

	for (uint64_t i = 0; i < 200000; i++)
		emit_frame(ring, i, i);
	tracer_status(t, &status);
	assert_true(status.dropped > 0);
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_int_equal(trace_cursor_open(r, false, &c), 0);
	while (trace_next(c, &e, s->error) == 1) {
		if (e.kind == TRACE_GAP)
			lost += e.arg[0];
		else
			assert_int_equal(e.arg[0], next + lost);
		next += e.kind != TRACE_GAP;
	}
	assert_int_equal(next + lost, 200000);
	while (strcmp(what, "events_dropped") != 0 && trace_account_next(r, &row, &what, &count, &note))
		;
	assert_int_equal(count, lost);
	trace_cursor_close(c);
	trace_close(r);
}

/* ---- files in the way, and files that fail ---- */

static void test_second_recorder_is_busy(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ 0 }), *second = NULL;
	const struct tracer_options again = { .path = s->path }, over = { .path = s->path, .overwrite = true };

	assert_int_equal(tracer_open(&again, &second, s->error), -EBUSY);
	assert_int_equal(tracer_open(&over, &second, s->error), -EBUSY);
	assert_non_null(strstr(s->error, "another recorder"));
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(tracer_open(&again, &second, s->error), -EEXIST);
	assert_int_equal(tracer_open(&over, &second, s->error), 0);
	assert_int_equal(tracer_close(second, s->error), 0);
}

static void test_file_that_is_no_trace_is_never_replaced(void **state)
{
	struct scratch *s = *state;
	const struct tracer_options over = { .path = s->path, .overwrite = true };
	static const char text[] = "SQLite format 3 is what this text is about, and it is precious and longer than a header of that";
	char back[sizeof(text)] = "";
	struct tracer *t = NULL;
	int fd = open(s->path, O_RDWR | O_CREAT, 0600);

	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_int_equal(tracer_open(&over, &t, s->error), -EEXIST);
	assert_non_null(strstr(s->error, "not an egpu trace"));
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(text));
	assert_string_equal(back, text);
	close(fd);
}

/* whole chunks by packers, and the rest */
static void test_times_are_cut_to_ticks_and_clocks_stay_together(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .tick_ns = 32 });
	struct tracer_ring *ring = tracer_ring(t);
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *r;

	for (uint64_t i = 0; i < 200000; i++) {
		e = (struct trace_event){ .t_ns = 1000 + i * 77, .kind = i % 2 ? TRACE_REQ_MAP : TRACE_CLOCK };
		e.arg[i % 2 ? TRACE_REQ_GUEST_T : 0] = e.t_ns - 900;
		tracer_emit(ring, &e);
	}
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_string_equal(trace_meta(r, TRACE_META_TICK), "32");
	assert_int_equal(trace_cursor_open(r, false, &c), 0);
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t t_ns = (1000 + i * 77) / 32 * 32;

		assert_int_equal(trace_next(c, &e, s->error), 1);
		assert_int_equal(e.t_ns, t_ns);
		assert_int_equal(e.arg[i % 2 ? TRACE_REQ_GUEST_T : 0], t_ns - 900);
	}
	trace_cursor_close(c);
	trace_close(r);
}

static void test_bad_options_are_refused(void **state)
{
	struct scratch *s = *state;
	const struct tracer_options odd = { .path = s->path, .ring_events = 100 }, huge = { .path = s->path, .ring_events = 1u << 31 };
	const struct tracer_options nowhere = { .path = "/nonexistent/t.egt" }, unnamed = { .path = "" };
	const struct tracer_options crooked = { .path = s->path, .tick_ns = 24 }, coarse = { .path = s->path, .tick_ns = 2 * TRACE_TICK_NS_MAX };
	struct tracer *t = NULL;

	assert_int_equal(tracer_open(&odd, &t, s->error), -EINVAL);
	assert_int_equal(tracer_open(&crooked, &t, s->error), -EINVAL);
	assert_int_equal(tracer_open(&coarse, &t, s->error), -EINVAL);
	assert_int_equal(tracer_open(&huge, &t, s->error), -EINVAL);
	assert_int_equal(tracer_open(&nowhere, &t, s->error), -ENOENT);
	assert_int_equal(tracer_open(&unnamed, &t, s->error), -EINVAL);
	assert_int_equal(tracer_close(NULL, NULL), 0);
}

/* RLIMIT_FSIZE is a disk that is full for this process: the write fails with EFBIG */
static void test_full_disk_is_an_error_and_leaves_a_readable_file(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .ring_events = 1024, .flush_ms = 20 });
	struct tracer_ring *ring = tracer_ring(t);
	struct rlimit before, small = { .rlim_cur = 600 * 1024 };
	struct tracer_status status;
	struct trace_summary summary;
	struct trace *r;
	uint64_t seed = 1;

	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	for (uint64_t i = 0; i < 300000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		emit_frame(ring, i, seed);
	}
	for (int i = 0; i < 500 && (tracer_status(t, &status), !status.error); i++)
		usleep(10000);
	assert_true(status.error == -EFBIG || status.error == -ENOSPC || status.error == -EIO);
	assert_true(status.dropped > 0);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(tracer_close(t, s->error), status.error);
	assert_true(s->error[0] != '\0');

	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_null(trace_meta(r, TRACE_META_COMPLETE));
	assert_int_equal(trace_verify(r, NULL, NULL), 0);
	assert_int_equal(trace_summary(r, &summary), 0);
	assert_true(summary.events < 300000);
	trace_close(r);
}

static void test_reading_while_recording_sees_what_was_flushed(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .flush_ms = 10 });
	struct tracer_ring *ring = tracer_ring(t);
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *r;

	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_int_equal(trace_cursor_open(r, false, &c), 0);
	assert_int_equal(trace_next(c, &e, s->error), 0);
	for (uint64_t i = 0; i < 5; i++) {
		int got = 0;

		emit_frame(ring, i, i);
		for (int tries = 0; tries < 500 && got == 0; tries++) {
			usleep(5000);
			got = trace_next(c, &e, s->error);
		}
		assert_int_equal(got, 1);
		assert_int_equal(e.arg[0], i);
	}
	assert_true(trace_recording(s->path));
	trace_cursor_close(c);
	trace_close(r);
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_false(trace_recording(s->path));
}

/* a reader that stays keeps the log's files in place, but the recorder ends in order and nothing is lost */
static void test_recorder_ends_while_a_reader_stays(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .flush_ms = 10 });
	struct trace_summary summary;
	struct trace *r, *again;

	emit_frame(tracer_ring(t), 1, 1);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_int_equal(tracer_close(t, s->error), 0);
	trace_close(r);
	assert_int_equal(trace_open(s->path, &again, s->error), 0);
	assert_string_equal(trace_meta(again, TRACE_META_COMPLETE), "yes");
	assert_int_equal(trace_summary(again, &summary), 0);
	assert_int_equal(summary.events, 1);
	trace_close(again);
}

static void *close_soon(void *reader)
{
	usleep(100000);
	trace_close(reader);
	return NULL;
}

static void test_reader_that_leaves_while_the_recorder_ends_leaves_one_file(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s, &(struct tracer_options){ .flush_ms = 10 });
	pthread_t thread;
	struct trace *r;

	emit_frame(tracer_ring(t), 1, 1);
	assert_int_equal(trace_open(s->path, &r, s->error), 0);
	assert_int_equal(pthread_create(&thread, NULL, close_soon, r), 0);
	assert_int_equal(tracer_close(t, s->error), 0);
	pthread_join(thread, NULL);
	assert_false(exists(s, "-wal") || exists(s, "-shm"));
}

/* ---- the recorder that never ends ---- */

static int emit_for_ever(const char *path, unsigned int flush_ms, unsigned int period_us)
{
	struct tracer_options options = { .path = path, .flush_ms = flush_ms };
	char error[TRACE_ERROR_BYTES];
	struct tracer_ring *ring;
	struct tracer *t;
	int err = tracer_open(&options, &t, error);

	if (err) {
		fprintf(stderr, "%d %s\n", -err, error);
		return 1;
	}
	ring = tracer_ring(t);
	for (uint64_t i = 0;; i++) {
		emit_frame(ring, tracer_now_ns(), i);
		if (period_us)
			usleep(period_us);
	}
}

/* ---- the trace that becomes a golden file: every kind, and columns of every encoding ---- */

static uint64_t sample_value(unsigned int i, unsigned int arg)
{
	static const uint64_t scattered[] = { 0xc3, 0x9c41, 0xe7a1b2c3, 0xfedcba9876543210 };

	switch (arg) {
	case 0: return 1 + i % 2;                               /* small: the string ids of mark and policy */
	case 1: return 4096;                                    /* const */
	case 2: return 0x100000000 + i * 4096;                  /* delta */
	case 3: return scattered[i % 4] >> (i / 4 % 8);         /* varint */
	case 4: return i * 0x9e3779b97f4a7c15;                  /* fixed 8 */
	default: return (i * 2654435761u) >> 16;
	}
}

/* widths by kind, so that each fixed width is the cheapest somewhere */
static uint64_t narrowed(unsigned int kind, uint64_t v, unsigned int i)
{
	switch (kind) {
	case TRACE_IRQ: return (i * 2654435761u) >> 24;
	case TRACE_IRQ_CONFIG: return (i * 2654435761u) >> 16 | 0x8000;
	case TRACE_FAULT: return i * 2654435761u | 0x80000000;
	}
	return v;
}

static int write_sample(const char *path)
{
	struct tracer_options options = { .path = path };
	uint64_t t_ns = 1000000000;
	char error[TRACE_ERROR_BYTES];
	struct tracer_ring *ring;
	struct tracer *t;

	if (tracer_open(&options, &t, error) != 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	tracer_meta(t, TRACE_META_PROVENANCE, "modelled");
	tracer_meta(t, TRACE_META_ORIGIN, "sample of every kind of event");
	tracer_meta(t, TRACE_META_CLOCK, "none");
	tracer_meta(t, TRACE_META_STARTED, NULL);
	tracer_meta(t, TRACE_META_HOST, NULL);
	tracer_device(t, "sim-gpu", "1234:e6b0 030200");
	tracer_string(t, "load");
	tracer_string(t, "level \"2\", \xc3\xa9t\xc3\xa9");
	tracer_account(t, "sampled", 3, "a line of the account");
	ring = tracer_ring(t);
	for (unsigned int i = 0; i < 40 * (TRACE_KINDS - 1); i++) {
		struct trace_event e = { .kind = (uint16_t)(1 + i % (TRACE_KINDS - 1)) };

		/* each kind takes its time, but for frames */
		t_ns += e.kind == TRACE_FRAME ? i * i * 7919 % 100000 : e.kind * e.kind * 77;
		e.t_ns = t_ns;
		e.device = e.kind != TRACE_FRAME;
		e.status = i % 50 ? 0 : -ENOSPC;
		for (unsigned int a = 0; a < TRACE_ARGS_MAX; a++) {
			if (trace_event_info(e.kind)->arg_form[a] != TRACE_UNUSED)
				e.arg[a] = narrowed(e.kind, sample_value(i / (TRACE_KINDS - 1), a), i);
		}
		if (e.kind == TRACE_REQ_MAP)
			e.arg[TRACE_REQ_GUEST_T] = e.t_ns - 900000000 - i / 300; /* a clock that runs alike, nearly */
		if (e.kind == TRACE_REGION_READ) { /* registers that hardly change */
			e.arg[TRACE_REGION_OFFSET] = 4 + 4 * (i * i % 5);
			e.arg[TRACE_REGION_VALUE] = (uint32_t)(i * i % 5 * 0x9e3779b9) + i / 200 + 1;
		}
		if (e.kind == TRACE_REGION_WRITE) { /* one of them random, the others alike */
			e.arg[TRACE_REGION_OFFSET] = 4 + 4 * (i * i % 5);
			e.arg[TRACE_REGION_VALUE] = i * i % 5 == 0 ? (uint32_t)(i * 0x9e3779b9u) : 0x11 * (i * i % 5);
		}
		if (e.kind == TRACE_REQ_MAP || e.kind == TRACE_REQ_UNMAP) /* nobody could guess where */
			e.arg[TRACE_REQ_GPA] = (i / (TRACE_KINDS - 1) + 1) * 0x9e3779b97f4a7c15 >> 16 << 12;
		if ((e.kind == TRACE_REQ_UNMAP || e.kind == TRACE_UNMAP) && i / (TRACE_KINDS - 1) % 4 == 0)
			e.arg[TRACE_MAP_IOVA] += 1 << 30; /* what was mapped stays so */
		tracer_emit(ring, &e);
	}
	return tracer_close(t, error) != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_recorded_is_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_loss_account_always_holds_events_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rings_of_many_threads_keep_each_order_and_lose_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rings_are_merged_by_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dropped_events_are_gaps_and_in_the_account, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second_recorder_is_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_that_is_no_trace_is_never_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_times_are_cut_to_ticks_and_clocks_stay_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_options_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk_is_an_error_and_leaves_a_readable_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reading_while_recording_sees_what_was_flushed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_recorder_ends_while_a_reader_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_that_leaves_while_the_recorder_ends_leaves_one_file, set_up, tear_down),
	};

	if (argc == 3 && strcmp(argv[1], "sample") == 0)
		return write_sample(argv[2]);
	if (argc >= 4 && strcmp(argv[1], "emit") == 0)
		return emit_for_ever(argv[2], (unsigned int)atoi(argv[3]), argc > 4 ? (unsigned int)atoi(argv[4]) : 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
