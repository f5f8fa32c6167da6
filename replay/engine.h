/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * engine.h - replays a trace through many cells at once.
 *
 * Purpose:  decodes the trace once for all policies, after one decode that finds how much is live at most, so that all memory can be set
 *           aside before the replay begins. Memory goes with what is live, never with the length of the trace.
 */
#ifndef EGPU_REPLAY_ENGINE_H
#define EGPU_REPLAY_ENGINE_H

#include "replay/bound.h"
#include "replay/cell.h"
#include "replay/measured.h"
#include "tracer/tracer.h"

/**
 * struct engine_options - what to replay.
 * @policies:     @policies_n of them, shim included
 * @limits:       of the simulated DART
 * @device:       only requests of this device; NULL = of all, which then share one DART
 * @bins:         of the series; 0 = none
 * @skip_damaged: go on behind a damaged chunk
 * @progress:     called now and then with the share done, 0 to 100; may be NULL
 */
struct engine_options {
	const struct coalesce_config *policies;
	u32 policies_n;
	const struct dart_limits *limits;
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
 * @lost_events:     by the recorder's own account; the result is then a lower bound
 * @damaged_chunks:  that were skipped
 * @bound:           what no policy can beat on these requests
 * @policy_changes:  how often the guest announced another policy than before
 */
struct engine {
	const struct engine_options *options;
	struct trace *trace;
	struct cell *cells;
	u32 cells_n;
	struct measured measured;
	struct bound bound;
	struct slots live;
	struct batches batches;
	u32 device; /* 0 = all */
	u32 slots;
	u64 last_event;
	const char *phase;
	u64 start_ns, end_ns, events, requests, unmatched_unmaps, lost_events, damaged_chunks, policy_changes;
};

/**
 * engine_run() - replay @trace.
 * @error: receives one line, TRACE_ERROR_BYTES
 *
 * Return: 0; -ENODATA no requests; -ENODEV no such device; -E2BIG more live than SLOTS_MAX; -ENOMEM; what the tracer said. The engine must
 * be destroyed in any case.
 */
int engine_run(struct engine *e, struct trace *trace, const struct engine_options *options, char *error);
void engine_destroy(struct engine *e);

#endif
