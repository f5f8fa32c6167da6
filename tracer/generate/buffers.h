/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * buffers.h - the driver's side of a generated trace: buffers, their pages, the requests that map and unmap them.
 *
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_GENERATE_BUFFERS_H
#define EGPU_TRACER_GENERATE_BUFFERS_H

#include <stdbool.h>

#include "tracer/generate/pages.h"
#include "tracer/tracer.h"

/**
 * struct buffer - a live buffer.
 * @page:   of a contiguous one; of another, its list of addresses in guest memory
 * @chunks: its single pages; NULL if it is contiguous
 * @frame:  number of the last frame that used it
 */
struct buffer {
	uint64_t len_bytes;
	uint32_t page, frame;
	uint32_t *chunks;
	uint8_t align_log2;
};

/**
 * struct driver - where buffers come from and requests go to.
 * @t_ns:   now; each request takes its time
 * @events: emitted, at most @events_max; then none
 */
struct driver {
	struct pages *pages;
	struct tracer_ring *ring;
	uint16_t device;
	uint64_t t_ns, events, events_max;
};

/** driver_emit() - one event, now. */
void driver_emit(struct driver *d, struct trace_event event);

/**
 * buffer_new() - find pages for @b and map them. @b: its length and alignment
 * @contiguous: one piece, whose length is a power of two; else single pages
 *
 * Return: 0; -ENOMEM the guest has no such pages; -ENOSPC this process has no memory.
 */
int buffer_new(struct driver *d, struct buffer *b, bool contiguous);

void buffer_free(struct driver *d, struct buffer *b); /* unmap it, give its pages back */
void buffer_drop(struct buffer *b);                   /* forget it, at the end */

#endif
