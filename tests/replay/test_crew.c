/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Threads that share out tasks: each is done once, and what they wrote is seen. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "replay/crew.h"

#define TASKS 257u
#define ROUNDS 200u

struct work {
	u32 done[TASKS];
	u64 sum; /* written by task 0 only */
};

static void count(void *ctx, u32 i)
{
	struct work *w = ctx;

	w->done[i]++;
	if (i == 0)
		w->sum += TASKS;
}

static void each_task_is_done_once(u32 threads)
{
	struct work w = { { 0 }, 0 };
	struct crew *crew;
	u32 i, round;

	assert_int_equal(crew_new(threads, &crew), 0);
	crew_wait(crew); /* nothing to wait for */
	for (round = 0; round < ROUNDS; round++) {
		crew_start(crew, round % TASKS + 1, count, &w);
		crew_wait(crew);
		assert_int_equal(w.sum, (u64)(round + 1) * TASKS);
	}
	for (i = 0; i < TASKS; i++)
		assert_int_equal(w.done[i], i < ROUNDS ? ROUNDS - i : 0);
	crew_free(crew);
}

static void test_each_task_is_done_once_by_any_number_of_threads(void **state)
{
	(void)state;
	each_task_is_done_once(1);
	each_task_is_done_once(2);
	each_task_is_done_once(5);
}

static void test_crew_freed_in_the_middle_finishes_what_was_started(void **state)
{
	struct work w = { { 0 }, 0 };
	struct crew *crew;
	u32 i;

	(void)state;
	assert_int_equal(crew_new(3, &crew), 0);
	crew_start(crew, TASKS, count, &w);
	crew_free(crew);
	for (i = 0; i < TASKS; i++)
		assert_int_equal(w.done[i], 1);
	crew_free(NULL);
}

static void test_absurd_number_of_threads_is_refused(void **state)
{
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_new(0, &crew), -EINVAL);
	assert_int_equal(crew_new(CREW_THREADS_MAX + 1, &crew), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_task_is_done_once_by_any_number_of_threads),
		cmocka_unit_test(test_crew_freed_in_the_middle_finishes_what_was_started),
		cmocka_unit_test(test_absurd_number_of_threads_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
