/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * chunk_events.h - events of several shapes, and an encoder called on them.
 */
#ifndef EGPU_TESTS_TRACER_CHUNK_EVENTS_H
#define EGPU_TESTS_TRACER_CHUNK_EVENTS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/chunk.h"

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static inline uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static inline void random_event(struct trace_event *e, uint64_t t_ns, unsigned int kinds)
{
	unsigned int kind = 1 + (unsigned int)(rnd() % kinds);
	const struct trace_event_info *info = trace_event_info(kind);

	memset(e, 0, sizeof(*e));
	e->t_ns = t_ns;
	e->kind = (uint16_t)kind;
	e->device = (uint16_t)(rnd() % 8 ? 1 : rnd());
	e->status = rnd() % 10 ? 0 : (int32_t)rnd();
	for (unsigned int a = 0; a < TRACE_ARGS_MAX; a++) {
		if (!info || info->arg_form[a] != TRACE_UNUSED)
			e->arg[a] = rnd() >> (rnd() % 64);
	}
}

static inline struct trace_event *random_events(uint32_t n, unsigned int kinds)
{
	struct trace_event *events = malloc(n * sizeof(*events));
	uint64_t t = rnd() >> 8;

	for (uint32_t i = 0; i < n; i++) {
		t += rnd() % 1000;
		random_event(&events[i], rnd() % 50 ? t : rnd(), kinds);
	}
	return events;
}

static inline struct chunk_row encode(struct chunk_encoder *e, const struct trace_event *events, uint32_t n)
{
	struct chunk_row row = { .id = 3, .first_seq = 777 };

	chunk_encode(e, events, n, &row);
	return row;
}

/* values as real columns have them, so that every prediction, dictionary entries, magnitudes of all sizes and runs come up */
static inline struct trace_event *shaped_events(uint32_t n)
{
	static const uint16_t kinds[] = { TRACE_REGION_WRITE, TRACE_REQ_MAP, TRACE_REQ_UNMAP };
	struct trace_event *events = calloc(n, sizeof(*events));
	uint64_t t = rnd() >> 20, offset[64];

	for (int i = 0; i < 64; i++)
		offset[i] = (rnd() >> 20) << 14;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t gpa = (rnd() % (64 << 6)) << 12, big = rnd() >> rnd() % 64;

		t += i % 3 ? 30 : rnd() % 5 ? 40 : rnd() % 100000;
		events[i] = (struct trace_event){ .t_ns = t, .kind = kinds[i / 50 % 3], .device = 1 + i / 999 };
		events[i].arg[0] = gpa;
		events[i].arg[1] = rnd() % 20 ? 4096 : 65536;
		events[i].arg[2] = gpa + offset[gpa >> 18];
		events[i].arg[3] = i / 64 * (rnd() % 100 ? 1 : big);
		if (events[i].kind == TRACE_REGION_WRITE) {
			events[i].arg[1] = 4 * (rnd() % 8);
			events[i].arg[3] = offset[events[i].arg[1]] + i / 64;
		}
		if (events[i].kind == TRACE_REQ_MAP)
			events[i].arg[4] = 8 * t + i * (uint64_t)i * 1000;
		else if (events[i].kind == TRACE_REQ_UNMAP)
			events[i].arg[4] = t - 999 + i / 100; /* another clock, which runs alike but for a step now and then */
	}
	return events;
}

/* registers that are random, that count, and that hardly change, after pauses of a length that goes by the kind of access */
static inline struct trace_event *events_of_classes(uint32_t n)
{
	struct trace_event *events = calloc(n, sizeof(*events));
	uint64_t t = 1000, count = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t reg = rnd() % 6;
		uint16_t kind = rnd() % 4 ? TRACE_REGION_READ : rnd() % 2 ? TRACE_REGION_WRITE : TRACE_IRQ;

		t += kind == TRACE_REGION_READ ? 50 : kind == TRACE_IRQ ? rnd() % 1000000 : 7000 + rnd() % 64;
		events[i] = (struct trace_event){ .t_ns = t, .kind = kind, .device = kind == TRACE_IRQ ? 2 : 1, .status = kind == TRACE_IRQ ? -ENOSPC : 0 };
		if (kind == TRACE_IRQ)
			continue;
		events[i].arg[TRACE_REGION_OFFSET] = 4 * reg;
		events[i].arg[TRACE_REGION_LEN] = 4;
		events[i].arg[TRACE_REGION_VALUE] = reg < 2 ? rnd() >> 32 : reg == 2 ? count++ : reg * 0x11;
	}
	return events;
}

/* an event of buffer @b, which is @kind 5 or 6 for what the driver asks, 7 or 8 for what the IOMMU is asked */
static inline struct trace_event buffer_event(uint16_t kind, const uint64_t *b, uint64_t t)
{
	bool request = kind == TRACE_REQ_MAP || kind == TRACE_REQ_UNMAP;
	uint64_t asked = kind == TRACE_REQ_MAP ? 1 << 16 : 0; /* served by a live mapping: said of a map alone */

	return (struct trace_event){ .t_ns = t, .kind = kind, .device = (uint16_t)(1 + b[3] % 2),
				     .arg = { b[0], b[1], b[2], request ? b[3] % 4 | asked : t / 64, request ? t - 777 : 0, 0 } };
}

/*
 * buffers that are mapped at addresses nobody could guess and unmapped, most in the order in which they came, some out of turn; a map that fails, an
 * unmap of what was mapped before, or of half a buffer, now and then
 */
static inline struct trace_event *events_of_buffers(uint32_t n)
{
	struct trace_event *events = calloc(n, sizeof(*events));
	uint64_t live[40][4], t = rnd() >> 20;
	uint32_t n_live = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool host = rnd() % 4 == 0;
		uint32_t at = rnd() % 10 ? 0 : (uint32_t)(rnd() % 40);
		uint64_t odd = rnd() % 100, fresh[4] = { rnd() >> 20 << 12, 4096 << rnd() % 6, rnd() >> 20 << 12, rnd() };

		t += rnd() % 500;
		if (n_live == 40 || (at < n_live && rnd() % 2)) {
			events[i] = buffer_event(host ? TRACE_UNMAP : TRACE_REQ_UNMAP, odd == 0 ? fresh : live[at], t);
			events[i].arg[TRACE_REQ_LEN] /= odd == 1 ? 2 : 1;
			memmove(live + at, live + at + 1, (--n_live - at) * sizeof(live[0]));
			continue;
		}
		fresh[2] = odd == 2 ? ~0ull : fresh[2];
		events[i] = buffer_event(host ? TRACE_MAP : TRACE_REQ_MAP, odd == 3 && n_live ? live[0] : fresh, t);
		memcpy(live[n_live++], fresh, sizeof(fresh));
	}
	return events;
}

#endif
