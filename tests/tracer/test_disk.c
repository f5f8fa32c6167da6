/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tests of a disk that fails: what SQLite asks of the system is answered here, with an error, or in part, from a chosen call on; and a
 * file system that is really full. Whatever is on the disk afterwards is a valid trace that holds the first events, and says what it lacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/rewrite.h"
#include "tracer/tracer.h"

/* ---- the disk ---- */

enum disk_call { DISK_NONE, DISK_READ, DISK_WRITE, DISK_SYNC, DISK_TRUNCATE };

/**
 * failing - calls of this kind fail with EIO,
 * @spared: but for so many;
 * @torn:   a write that fails has done its first half
 * @slowly: no write takes more than so many bytes at once
 */
static atomic_int failing, spared, torn, slowly;

static bool fails(enum disk_call call)
{
	if ((enum disk_call)atomic_load(&failing) != call || atomic_fetch_sub(&spared, 1) > 0)
		return false;
	errno = EIO;
	return true;
}

static void disk_fails(enum disk_call call, int after)
{
	atomic_store(&spared, after);
	atomic_store(&failing, call);
}

static void disk_works(void)
{
	atomic_store(&failing, DISK_NONE);
	atomic_store(&torn, 0);
	atomic_store(&slowly, 0);
}

ssize_t pread64(int fd, void *buf, size_t n, off64_t at)
{
	return fails(DISK_READ) ? -1 : syscall(SYS_pread64, fd, buf, n, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
	size_t most = (size_t)atomic_load(&slowly);

	if (most && n > most)
		n = most;
	if (!fails(DISK_WRITE))
		return syscall(SYS_pwrite64, fd, buf, n, at);
	if (atomic_load(&torn))
		syscall(SYS_pwrite64, fd, buf, n / 2, at);
	errno = EIO;
	return -1;
}

int fdatasync(int fd)
{
	return fails(DISK_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	return fails(DISK_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t n)
{
	return fails(DISK_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

/* ---- recording and reading on it ---- */

struct scratch {
	char dir[64], path[128], error[TRACE_ERROR_BYTES];
	bool mounted;
};

static int set_up(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	strcpy(s->dir, "/tmp/egpu-disk-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/t.egt", s->dir);
	*state = s;
	return 0;
}

static void remove_files(const struct scratch *s)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
	char name[160];

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", s->path, suffix[i]);
		unlink(name);
	}
}

static int tear_down(void **state)
{
	struct scratch *s = *state;

	disk_works();
	remove_files(s);
	if (s->mounted)
		umount(s->dir);
	if (rmdir(s->dir) != 0)
		return -1; /* a file that no test expects was left */
	free(s);
	return 0;
}

static struct tracer *record(struct scratch *s)
{
	struct tracer_options options = { .path = s->path, .ring_events = 1024, .flush_ms = 4 };
	struct tracer *t;

	if (tracer_open(&options, &t, s->error) != 0)
		fail_msg("%s", s->error);
	return t;
}

/* event number i holds i, and something that does not compress */
static void emit(struct tracer_ring *ring, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++) {
		struct trace_event e = { .t_ns = i, .kind = TRACE_REGION_WRITE, .device = 1, .arg = { 0, i, 8, i * i * 0x9e3779b97f4a7c15 } };

		tracer_emit(ring, &e);
	}
}

/* so that several chunks come, until the disk has failed. Return: events emitted */
static uint64_t emit_until_it_fails(struct tracer *t, struct tracer_status *status)
{
	struct tracer_ring *ring = tracer_ring(t);
	uint64_t n = 0;

	do {
		emit(ring, n, 3000);
		n += 3000;
		usleep(1000);
		tracer_status(t, status);
	} while (!status->error && n < 6000000);
	return n;
}

static uint64_t account(struct trace *t, const char *wanted)
{
	uint64_t count = UINT64_MAX;
	const char *what, *note;
	unsigned int row = 0;

	while (trace_account_next(t, &row, &what, &count, &note)) {
		if (strcmp(what, wanted) == 0)
			return count;
	}
	return UINT64_MAX;
}

/* the trace must be sound and hold events 0 to n - 1. Return: n */
static uint64_t expect_first_events(struct scratch *s, bool complete, uint64_t *dropped)
{
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *t;
	uint64_t n = 0;

	if (trace_open(s->path, &t, s->error) != 0)
		fail_msg("%s", s->error);
	assert_int_equal(trace_meta(t, TRACE_META_COMPLETE) != NULL, complete);
	assert_int_equal(trace_verify(t, NULL, NULL), 0);
	assert_int_equal(trace_verify_rows(t, NULL, NULL), 0);
	*dropped = account(t, "events_dropped");
	assert_int_equal(trace_cursor_open(t, false, &c), 0);
	for (; trace_next(c, &e, s->error) == 1; n++)
		assert_int_equal(e.arg[TRACE_REGION_OFFSET], n);
	trace_cursor_close(c);
	trace_close(t);
	return n;
}

static void expect_one_line(const struct scratch *s)
{
	assert_true(s->error[0] != '\0');
	assert_null(strchr(s->error, '\n'));
}

/* ---- writing ---- */

static void write_fails(struct scratch *s, int after, bool half)
{
	struct tracer *t = record(s);
	struct tracer_status status;
	uint64_t emitted, dropped;

	atomic_store(&torn, half);
	disk_fails(DISK_WRITE, after);
	emitted = emit_until_it_fails(t, &status);
	assert_int_equal(status.error, -EIO);
	s->error[0] = '\0';
	assert_int_equal(tracer_close(t, s->error), -EIO);
	expect_one_line(s);
	assert_non_null(strstr(s->error, strerror(EIO)));
	disk_works();
	assert_true(expect_first_events(s, false, &dropped) < emitted);
	remove_files(s);
}

static void test_write_error_ends_the_recording_with_one_line_and_a_sound_trace(void **state)
{
	static const int after[] = { 0, 1, 2, 3, 7, 20, 60, 250 };

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		write_fails(*state, after[i], false);
		write_fails(*state, after[i], true);
	}
}

static void test_disk_that_works_again_at_the_end_has_the_exact_account(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s);
	struct tracer_status status;
	uint64_t emitted, dropped, n;

	disk_fails(DISK_WRITE, 40);
	emitted = emit_until_it_fails(t, &status);
	disk_works();
	assert_int_equal(tracer_close(t, s->error), -EIO);
	n = expect_first_events(s, false, &dropped);
	assert_true(n > 0 && dropped > 0);
	assert_int_equal(n + dropped, emitted);
}

static void test_writes_that_do_a_part_at_a_time_lose_nothing(void **state)
{
	struct scratch *s = *state;
	struct tracer *t = record(s);
	uint64_t dropped;

	atomic_store(&slowly, 1000);
	emit(tracer_ring(t), 0, 100000);
	assert_int_equal(tracer_close(t, s->error), 0);
	assert_int_equal(expect_first_events(s, true, &dropped), 100000);
	assert_int_equal(dropped, 0);
}

/* what did not reach the disk is not called complete, though it can be read as long as the machine runs */
static void test_sync_error_is_told_and_the_trace_not_called_complete(void **state)
{
	struct scratch *s = *state;
	uint64_t dropped;

	for (int after = 0; after < 2; after++) {
		struct tracer *t = record(s);

		disk_fails(DISK_SYNC, after);
		emit(tracer_ring(t), 0, 20000);
		s->error[0] = '\0';
		assert_int_equal(tracer_close(t, s->error), -EIO);
		expect_one_line(s);
		disk_works();
		assert_int_equal(expect_first_events(s, false, &dropped), 20000);
		remove_files(s);
	}
}

static void test_trace_that_cannot_be_begun_is_one_line_and_leaves_no_file(void **state)
{
	struct scratch *s = *state;
	struct tracer_options options = { .path = s->path };
	struct tracer *t;
	int err;

	for (enum disk_call call = DISK_READ; call <= DISK_SYNC; call++) {
		s->error[0] = '\0';
		disk_fails(call, 0);
		err = tracer_open(&options, &t, s->error);
		disk_works();
		if (err == 0) {
			assert_int_equal(tracer_close(t, s->error), 0);
		} else {
			assert_int_equal(err, -EIO);
			expect_one_line(s);
		}
		remove_files(s);
	}
}

/* ---- reading ---- */

static void make_trace(struct scratch *s, uint64_t events)
{
	struct tracer *t = record(s);
	struct tracer_ring *ring = tracer_ring(t);

	for (uint64_t i = 0; i < events; i += 5000) {
		emit(ring, i, 5000);
		usleep(5000);
	}
	assert_int_equal(tracer_close(t, s->error), 0);
}

/* SQLite calls some read errors damage */
static bool told(int err)
{
	return err == -EIO || err == -EBADMSG;
}

/* Return: true if everything could be read; otherwise an error was told, and what came before it was right */
static bool read_all(struct scratch *s, uint64_t events, bool skip_damaged)
{
	struct trace_cursor *c = NULL;
	struct trace_event e;
	struct trace *t;
	uint64_t n = 0;
	int got;

	s->error[0] = '\0';
	if (trace_open(s->path, &t, s->error) != 0) {
		expect_one_line(s);
		return false;
	}
	got = trace_cursor_open(t, skip_damaged, &c);
	while (!got && (got = trace_next(c, &e, s->error)) == 1) {
		assert_int_equal(e.arg[TRACE_REGION_OFFSET], trace_cursor_seq(c));
		got = 0;
		n++;
	}
	assert_true(got == 0 || told(got));
	if (got == 0 && n != events)
		assert_true(trace_cursor_damaged(c) > 0);
	trace_cursor_close(c);
	trace_close(t);
	return got == 0 && n == events;
}

static void test_read_error_is_an_error_and_never_a_shorter_trace(void **state)
{
	struct scratch *s = *state;
	int after;

	make_trace(s, 50000);
	for (int skip = 0; skip < 2; skip++) {
		after = 0;
		for (bool whole = false; !whole; after++) {
			disk_fails(DISK_READ, after);
			whole = read_all(s, 50000, skip);
		}
		assert_true(after > 20);
	}
}

static void test_verify_never_passes_what_it_could_not_read(void **state)
{
	struct scratch *s = *state;
	bool whole = false;

	make_trace(s, 50000);
	for (int after = 0; !whole; after++) {
		int64_t chunks, rows;
		struct trace *t;

		disk_works();
		assert_int_equal(trace_open(s->path, &t, s->error), 0);
		disk_fails(DISK_READ, after);
		chunks = trace_verify(t, NULL, NULL);
		rows = trace_verify_rows(t, NULL, NULL);
		whole = chunks == 0 && rows == 0;
		assert_int_equal(whole, atomic_load(&spared) >= 0);
		trace_close(t);
	}
}

static void test_pack_on_a_failing_disk_leaves_the_trace_as_it_was(void **state)
{
	struct scratch *s = *state;
	struct rewrite_options options = { .in = s->path, .out = s->path };
	struct rewrite_report report;
	uint64_t dropped;

	make_trace(s, 50000);
	for (enum disk_call call = DISK_READ; call <= DISK_SYNC; call++) {
		int err = -EIO;

		for (int after = 0; err != 0; after += 3) {
			s->error[0] = '\0';
			disk_fails(call, after);
			err = rewrite_trace(&options, &report, s->error);
			disk_works();
			if (err) {
				assert_true(told(err));
				expect_one_line(s);
			}
			assert_int_equal(expect_first_events(s, true, &dropped), 50000);
		}
	}
}

/* ---- a file system that is really full ---- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* mounts of our own: as root, or as root of a user namespace of our own */
static bool may_mount(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)geteuid());
	if (unshare(CLONE_NEWNS) == 0)
		return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/uid_map", map) &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void test_full_file_system_leaves_a_sound_trace_that_says_what_it_lacks(void **state)
{
	struct scratch *s = *state;
	struct tracer_status status;
	uint64_t emitted, dropped, n;
	struct tracer *t;

	if (!may_mount() || mount("none", s->dir, "tmpfs", 0, "size=2m") != 0) {
		print_message("skipped: this user may not mount a tmpfs, not even in a namespace of its own: %s\n", strerror(errno));
		skip();
	}
	s->mounted = true;
	t = record(s);
	emitted = emit_until_it_fails(t, &status);
	assert_int_equal(status.error, -ENOSPC);
	s->error[0] = '\0';
	assert_int_equal(tracer_close(t, s->error), -ENOSPC);
	expect_one_line(s);
	assert_non_null(strstr(s->error, strerror(ENOSPC)));
	n = expect_first_events(s, false, &dropped);
	assert_true(n > 10000 && n < emitted);
	/* the account may not have found room any more; if it did, it is right */
	assert_true(dropped == 0 || n + dropped == emitted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_error_ends_the_recording_with_one_line_and_a_sound_trace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk_that_works_again_at_the_end_has_the_exact_account, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writes_that_do_a_part_at_a_time_lose_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sync_error_is_told_and_the_trace_not_called_complete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_trace_that_cannot_be_begun_is_one_line_and_leaves_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_read_error_is_an_error_and_never_a_shorter_trace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_verify_never_passes_what_it_could_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pack_on_a_failing_disk_leaves_the_trace_as_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_file_system_leaves_a_sound_trace_that_says_what_it_lacks, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
