/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * report_options.h - the command line of egpu-report.
 */
#ifndef EGPU_ANALYSIS_REPORT_OPTIONS_H
#define EGPU_ANALYSIS_REPORT_OPTIONS_H

#include "analysis/replay_run.h"

#define REPORT_OPTIONS_ERROR_BYTES 256

/**
 * struct report_options - what was asked for.
 * @policies: @npolicies of them; 0 = the default set
 * @formats:  set of enum report_format
 * @dart, @device, @title: NULL if not given
 */
struct report_options {
	bool help, version, skip_damaged, compare;
	const char *dir, *dart, *device, *title;
	const char *policies[REPLAY_RUN_POLICIES_MAX];
	unsigned int npolicies, formats;
	char **traces;
	int ntraces;
};

/** report_options_parse() - Return: 0, or -EINVAL with one line in @error. */
int report_options_parse(struct report_options *o, int argc, char **argv, char *error);

/** report_options_usage() - text of --help. */
const char *report_options_usage(void);

#endif
