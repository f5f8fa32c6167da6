/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * replay_options.h - the command line of egpu-replay.
 */
#ifndef EGPU_REPLAY_REPLAY_OPTIONS_H
#define EGPU_REPLAY_REPLAY_OPTIONS_H

#include "runtime/core/coalesce.h"
#include "runtime/dart/dart.h"

#define REPLAY_POLICIES_MAX 64

enum replay_format { REPLAY_TABLE, REPLAY_JSON, REPLAY_CSV };
enum replay_action { REPLAY_RUN, REPLAY_HELP, REPLAY_VERSION, REPLAY_LIST_POLICIES };

/**
 * struct replay_options - what was asked for.
 * @policies: @policies_n of them; 0 = the default set
 * @shim:     enum align_shim, or -1 = as recorded
 * @limits:   valid if @limits_given, else as recorded
 */
struct replay_options {
	enum replay_action action;
	enum replay_format format;
	struct coalesce_config policies[REPLAY_POLICIES_MAX];
	u32 policies_n;
	int shim;
	struct dart_limits limits;
	bool limits_given;
	const char *device;
	const char *series_path;
	u32 bins;
	bool skip_damaged;
	char **traces;
	int traces_n;
};

/** replay_options_parse() - Return: 0, or -EINVAL with one line in @error. */
int replay_options_parse(struct replay_options *o, int argc, char **argv, char *error, size_t error_bytes);

/** replay_options_usage() - text of --help. */
const char *replay_options_usage(void);

#endif
