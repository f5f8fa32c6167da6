/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * engine.h - replays a trace through many cells at once.
 *
 * Purpose:  decodes the trace once for all cells, after one decode that finds how much is live at most, so that all memory can be set
 *           aside before the replay begins. Memory goes with what is live, never with the length of the trace.
 */
#ifndef EGPU_REPLAY_ENGINE_H
#define EGPU_REPLAY_ENGINE_H

#include "replay/lab.h"
#include "replay/measured.h"
#include "tracer/tracer.h"

/**
 * struct engine_options - what to replay.
 * @threads:      that run cells, 1 to CREW_THREADS_MAX; the one that decodes is one of them
 * @device:       only requests of this device; NULL = of all, which then share one DART
 * @bins:         of the series; 0 = none
 * @skip_damaged: go on behind a damaged chunk
 * @progress:     called now and then with the share done, 0 to 100; may be NULL
 */
struct engine_options {
	u32 threads;
	const char *device;
	u32 bins;
	bool skip_damaged;
	void (*progress)(void *ctx, unsigned int percent);
	void *progress_ctx;
};

/**
 * struct engine - a replay and its result.
 * @slots:           most requests live at once; @last_event: events in the trace; both known after the first decode
 * @start_ns:        time of the first event
 * @foreseen:        all memory asked for, likewise
 * @lost_events:     by the recorder's own account; the result is then a lower bound
 * @damaged_chunks:  that were skipped
 * @lab:             the cells, after the first decode
 * @policy_changes:  how often the guest announced another policy than before
 */
struct engine {
	const struct engine_options *options;
	struct trace *trace;
	struct lab lab;
	struct measured measured;
	struct slots live;
	struct foreseen foreseen;
	struct batches batches;
	u32 device; /* 0 = all */
	u32 slots;
	u64 last_event;
	const char *phase;
	u64 start_ns, end_ns, events, requests, unmatched_unmaps, lost_events, damaged_chunks, policy_changes;
};

/**
 * engine_open() - decode @trace once, to learn how much is live.
 * @error: receives one line, TRACE_ERROR_BYTES
 *
 * Return: 0; -ENODATA no requests; -ENODEV no such device; -E2BIG more live than SLOTS_MAX; -ENOMEM; what the tracer said. The engine must
 * be destroyed in any case.
 */
int engine_open(struct engine *e, struct trace *trace, const struct engine_options *options, char *error);

/**
 * engine_replay() - decode it once more, through @n cells, at least one; may be repeated with others, whose results replace the last ones.
 * Return: 0; -EINVAL a policy does not go with its granule; as engine_open().
 */
int engine_replay(struct engine *e, const struct cell_spec *cells, u32 n, char *error);
void engine_destroy(struct engine *e);

#endif
