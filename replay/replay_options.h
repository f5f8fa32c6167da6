/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * replay_options.h - the command line of egpu-replay.
 */
#ifndef EGPU_REPLAY_REPLAY_OPTIONS_H
#define EGPU_REPLAY_REPLAY_OPTIONS_H

#include "replay/grid.h"
#include "runtime/dart/dart.h"

#define REPLAY_DARTS_MAX 64
#define REPLAY_SERIES_CELLS_MAX 64
#define REPLAY_TUNE_CELLS_MAX 5000u /* each is compared with each */

enum replay_format { REPLAY_TABLE, REPLAY_JSON, REPLAY_CSV };
enum replay_action { REPLAY_RUN, REPLAY_TUNE, REPLAY_HELP, REPLAY_VERSION, REPLAY_LIST_POLICIES };

/**
 * struct replay_options - what was asked for.
 * @command:      REPLAY_RUN or REPLAY_TUNE; @action: that, or what was asked for instead
 * @policies:     none = the default set
 * @darts:        @darts_n of them; 0 = as recorded
 * @shim:         enum align_shim, or -1 = as recorded
 * @memory_bytes: for the cells that are run at the same time
 * @results_path: of the file that keeps results; NULL = none
 * The rest is for tune: @output_path of the policy file, NULL = none; how many @cells to try at most; @slack_percent and
 * @reserve_percent of the rule; whether to @keep mappings without requests; @seed.
 */
struct replay_options {
	enum replay_action action, command;
	enum replay_format format;
	struct grid policies;
	struct dart_limits darts[REPLAY_DARTS_MAX];
	u32 darts_n;
	int shim;
	const char *device;
	const char *series_path;
	u32 bins;
	bool skip_damaged;
	u32 threads;
	u64 memory_bytes;
	const char *results_path;
	const char *output_path;
	bool keep;
	u32 cells, slack_percent, reserve_percent;
	u64 seed;
	char **traces;
	int traces_n;
};

/** replay_options_parse() - Return: 0, or -EINVAL with one line in @error. To be destroyed in any case. */
int replay_options_parse(struct replay_options *o, int argc, char **argv, char *error, size_t error_bytes);
void replay_options_destroy(struct replay_options *o);

/** replay_options_usage() - text of --help. */
const char *replay_options_usage(enum replay_action action);

#endif
