/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/result.h"

bool result_measured(const struct engine *e)
{
	return e->measured.events != 0;
}

const char *result_provenance(struct trace *trace)
{
	return trace_meta(trace, TRACE_META_PROVENANCE) ?: "of unknown provenance";
}

void result_of(const struct engine *e, u32 i, const char *path, struct result *out)
{
	const struct cell *cell = &e->lab.cells[i < e->lab.cells_n ? i : 0];

	*out = (struct result){
		.trace = path,
		.provenance = result_provenance(e->trace),
		.device = e->options->device,
		.shim = cell->spec.config.shim,
		.limits = cell->spec.limits,
		.row = i < e->lab.cells_n ? cell->row : e->measured.row,
		.bound = cell->bound->found,
		.start_ns = e->start_ns,
		.lost_events = e->lost_events,
		.damaged_chunks = e->damaged_chunks,
		.policy_changes = e->policy_changes,
	};
}

bool result_fits(const struct result *r)
{
	return r->row.failures == 0;
}

const char *result_misfit(const struct result *r)
{
	enum bound_verdict verdict = r->bound.verdict;

	return verdict == BOUND_FITS ? NULL : row_reason(verdict == BOUND_BYTES ? -EDQUOT : -ENOSPC);
}

double result_since_start_s(const struct result *r, u64 t_ns)
{
	return t_ns > r->start_ns ? (double)(t_ns - r->start_ns) * 1e-9 : 0;
}
