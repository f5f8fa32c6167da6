/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * plan.h - from the command line to the cells of one trace: what is not given is as recorded, else a default.
 */
#ifndef EGPU_REPLAY_PLAN_H
#define EGPU_REPLAY_PLAN_H

#include "replay/cell.h"
#include "replay/replay_options.h"
#include "tracer/tracer.h"

/**
 * struct plan - the cells, all policies behind the first DART first; a default policy that does not go with a granule is left out there.
 */
struct plan {
	struct cell_spec *cells;
	u32 n;
};

/** plan_limits() - the DART a trace is replayed behind, if there is but one. Return: 0; -EINVAL and one line in @error. */
int plan_limits(const struct replay_options *o, struct trace *trace, struct dart_limits *out, char *error);

/** plan_shim() - the alignment shim likewise. Return: enum align_shim; -1 if nobody said, which is replayed as ALIGN_NONE. */
int plan_shim(const struct replay_options *o, struct trace *trace);

/** plan_goes() - true if @config goes with granules of 2^@granule_log2 bytes. */
bool plan_goes(const struct coalesce_config *config, u32 granule_log2);

/** plan_make() - Return: 0; -EINVAL; -ENOMEM; one line in @error, TRACE_ERROR_BYTES. */
int plan_make(const struct replay_options *o, struct trace *trace, struct plan *out, char *error);
void plan_destroy(struct plan *p);

#endif
