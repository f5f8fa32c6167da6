/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "tracer/ring.h"

#define CAPACITY 64u
#define EVENTS 300000u

struct producer {
	struct tracer_ring *ring;
	uint64_t n;
};

static struct trace_event numbered(uint64_t i)
{
	struct trace_event e = { .t_ns = i, .kind = TRACE_FRAME, .arg = { i } };

	return e;
}

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (uint64_t i = 0; i < p->n; i++) {
		struct trace_event e = numbered(i);

		ring_push(p->ring, &e);
	}
	return NULL;
}

static void test_events_come_out_in_order(void **state)
{
	struct ring_bell bell;
	struct tracer_ring *ring;
	uint64_t n, seen = 0;

	(void)state;
	assert_int_equal(ring_bell_init(&bell), 0);
	ring = ring_new(&bell, CAPACITY, false);
	assert_non_null(ring);
	for (int round = 0; round < 10; round++) {
		for (uint64_t i = 0; i < 50; i++) {
			struct trace_event e = numbered(seen + i);

			ring_push(ring, &e);
		}
		for (uint64_t got = 0; got < 50; got += n) {
			const struct trace_event *e = ring_peek(ring, ring_pushed(ring), &n);

			assert_true(n > 0 && n <= 50);
			for (uint64_t i = 0; i < n; i++)
				assert_int_equal(e[i].arg[0], seen++);
			ring_pop(ring, n);
		}
	}
	ring_peek(ring, ring_pushed(ring), &n);
	assert_int_equal(n, 0);
	ring_free(ring);
	ring_bell_destroy(&bell);
}

/* a slow consumer: the producer has to sleep, and every event arrives */
static void test_full_ring_makes_the_producer_wait(void **state)
{
	struct ring_bell bell;
	struct producer p = { .n = EVENTS };
	pthread_t thread;
	uint64_t n, seen = 0;

	(void)state;
	assert_int_equal(ring_bell_init(&bell), 0);
	p.ring = ring_new(&bell, CAPACITY, false);
	pthread_create(&thread, NULL, produce, &p);
	while (seen < EVENTS) {
		const struct trace_event *e;

		ring_bell_wait(&bell, 1);
		e = ring_peek(p.ring, ring_pushed(p.ring), &n);
		for (uint64_t i = 0; i < n; i++)
			assert_int_equal(e[i].arg[0], seen++);
		ring_pop(p.ring, n);
	}
	pthread_join(thread, NULL);
	assert_int_equal(ring_dropped(p.ring), 0);
	assert_int_equal(ring_pushed(p.ring), EVENTS);
	ring_free(p.ring);
	ring_bell_destroy(&bell);
}

/* each gap event must say exactly how many numbers are missing in front of the next event */
static uint64_t check_gaps(const struct trace_event *e, uint64_t n, uint64_t *next)
{
	uint64_t lost = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (e[i].kind == TRACE_GAP) {
			assert_true(e[i].arg[0] > 0);
			assert_int_equal(e[i].t_ns, *next + e[i].arg[0] - 1);
			*next += e[i].arg[0];
			lost += e[i].arg[0];
		} else {
			assert_int_equal(e[i].arg[0], (*next)++);
		}
	}
	return lost;
}

static void test_dropping_ring_counts_and_marks_each_gap(void **state)
{
	struct ring_bell bell;
	struct producer p = { .n = EVENTS };
	struct trace_event gap;
	pthread_t thread;
	uint64_t n, next = 0, lost = 0;

	(void)state;
	assert_int_equal(ring_bell_init(&bell), 0);
	p.ring = ring_new(&bell, CAPACITY, true);
	pthread_create(&thread, NULL, produce, &p);
	while (ring_pushed(p.ring) + ring_dropped(p.ring) < EVENTS) {
		const struct trace_event *e = ring_peek(p.ring, ring_pushed(p.ring), &n);

		lost += check_gaps(e, n, &next);
		ring_pop(p.ring, n);
		usleep(200);
	}
	pthread_join(thread, NULL);
	for (;;) {
		const struct trace_event *e = ring_peek(p.ring, ring_pushed(p.ring), &n);

		if (!n)
			break;
		lost += check_gaps(e, n, &next);
		ring_pop(p.ring, n);
	}
	if (ring_take_gap(p.ring, &gap))
		lost += check_gaps(&gap, 1, &next);
	assert_int_equal(next, EVENTS);
	assert_int_equal(lost, ring_dropped(p.ring));
	assert_true(lost > 0);
	assert_false(ring_take_gap(p.ring, &gap));
	ring_free(p.ring);
	ring_bell_destroy(&bell);
}

static void test_bell_wakes_a_sleeper_before_its_time(void **state)
{
	struct ring_bell bell;
	struct producer p = { .n = CAPACITY };
	pthread_t thread;

	(void)state;
	assert_int_equal(ring_bell_init(&bell), 0);
	p.ring = ring_new(&bell, CAPACITY, false);
	pthread_create(&thread, NULL, produce, &p);
	/* rung or not yet asleep when half the ring was full: either way this returns long before the test runner's limit */
	while (ring_pushed(p.ring) < CAPACITY)
		sched_yield();
	ring_bell_ring(&bell);
	ring_bell_wait(&bell, 3600 * 1000);
	pthread_join(thread, NULL);
	ring_free(p.ring);
	ring_bell_destroy(&bell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_come_out_in_order),
		cmocka_unit_test(test_full_ring_makes_the_producer_wait),
		cmocka_unit_test(test_dropping_ring_counts_and_marks_each_gap),
		cmocka_unit_test(test_bell_wakes_a_sleeper_before_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
