/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * perfetto.h - what the Perfetto exporter keeps while it reads a trace.
 *
 * Purpose:  a device is a process; its frames, phases, interrupts and faults are threads, its live sets and frame rate counters.
 * Memory:   about 1 KB per device of the trace. The output is bounded but for frames and phases: a curve has at most 4 points, a thread of
 *           instants at most PERFETTO_BURST and one that counts the rest, per 1/PERFETTO_STEPS of the trace's time.
 * Compiled: the Perfetto exporter.
 */
#ifndef EGPU_TRACER_EXPORT_PERFETTO_H
#define EGPU_TRACER_EXPORT_PERFETTO_H

#include <stdio.h>

#include "tracer/export/proto.h"
#include "tracer/export/thin.h"
#include "tracer/tracer.h"

#define PERFETTO_STEPS 4096u
#define PERFETTO_BURST 16u

enum perfetto_thread { PERFETTO_FRAMES, PERFETTO_PHASES, PERFETTO_INTERRUPTS, PERFETTO_FAULTS, PERFETTO_THREADS };
enum perfetto_counter { PERFETTO_MAPPINGS, PERFETTO_MAPPED, PERFETTO_REQUESTS, PERFETTO_REQUESTED, PERFETTO_FPS, PERFETTO_COUNTERS };

/* instants of one thread in the current step */
struct perfetto_burst {
	uint64_t step, n, last_ns;
};

struct perfetto_device {
	char name[128];
	uint32_t described; /* tracks, a bit each */
	int64_t value[PERFETTO_COUNTERS];
	struct thin curve[PERFETTO_COUNTERS]; /* of fps in thousandths */
	struct perfetto_burst burst[PERFETTO_THREADS];
	bool has_frame;
	uint64_t frame_ns;
	uint64_t phase, phase_ns; /* id of the text, 0 before the first */
};

struct perfetto {
	struct trace *trace;
	FILE *out;
	bool begun;
	uint64_t first_ns, last_ns, step_ns;
	struct perfetto_device *device;
	unsigned int devices;
};

/* ---- perfetto_packet.c: what is written ---- */

enum { PERFETTO_TYPE_BEGIN = 1, PERFETTO_TYPE_END = 2, PERFETTO_TYPE_INSTANT = 3, PERFETTO_TYPE_COUNTER = 4 };

/* a device's tracks: 0 its process, then its threads, then its counters */
static inline unsigned int perfetto_thread_track(enum perfetto_thread thread)
{
	return 1 + thread;
}

static inline unsigned int perfetto_counter_track(enum perfetto_counter counter)
{
	return 1 + PERFETTO_THREADS + counter;
}

/**
 * perfetto_begin() - start an event on @track of @device, whose entry exists; describes the track if it is new.
 * @type: PERFETTO_TYPE_…
 * @name: may be NULL
 * Return: 0; negative errno of writing.
 */
int perfetto_begin(struct perfetto *x, struct proto *event, unsigned int device, unsigned int track, unsigned int type, const char *name);

void perfetto_note_number(struct proto *event, const char *name, uint64_t v);
void perfetto_note_address(struct proto *event, const char *name, uint64_t v);
void perfetto_note_text(struct proto *event, const char *name, const char *text);

/** perfetto_put() - write an event that was begun and noted on. Return: 0; -EMSGSIZE if it is too long; negative errno. */
int perfetto_put(struct perfetto *x, uint64_t t_ns, const struct proto *event);

int perfetto_slice(struct perfetto *x, unsigned int device, enum perfetto_thread thread, const char *name, uint64_t start_ns, uint64_t end_ns);
int perfetto_point(struct perfetto *x, unsigned int device, enum perfetto_counter counter, const struct thin_point *point);

#endif
