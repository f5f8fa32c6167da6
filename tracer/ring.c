/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tracer/chunk.h"
#include "tracer/tracer.h"

#define RING_SPINS 64

int ring_bell_init(struct ring_bell *bell)
{
	pthread_condattr_t attr;
	int err;

	memset(bell, 0, sizeof(*bell));
	err = pthread_condattr_init(&attr);
	if (err)
		return -err;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	err = pthread_mutex_init(&bell->lock, NULL);
	if (!err)
		err = pthread_cond_init(&bell->work, &attr);
	if (!err)
		err = pthread_cond_init(&bell->room, &attr);
	pthread_condattr_destroy(&attr);
	return -err;
}

void ring_bell_destroy(struct ring_bell *bell)
{
	pthread_cond_destroy(&bell->room);
	pthread_cond_destroy(&bell->work);
	pthread_mutex_destroy(&bell->lock);
}

void ring_bell_ring(struct ring_bell *bell)
{
	pthread_mutex_lock(&bell->lock);
	bell->rung = true;
	pthread_cond_signal(&bell->work);
	pthread_mutex_unlock(&bell->lock);
}

void ring_bell_wait(struct ring_bell *bell, uint32_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&bell->lock);
	atomic_store(&bell->idle, true);
	while (!bell->rung) {
		if (pthread_cond_timedwait(&bell->work, &bell->lock, &until) == ETIMEDOUT)
			break;
	}
	bell->rung = false;
	atomic_store(&bell->idle, false);
	pthread_mutex_unlock(&bell->lock);
}

struct tracer_ring *ring_new(struct ring_bell *bell, uint32_t events, bool drop)
{
	struct tracer_ring *ring;

	assert(events >= RING_EVENTS_MIN && events <= RING_EVENTS_MAX && (events & (events - 1)) == 0);
	ring = aligned_alloc(64, sizeof(*ring));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->slots = aligned_alloc(64, (size_t)events * sizeof(struct trace_event));
	if (!ring->slots) {
		free(ring);
		return NULL;
	}
	ring->bell = bell;
	ring->capacity = events;
	ring->drop = drop;
	return ring;
}

void ring_free(struct tracer_ring *ring)
{
	if (!ring)
		return;
	free(ring->slots);
	free(ring);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool ring_has_room(struct tracer_ring *ring, uint64_t head, uint64_t slots)
{
	/* seq_cst, paired with ring_pop(): either we see the new tail, or the consumer sees that we wait */
	ring->tail_seen = atomic_load(&ring->tail);
	return head + slots - ring->tail_seen <= ring->capacity;
}

static __attribute__((noinline)) void ring_wait_for_room(struct tracer_ring *ring, uint64_t head)
{
	struct ring_bell *bell = ring->bell;

	for (int i = 0; i < RING_SPINS; i++) {
		if (ring_has_room(ring, head, 1))
			return;
		cpu_relax();
	}
	pthread_mutex_lock(&bell->lock);
	atomic_fetch_add(&bell->waiting, 1);
	bell->rung = true;
	pthread_cond_signal(&bell->work);
	while (!ring_has_room(ring, head, 1))
		pthread_cond_wait(&bell->room, &bell->lock);
	atomic_fetch_sub(&bell->waiting, 1);
	pthread_mutex_unlock(&bell->lock);
}

static inline void ring_put(struct tracer_ring *ring, uint64_t head, const struct trace_event *event)
{
	ring->slots[head & (ring->capacity - 1)] = *event;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static void ring_fill_gap(const struct tracer_ring *ring, struct trace_event *gap)
{
	memset(gap, 0, sizeof(*gap));
	gap->t_ns = ring->gap_t_ns;
	gap->kind = TRACE_GAP;
	gap->arg[0] = ring->gap;
}

/* true if @event was dropped; else there is room for it and *@head is where */
static __attribute__((noinline)) bool ring_drops(struct tracer_ring *ring, uint64_t *head, const struct trace_event *event)
{
	struct trace_event gap;

	if (!ring_has_room(ring, *head, ring->gap ? 2 : 1)) {
		ring->gap++;
		ring->gap_t_ns = event->t_ns;
		atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
		return true;
	}
	if (ring->gap) {
		ring_fill_gap(ring, &gap);
		ring_put(ring, (*head)++, &gap);
		ring->gap = 0;
	}
	return false;
}

void ring_push(struct tracer_ring *ring, const struct trace_event *event)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	assert(event->kind != 0 && event->kind < CHUNK_KINDS_MAX);
	if (__builtin_expect(head - ring->tail_seen >= ring->capacity || ring->gap, 0)) {
		if (!ring->drop)
			ring_wait_for_room(ring, head);
		else if (ring_drops(ring, &head, event))
			return;
	}
	ring_put(ring, head, event);
	/* once per half ring: do not let the writer sleep through the other half */
	if (__builtin_expect((head & (ring->capacity / 2 - 1)) == ring->capacity / 2 - 1, 0) && atomic_load(&ring->bell->idle))
		ring_bell_ring(ring->bell);
}

void tracer_emit(struct tracer_ring *ring, const struct trace_event *event)
{
	ring_push(ring, event);
}

const struct trace_event *ring_peek(const struct tracer_ring *ring, uint64_t until_head, uint64_t *n)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t at = tail & (ring->capacity - 1);
	uint64_t in_a_row = ring->capacity - at;

	*n = until_head - tail;
	if (*n > in_a_row)
		*n = in_a_row;
	return &ring->slots[at];
}

void ring_pop(struct tracer_ring *ring, uint64_t n)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	atomic_store(&ring->tail, tail + n);
	if (atomic_load(&ring->bell->waiting)) {
		pthread_mutex_lock(&ring->bell->lock);
		pthread_cond_broadcast(&ring->bell->room);
		pthread_mutex_unlock(&ring->bell->lock);
	}
}

bool ring_take_gap(struct tracer_ring *ring, struct trace_event *gap)
{
	if (!ring->gap)
		return false;
	ring_fill_gap(ring, gap);
	ring->gap = 0;
	return true;
}

uint64_t ring_pushed(const struct tracer_ring *ring)
{
	return atomic_load_explicit(&ring->head, memory_order_acquire);
}

uint64_t ring_dropped(const struct tracer_ring *ring)
{
	return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}
