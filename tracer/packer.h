/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * packer.h - a second thread that packs chunks, for when one is not enough.
 *
 * Purpose:  packing is most of what writing costs, and chunks do not depend on each other: the writer packs one while this thread packs another.
 * Compiled: the tracer; private to it. All calls come from one thread, the packer's owner.
 */
#ifndef EGPU_TRACER_PACKER_H
#define EGPU_TRACER_PACKER_H

#include "tracer/chunk.h"

/**
 * struct batch - events on their way into a chunk, with what packs them.
 * @n:        events in it
 * @since_ns: when the first came
 * @tick_ns:  times are cut to multiples of this; 0 or 1 = left alone
 * @row:      id and first_seq in, the rest out; valid until @encoder is used again
 */
struct batch {
	struct chunk_encoder *encoder;
	struct trace_event *events;
	uint32_t n;
	uint64_t since_ns;
	uint32_t tick_ns;
	struct chunk_row row;
};

/** batch_new() - an empty one for CHUNK_EVENTS_MAX events; @thorough as chunk_encoder_new(). Return: NULL without memory. */
struct batch *batch_new(bool thorough);
void batch_free(struct batch *b); /* NULL is allowed */

/** batch_pack() - cut times to ticks, and fill @b->row. */
void batch_pack(struct batch *b);

struct packer;

/** packer_start() - Return: NULL without memory or a thread, or if the machine has one processor only. */
struct packer *packer_start(void);
void packer_stop(struct packer *p); /* NULL is allowed; what it was given is finished first */

/** packer_give() - let it pack @b, which stays untouched until packer_wait(). One at a time. */
void packer_give(struct packer *p, struct batch *b);

/** packer_wait() - until what it was given is packed. */
void packer_wait(struct packer *p);

#endif
