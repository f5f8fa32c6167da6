/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * result.h - what a cell found, with all that is said about it: complete without the trace or the engine.
 */
#ifndef EGPU_REPLAY_RESULT_H
#define EGPU_REPLAY_RESULT_H

#include "replay/engine.h"

/**
 * struct result - one row and where it comes from.
 * @trace:       path, as given
 * @provenance:  recorded, imported or modelled, with the rest of what the trace says
 * @device:      NULL = all
 * @limits:      of the simulated DART; of a measured row, what it is compared with
 * @start_ns:    time of the trace's first event
 * The other fields are those of struct engine.
 */
struct result {
	const char *trace, *provenance, *device;
	enum align_shim shim;
	struct dart_limits limits;
	struct row row;
	struct bound_found bound;
	u64 start_ns, lost_events, damaged_chunks, policy_changes;
};

/** result_of() - cell @i of a finished @e; i = cells_n is the measured row, which there may be none of. Its texts belong to the caller. */
void result_of(const struct engine *e, u32 i, const char *path, struct result *out);

/** result_provenance() - what the trace says of it; never NULL, valid until the trace is closed. */
const char *result_provenance(struct trace *trace);

/** result_measured() - true if the trace comes from a live run. */
bool result_measured(const struct engine *e);

/** result_fits() - true if every request was served. */
bool result_fits(const struct result *r);

/** result_misfit() - why no policy can serve every request; NULL if the bound does not say so. */
const char *result_misfit(const struct result *r);

/** result_since_start_s() - seconds from the trace's first event to @t_ns. */
double result_since_start_s(const struct result *r, u64 t_ns);

#endif
