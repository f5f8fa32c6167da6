/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The clock of t_ns beside the kernel's, from several threads, while they are busy and after they slept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "tracer/tracer.h"

#define THREADS 3
#define ROUNDS 400000
#define SLACK_NS 100000 /* the kernel may bend its own clock by 500 ppm */

static uint64_t kernel_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t latest; /* that any thread has been told */

static void *look(void *unused)
{
	uint64_t wrong = 0, mine = 0, i;

	(void)unused;
	for (i = 0; i < ROUNDS; i++) {
		uint64_t seen = __atomic_load_n(&latest, __ATOMIC_ACQUIRE), before = kernel_ns(), now = tracer_now_ns(), after = kernel_ns();

		wrong += now + SLACK_NS < before || now > after + SLACK_NS;
		wrong += now < mine;
		/* a counter that is read without order may come a little early */
		wrong += now + 1000 < seen;
		mine = now;
		__atomic_store_n(&latest, now, __ATOMIC_RELEASE);
		if (i % 100000 == 0)
			usleep(70000);
	}
	return (void *)(uintptr_t)wrong;
}

static void test_threads_see_the_kernels_time_and_never_less_than_before(void **state)
{
	pthread_t thread[THREADS];
	void *wrong;
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, look, NULL), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &wrong);
		assert_int_equal((uintptr_t)wrong, 0);
	}
}

static void test_after_a_long_pause_time_is_right_at_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		uint64_t before, now;

		usleep(i % 2 ? 400000 : 60000);
		before = kernel_ns();
		now = tracer_now_ns();
		assert_in_range(now, before - SLACK_NS, kernel_ns() + SLACK_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_see_the_kernels_time_and_never_less_than_before),
		cmocka_unit_test(test_after_a_long_pause_time_is_right_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
