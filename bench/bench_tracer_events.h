/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bench_tracer_events.h - the events that every tracer of the comparison records: accesses to a register BAR, as a driver makes them.
 *
 * A third of the values are random 32-bit numbers, a third counters, a third one of a few. 64 registers, the low ones more often.
 */
#ifndef EGPU_BENCH_BENCH_TRACER_EVENTS_H
#define EGPU_BENCH_BENCH_TRACER_EVENTS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tracer/event.h"

#define BENCH_BURST 32768u /* events at once where the cost of emitting is measured: half of egpu's ring */
#define BENCH_BURSTS 31u

static inline uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64*: a few instructions, so that what is measured is the tracer */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

static inline void bench_event(struct trace_event *e, uint64_t i, uint64_t *state)
{
	uint64_t r = bench_random(state), reg = (r & 63) & (r >> 6 & 63);

	e->kind = r >> 12 & 1 ? TRACE_REGION_WRITE : TRACE_REGION_READ;
	e->device = 1;
	e->arg[1] = 4 * reg;
	e->arg[2] = 4;
	e->arg[3] = reg % 3 == 0 ? r >> 32 : reg % 3 == 1 ? i & 0xffffffff : (r >> 20 & 3) * 0x11;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* sorts; Return: the middle one */
static inline double bench_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), bench_compare);
	return v[n / 2];
}

/* a line that the script makes its table of */
static inline void bench_say(const char *who, const char *what, double value)
{
	printf("%-10s %-20s %.3f\n", who, what, value);
	fflush(stdout);
}

#endif
