/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sweep.h - a trace through many cells: what is known already is looked up, the rest is replayed in as few passes as memory allows.
 */
#ifndef EGPU_REPLAY_SWEEP_H
#define EGPU_REPLAY_SWEEP_H

#include "replay/results.h"

/**
 * struct sweep_options - how.
 * @engine:       as for the engine
 * @memory_bytes: that cells of one pass may set aside; a single cell may need more
 * @results:      may be NULL; it cannot be used together with @ran
 * @ran:          called after each pass; may be NULL. Return: 0, or negative errno and one line, which ends the sweep
 */
struct sweep_options {
	struct engine_options engine;
	u64 memory_bytes;
	struct results *results;
	int (*ran)(void *ctx, struct engine *e, char *error);
	void *ran_ctx;
};

/**
 * sweep_trace() - replay @trace.
 * @list:     @n + 1 results; the first n, in the order of @cells, are set, and the last if the trace comes from a live run
 * @measured: set to whether it does
 * @error:    receives one line, TRACE_ERROR_BYTES
 *
 * Return: 0; as engine_open() and engine_replay(); what @results said.
 */
int sweep_trace(const struct sweep_options *o, struct trace *trace, const char *path, const struct cell_spec *cells, u32 n,
		struct result *list, bool *measured, char *error);

#endif
