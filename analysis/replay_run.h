/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * replay_run.h - what egpu-replay says about a trace.
 *
 * Purpose:  runs egpu-replay as a user would (the one beside this executable, else the one in PATH) and reads its JSON and its series.
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_REPLAY_RUN_H
#define EGPU_ANALYSIS_REPLAY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_RUN_POLICIES_MAX 8
#define REPLAY_RUN_ROWS_MAX (REPLAY_RUN_POLICIES_MAX + 1)
#define REPLAY_RUN_TEXT_BYTES 256
#define REPLAY_RUN_BINS 1600
#define REPLAY_RUN_ERROR_BYTES 512

struct replay_run_point {
	double t_s, mappings, bytes, holes, longest_hole_bytes;
};

/**
 * struct replay_run_row - a policy replayed, or the live run.
 * @measured:  what the live run recorded
 * @refused:   requests that were refused; the first of them at @refused_s, for @reason
 * @points:    REPLAY_RUN_BINS of them, the most in each bin
 */
struct replay_run_row {
	char policy[REPLAY_RUN_TEXT_BYTES];
	bool measured;
	uint64_t peak_mappings, peak_mapped_bytes, host_calls, refused;
	double refused_s;
	char reason[REPLAY_RUN_TEXT_BYTES];
	struct replay_run_point *points;
};

/**
 * struct replay_run - the whole answer; a measured row, if there is one, comes first.
 * @bound_mappings: what no policy can beat, @bound_bytes likewise; if no policy can fit, @bound_fits is false and @misfit says why
 */
struct replay_run {
	struct replay_run_row rows[REPLAY_RUN_ROWS_MAX];
	unsigned int nrows;
	uint64_t peak_requests, peak_request_bytes;
	uint64_t limit_mappings, limit_bytes;
	uint64_t bound_mappings, bound_bytes;
	bool bound_fits;
	char misfit[REPLAY_RUN_TEXT_BYTES];
	unsigned int granule_log2;
	char limits[REPLAY_RUN_TEXT_BYTES];
};

/**
 * struct replay_run_options - what to ask.
 * @dart:     limits; NULL = as recorded
 * @device:   NULL = all
 * @policies: @npolicies of them, 1..REPLAY_RUN_POLICIES_MAX
 */
struct replay_run_options {
	const char *dart, *device;
	const char *const *policies;
	unsigned int npolicies;
	bool skip_damaged;
};

/**
 * replay_run_check() - let egpu-replay judge the policies and the limits.
 * Return: 0; -EINVAL and egpu-replay's line in @error if one is malformed; other -errno.
 */
int replay_run_check(const struct replay_run_options *options, char *error);

/**
 * replay_run() - replay the trace @path.
 * @series_path: a file to make for the series, removed again
 * @error:       receives one line, REPLAY_RUN_ERROR_BYTES
 *
 * Return: 0; -EIO egpu-replay failed, @error is its line; -EBADMSG its answer cannot be read; other -errno. Ends with
 * replay_run_destroy() in any case.
 */
int replay_run(struct replay_run *r, const char *path, const char *series_path, const struct replay_run_options *options, char *error);
void replay_run_destroy(struct replay_run *r);

/**
 * replay_run_fps() - published frame rates and the model's, as the CSV of egpu-replay fps.
 * Return: 0 and *@csv, which the caller frees; else as replay_run().
 */
int replay_run_fps(char **csv, char *error);

#endif
