/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Scheduling of vCPU threads: the words, what is refused on which machine, and what the kernel shows of threads before, during and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/sched.h"

static void test_words_parse_and_format_back(void **state)
{
	static const struct {
		const char *text, *formatted;
		enum sched_how how;
		int level;
	} cases[] = {
		{ "off", "off", SCHED_HOW_OFF, 0 }, { "auto", "auto", SCHED_HOW_AUTO, 0 }, { "rr", "rr:10", SCHED_HOW_RR, 10 },
		{ "rr:1", "rr:1", SCHED_HOW_RR, 1 }, { "fifo:99", "fifo:99", SCHED_HOW_FIFO, 99 }, { "fifo", "fifo:10", SCHED_HOW_FIFO, 10 },
		{ "nice:-20", "nice:-20", SCHED_HOW_NICE, -20 }, { "nice:0", "nice:0", SCHED_HOW_NICE, 0 }, { "nice:19", "nice:19", SCHED_HOW_NICE, 19 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sched_spec spec = { 0 };
		char text[SCHED_TEXT_BYTES];

		assert_int_equal(sched_parse(cases[i].text, &spec), 0);
		assert_int_equal(spec.how, cases[i].how);
		assert_int_equal(spec.level, cases[i].level);
		assert_true(spec.given);
		sched_format(&spec, text);
		assert_string_equal(text, cases[i].formatted);
	}
}

static void test_bad_words_are_refused_and_change_nothing(void **state)
{
	static const char *const bad[] = { "", "on", "rr:", "rr:0", "rr:100", "rr:x", "rr:1x", "rr:-1", "rr: 1", "fifo:1:2", "nice", "nice:", "nice:20",
					   "nice:-21", "nice:+5", "off:1", "auto:", "r", "rrr", ":5", "rr:99999999999999999999" };
	struct sched_spec spec = { 0 }, none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(sched_parse(bad[i], &spec), -EINVAL);
		assert_memory_equal(&spec, &none, sizeof(spec));
	}
}

static void test_cores_parse_and_format_back(void **state)
{
	static const char *const cases[][2] = { { "0", "off cores=0" }, { "2,3", "off cores=2-3" }, { "2-5", "off cores=2-5" }, { "7,0-2,1", "off cores=0-2,7" },
						{ "1023", "off cores=1023" }, { "5-5", "off cores=5" } };
	static const char *const bad[] = { "", ",", "1,", ",1", "1-", "-1", "3-2", "1024", "0-1024", "a", "1;2", "1 ,2", "1--2", "99999999999999999999" };
	struct sched_spec none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sched_spec spec = { 0 };
		char text[SCHED_TEXT_BYTES];

		assert_int_equal(sched_parse_cores(cases[i][0], &spec), 0);
		sched_format(&spec, text);
		assert_string_equal(text, cases[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sched_spec spec = { 0 };

		assert_int_equal(sched_parse_cores(bad[i], &spec), -EINVAL);
		assert_memory_equal(&spec, &none, sizeof(spec));
	}
}

static struct sched_machine machine(size_t cores, bool throttled)
{
	struct sched_machine m = { .throttled = throttled };

	CPU_ZERO(&m.cores);
	while (cores--)
		CPU_SET(cores, &m.cores);
	return m;
}

static void test_nothing_takes_the_whole_machine_unless_cores_are_named(void **state)
{
	static const struct {
		const char *how, *cores;
		size_t machine;
		bool throttled;
		u32 threads;
		int rc;
		const char *says; /* what is done, or part of the error */
	} cases[] = {
		/* auto: four cores, of which two stay free, and a kernel that throttles */
		{ "auto", NULL, 2, true, 1, 0, "off" },
		{ "auto", NULL, 3, true, 1, 0, "off" },
		{ "auto", NULL, 4, true, 2, 0, "rr:10" },
		{ "auto", NULL, 4, true, 3, 0, "off" },
		{ "auto", NULL, 64, true, 62, 0, "rr:10" },
		{ "auto", NULL, 64, true, 63, 0, "off" },
		{ "auto", NULL, 64, false, 1, 0, "off" },
		{ "auto", "1-2", 4, true, 8, 0, "rr:10 cores=1-2" },
		{ "auto", "0-2", 4, true, 8, 0, "off cores=0-2" },
		{ "off", "1", 2, true, 8, 0, "off cores=1" },
		/* asked for: one core stays free */
		{ "rr", NULL, 2, true, 1, 0, "rr:10" },
		{ "rr", NULL, 2, true, 2, -EBUSY, "none of 2 cores" },
		{ "fifo:5", NULL, 1, true, 1, -EBUSY, "none of 1 cores" },
		{ "rr", NULL, 4, true, 9, -EBUSY, "none of 4 cores" },
		{ "nice:-5", NULL, 2, false, 9, 0, "nice:-5" },
		/* forced by name */
		{ "rr", "0-1", 2, true, 2, 0, "rr:10 cores=0-1" },
		{ "rr", "1", 2, true, 2, 0, "rr:10 cores=1" },
		{ "rr", "1", 2, false, 2, 0, "rr:10 cores=1" },
		{ "rr", "0-1", 2, false, 2, -EBUSY, "kernel.sched_rt_runtime_us" },
		{ "rr", "2", 2, true, 1, -EINVAL, "--cores 2: egpu-run may use 0-1" },
		{ "off", "0,5", 2, true, 1, -EINVAL, "--cores 0,5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sched_machine m = machine(cases[i].machine, cases[i].throttled);
		struct sched_spec want = { 0 }, out = { 0 };
		char text[SCHED_TEXT_BYTES] = "";

		assert_int_equal(sched_parse(cases[i].how, &want), 0);
		if (cases[i].cores)
			assert_int_equal(sched_parse_cores(cases[i].cores, &want), 0);
		assert_int_equal(sched_resolve(&want, &m, cases[i].threads, &out, text, sizeof(text)), cases[i].rc);
		if (cases[i].rc) {
			assert_non_null(strstr(text, cases[i].says));
			assert_null(strchr(text, '\n'));
			continue;
		}
		sched_format(&out, text);
		assert_string_equal(text, cases[i].says);
	}
}

/* ---- real threads ---- */

#define THREADS 3

static struct {
	pthread_barrier_t started;
	pthread_mutex_t go_on;
	pid_t tid[THREADS];
	pthread_t thread[THREADS];
} pool;

static void *wait_for_the_end(void *at)
{
	*(pid_t *)at = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&pool.started);
	pthread_mutex_lock(&pool.go_on);
	pthread_mutex_unlock(&pool.go_on);
	return NULL;
}

static int start_threads(void **state)
{
	(void)state;
	pthread_barrier_init(&pool.started, NULL, THREADS + 1);
	pthread_mutex_init(&pool.go_on, NULL);
	pthread_mutex_lock(&pool.go_on);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&pool.thread[i], NULL, wait_for_the_end, &pool.tid[i]), 0);
	pthread_barrier_wait(&pool.started);
	return 0;
}

static int end_threads(void **state)
{
	(void)state;
	pthread_mutex_unlock(&pool.go_on);
	for (int i = 0; i < THREADS; i++)
		pthread_join(pool.thread[i], NULL);
	pthread_barrier_destroy(&pool.started);
	pthread_mutex_destroy(&pool.go_on);
	return 0;
}

static int niceness; /* of whoever runs the test */

/* what the kernel shows: fields 19, 40 and 41 of proc_pid_stat(5) */
static void assert_shown(pid_t tid, int nice_is, unsigned int priority, unsigned int policy)
{
	char path[64], text[1024], *at;
	unsigned int shown_priority, shown_policy;
	int shown_nice;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	at = strrchr(text, ')');
	assert_non_null(at);
	at++;
	for (int field = 3; field <= 41; field++) {
		at += strspn(at, " ");
		if (field == 19)
			assert_int_equal(sscanf(at, "%d", &shown_nice), 1);
		if (field == 40)
			assert_int_equal(sscanf(at, "%u", &shown_priority), 1);
		if (field == 41)
			assert_int_equal(sscanf(at, "%u", &shown_policy), 1);
		at += strcspn(at, " ");
	}
	assert_int_equal(shown_nice, nice_is);
	assert_int_equal(shown_priority, priority);
	assert_int_equal(shown_policy, policy);
}

static struct sched_spec spec_of(const char *how, const char *cores)
{
	struct sched_spec spec = { 0 };

	assert_int_equal(sched_parse(how, &spec), 0);
	if (cores)
		assert_int_equal(sched_parse_cores(cores, &spec), 0);
	return spec;
}

static bool may_be_real_time(void)
{
	struct sched_param param = { .sched_priority = 1 }, old = { 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		return false;
	sched_setscheduler(0, SCHED_OTHER, &old);
	return true;
}

static void test_kernel_shows_the_class_on_exactly_those_threads_and_gives_it_back(void **state)
{
	struct sched_spec rr = spec_of("rr:7", NULL), fifo = spec_of("fifo:3", NULL), nice_to = spec_of("nice:-4", NULL);
	char error[SCHED_TEXT_BYTES] = "";
	struct sched s = { 0 };

	(void)state;
	if (!may_be_real_time())
		skip();
	assert_int_equal(sched_apply(&s, &rr, pool.tid, 2, error, sizeof(error)), 0);
	assert_shown(pool.tid[0], niceness, 7, SCHED_RR);
	assert_shown(pool.tid[1], niceness, 7, SCHED_RR);
	assert_shown(pool.tid[2], niceness, 0, SCHED_OTHER);
	assert_shown(getpid(), niceness, 0, SCHED_OTHER);
	assert_int_equal(s.n, 2);
	/* applying anew takes the old back first */
	assert_int_equal(sched_apply(&s, &fifo, pool.tid + 1, 1, error, sizeof(error)), 0);
	assert_shown(pool.tid[0], niceness, 0, SCHED_OTHER);
	assert_shown(pool.tid[1], niceness, 3, SCHED_FIFO);
	assert_int_equal(sched_apply(&s, &nice_to, pool.tid, 1, error, sizeof(error)), 0);
	assert_shown(pool.tid[0], -4, 0, SCHED_OTHER);
	assert_shown(pool.tid[1], niceness, 0, SCHED_OTHER);
	sched_undo(&s);
	sched_undo(&s);
	for (int i = 0; i < THREADS; i++)
		assert_shown(pool.tid[i], niceness, 0, SCHED_OTHER);
	assert_int_equal(s.done.how, SCHED_HOW_OFF);
}

static void test_cores_are_one_for_each_or_all_for_all(void **state)
{
	struct sched_machine m;
	struct sched_spec both, one;
	cpu_set_t is, first;
	struct sched s = { 0 };
	char error[SCHED_TEXT_BYTES];

	(void)state;
	sched_machine(&m);
	if (!CPU_ISSET(0, &m.cores) || !CPU_ISSET(1, &m.cores))
		skip();
	both = spec_of("off", "0-1");
	one = spec_of("off", "1");
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	assert_int_equal(sched_apply(&s, &both, pool.tid, 2, error, sizeof(error)), 0);
	assert_int_equal(sched_getaffinity(pool.tid[0], sizeof(is), &is), 0);
	assert_true(CPU_EQUAL(&is, &first));
	assert_int_equal(sched_getaffinity(pool.tid[1], sizeof(is), &is), 0);
	assert_true(CPU_EQUAL(&is, &one.cores));
	assert_int_equal(sched_apply(&s, &both, pool.tid, 3, error, sizeof(error)), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(sched_getaffinity(pool.tid[i], sizeof(is), &is), 0);
		assert_true(CPU_EQUAL(&is, &both.cores));
	}
	sched_undo(&s);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(sched_getaffinity(pool.tid[i], sizeof(is), &is), 0);
		assert_true(CPU_EQUAL(&is, &m.cores));
	}
}

static void test_thread_that_has_ended_is_passed_over(void **state)
{
	struct sched_spec off = spec_of("nice:3", NULL);
	pid_t tids[2] = { 0x3ffffff, pool.tid[0] };
	char error[SCHED_TEXT_BYTES];
	struct sched s = { 0 };

	(void)state;
	assert_int_equal(sched_apply(&s, &off, tids, 2, error, sizeof(error)), 0);
	assert_int_equal(s.n, 1);
	assert_shown(pool.tid[0], 3, 0, SCHED_OTHER);
	/* and a thread that has only the number of the old one is not touched */
	s.threads[0].started++;
	sched_undo(&s);
	assert_shown(pool.tid[0], 3, 0, SCHED_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_parse_and_format_back),
		cmocka_unit_test(test_bad_words_are_refused_and_change_nothing),
		cmocka_unit_test(test_cores_parse_and_format_back),
		cmocka_unit_test(test_nothing_takes_the_whole_machine_unless_cores_are_named),
		cmocka_unit_test_setup_teardown(test_kernel_shows_the_class_on_exactly_those_threads_and_gives_it_back, start_threads, end_threads),
		cmocka_unit_test_setup_teardown(test_cores_are_one_for_each_or_all_for_all, start_threads, end_threads),
		cmocka_unit_test_setup_teardown(test_thread_that_has_ended_is_passed_over, start_threads, end_threads),
	};

	niceness = getpriority(PRIO_PROCESS, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
