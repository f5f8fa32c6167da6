/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * tune.h - the search for a policy that fits a set of traces.
 *
 * Search:   first each shipped policy (or what was asked for) with its defaults and with one parameter changed at a time over its range; then
 *           rounds of neighbours of the best, in steps that halve, each with one random step aside. Seeded: the same traces, options and
 *           version give the same search.
 * Rule:     (1) it serves every request of every trace, behind the limits and behind limits that are less by @reserve_percent; what follows
 *           is judged behind the latter; (2) on each trace its peak bytes are at most @slack_percent above those of the leanest that keeps
 *           (1); (3) of these the fewest mappings at the peak (the least product over the traces); (4) of these the fewest host calls.
 *           If nothing keeps (1), the reserve is given up; if nothing keeps (2), the least slack that something keeps is taken; both are said.
 * Why so:   a guest lays out its memory anew each time it boots. Policies that go by how much is left need several times the mappings where
 *           the next layout brings them near a limit; behind less they show it on this one.
 */
#ifndef EGPU_REPLAY_TUNE_H
#define EGPU_REPLAY_TUNE_H

#include "replay/grid.h"
#include "replay/sweep.h"

/** struct tune_trace - one of the traces, open, with what it is replayed behind; @shim as plan_shim(). */
struct tune_trace {
	struct trace *trace;
	const char *path;
	struct dart_limits limits;
	int shim;
};

/**
 * struct tune_options - how to search.
 * @start:     what to begin with; empty = all shipped policies
 * @cells_max: candidates to try at most
 * @keep:      also try policies that keep mappings without requests, unless @start says so anyway
 */
struct tune_options {
	const struct sweep_options *sweep;
	const struct grid *start;
	u32 cells_max, slack_percent, reserve_percent;
	bool keep;
	u64 seed;
};

/**
 * struct tune_sum - what a policy did on all traces.
 * @results:        one per trace
 * @mappings_share: of the limit, on the trace where it is highest; @bytes_share likewise
 * @log_mappings:   sum over the traces
 * @fits:           serves every request of every trace
 */
struct tune_sum {
	struct result *results;
	double mappings_share, bytes_share, log_mappings;
	u64 host_calls, failures;
	bool fits;
};

/**
 * struct tune_candidate - a policy tried on all traces.
 * @all, @less: behind the limits, and behind less of them (the same where no reserve is asked for)
 * @eligible:   by rule (1), or by what was made of it
 * @front:      it fits, and nothing that fits is better in one of the shares or the host calls of @all and worse in none
 */
struct tune_candidate {
	struct coalesce_config config;
	struct tune_sum all, less;
	bool eligible, front;
};

#define TUNE_NONE (~0u)

/**
 * struct tune - the search.
 * @choice:       a number of @candidates, or TUNE_NONE if nothing fits
 * @reserve_kept: rule (1) as asked; @slack_percent: that of rule (2), which may be more than was asked for
 */
struct tune {
	const struct tune_options *options;
	const struct tune_trace *traces;
	u32 traces_n;
	struct tune_candidate *candidates;
	u32 n, capacity;
	u32 choice;
	bool reserve_kept;
	double slack_percent;
	u64 random;
};

/**
 * tune_run() - search.
 * @error: receives one line, TRACE_ERROR_BYTES
 *
 * Return: 0, also if nothing fits; as sweep_trace(); -EINVAL if no policy goes with the granules. To be destroyed in any case.
 */
int tune_run(struct tune *t, const struct tune_options *options, const struct tune_trace *traces, u32 traces_n, char *error);
void tune_destroy(struct tune *t);

#endif
