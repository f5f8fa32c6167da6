/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ring.h - a lock-free queue of events from one thread to the writer.
 *
 * Purpose:  one producer, one consumer. The producer's fast path is a copy of one cache line and one store with release order; it takes
 *           no lock, makes no system call and allocates nothing. A full ring makes the producer spin briefly and then sleep, or, if the
 *           user chose to drop, counts what it drops and puts a gap event in front of the next event that fits.
 * Compiled: the tracer; private to it.
 * Threads:  ring_push() by the producer; ring_peek(), ring_pop(), ring_take_gap() by the consumer; ring_pushed(), ring_dropped() by any.
 */
#ifndef EGPU_TRACER_RING_H
#define EGPU_TRACER_RING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tracer/event.h"

#define RING_EVENTS_MIN 16u
#define RING_EVENTS_MAX (1u << 24)
#define RING_EVENTS_DEFAULT 65536u

/**
 * struct ring_bell - how the producers of all rings and their one consumer wake each other.
 * @lock:    guards @rung
 * @work:    the consumer sleeps here
 * @room:    producers of full rings sleep here
 * @rung:    there is work that must not wait for the consumer's next round
 * @idle:    the consumer sleeps, or is about to
 * @waiting: producers that sleep, or are about to
 */
struct ring_bell {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t room;
	bool rung;
	atomic_bool idle;
	atomic_uint waiting;
};

int ring_bell_init(struct ring_bell *bell);
void ring_bell_destroy(struct ring_bell *bell);

/** ring_bell_ring() - wake the consumer. Any thread. */
void ring_bell_ring(struct ring_bell *bell);

/** ring_bell_wait() - consumer: sleep until the bell is rung, at most @ms milliseconds. */
void ring_bell_wait(struct ring_bell *bell, uint32_t ms);

struct tracer_ring {
	/* read by both, never changed */
	struct ring_bell *bell;
	struct trace_event *slots;
	uint64_t capacity;
	bool drop;
	struct tracer_ring *next; /* list of the owner */

	/* producer's cache line; head counts events for ever, slot = head mod capacity */
	_Alignas(64) _Atomic uint64_t head;
	uint64_t tail_seen;
	uint64_t gap; /* dropped since the last event that went in */
	uint64_t gap_t_ns;
	_Atomic uint64_t dropped;

	/* consumer's cache line */
	_Alignas(64) _Atomic uint64_t tail;
};

/**
 * ring_new() - a ring of @events slots (a power of two, RING_EVENTS_MIN..RING_EVENTS_MAX) that wakes through @bell.
 * Return: NULL without memory.
 */
struct tracer_ring *ring_new(struct ring_bell *bell, uint32_t events, bool drop);
void ring_free(struct tracer_ring *ring); /* NULL is allowed */

/** ring_push() - what tracer_emit() does. */
void ring_push(struct tracer_ring *ring, const struct trace_event *event);

/** ring_peek() - the oldest events. Return: *@n of them in a row, fewer than are in the ring where it wraps; *@n 0 if it is empty. */
const struct trace_event *ring_peek(const struct tracer_ring *ring, uint64_t until_head, uint64_t *n);

/** ring_pop() - give the oldest @n events' slots back. */
void ring_pop(struct tracer_ring *ring, uint64_t n);

/** ring_take_gap() - once the producer has ended: the gap event it could not place. Return: false if there is none. */
bool ring_take_gap(struct tracer_ring *ring, struct trace_event *gap);

uint64_t ring_pushed(const struct tracer_ring *ring);  /* events that went in so far, gap events included */
uint64_t ring_dropped(const struct tracer_ring *ring); /* events dropped so far */

#endif
