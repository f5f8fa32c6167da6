/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * writer.h - the thread that takes events out of the rings and puts them into the file.
 *
 * Purpose:  in rounds, takes what is in all rings, merged by t_ns (each ring's own order is kept), into a batch; a batch becomes a
 *           chunk when it holds CHUNK_EVENTS_MAX events or its oldest event has waited almost flush_ms. If the file can no longer be
 *           written it goes on taking events, counts them as lost, and keeps the error. When chunks fill up, packers pack them, and
 *           the writer stores them in their order.
 * Compiled: the tracer; private to it.
 */
#ifndef EGPU_TRACER_WRITER_H
#define EGPU_TRACER_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tracer/chunk.h"
#include "tracer/liveset.h"
#include "tracer/packer.h"
#include "tracer/ring.h"
#include "tracer/store.h"

#define WRITER_RINGS_MAX 1024u
#define WRITER_CHECKPOINT_EVENTS (1u << 20) /* a checkpoint of the live set is due after at least so many events, */
#define WRITER_CHECKPOINT_SHARE 32u         /* and so many per event that it would hold */
#define WRITER_LANES 2u                     /* packers; each has a chunk of 4 MiB and what packs it, 16 MiB */
#define WRITER_FLUSH_MS_DEFAULT 1000u
#define WRITER_FLUSH_MS_MAX 3600000u

/**
 * struct writer - the thread and what it works on.
 * @rings:  pushed by any thread, never removed while the writer runs
 * @lost:   events taken out of rings that could not be stored
 * @error:  negative errno that stopped writing
 * @stop:   no more events come; end when the rings are empty
 * @filling:  the events of the next chunk
 * @lane:     chunks with packers, @lanes_used of them from @lane_oldest on; none until a chunk has filled up
 * @spare:    takes events while a lane is free
 * All from @filling on belongs to the thread.
 */
struct writer {
	struct store *store;
	struct ring_bell bell;
	_Atomic(struct tracer_ring *) rings;
	atomic_uint rings_count;
	_Atomic uint64_t lost;
	atomic_int error;
	atomic_bool stop;
	uint32_t flush_ms, tick_ns;
	pthread_t thread;
	bool running;

	struct batch *filling, *spare;
	struct {
		struct packer *packer;
		struct batch *batch;
	} lane[WRITER_LANES];
	unsigned int lane_oldest, lanes_used;
	bool thorough, alone; /* @alone: there can be no packers */
	uint64_t next_seq;
	int64_t next_chunk;
	struct liveset live;
	uint64_t since_checkpoint;
	uint64_t until_ns; /* highest time of what is stored */
};

/**
 * writer_init() - a writer without rings and thread, for events that are at hand already: then writer_put(), writer_finish() for what is
 * left, writer_free(). On error nothing is left to free.
 * @thorough: as chunk_encoder_new()
 */
int writer_init(struct writer *w, struct store *store, bool thorough);
void writer_put(struct writer *w, const struct trace_event *events, uint64_t n);
int writer_finish(struct writer *w); /* Return: 0, or the first error of all that was put */

/** writer_start() - with a thread that empties rings. On error nothing is left to free. */
int writer_start(struct writer *w, struct store *store, uint32_t flush_ms, uint32_t tick_ns);

/** writer_add_ring() - any thread. Return: NULL without memory or above WRITER_RINGS_MAX. */
struct tracer_ring *writer_add_ring(struct writer *w, uint32_t ring_events, bool drop);

/** writer_stop() - take what is left in the rings, write it, end the thread. Counters stay readable until writer_free(). */
void writer_stop(struct writer *w);
void writer_free(struct writer *w);

uint64_t writer_events(struct writer *w);  /* emitted and not dropped so far */
uint64_t writer_dropped(struct writer *w); /* dropped by full rings, or lost because the file could not be written */

#endif
