/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * report.h - all that is known about one trace, and where its figures go; what every figure works from.
 *
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_REPORT_H
#define EGPU_ANALYSIS_REPORT_H

#include <limits.h>

#include "analysis/facts.h"
#include "analysis/replay_run.h"

#define REPORT_TEXT_BYTES 512

enum report_format {
	REPORT_SVG = 1,
	REPORT_PNG = 2,
};

/**
 * struct report - one trace's.
 * @dir:     figures go here; exists
 * @title:   what the figures are about
 * @formats: set of enum report_format
 * @source:  first line at the foot of every figure: provenance and origin
 * @caveats: second line: limits, and what makes figures incomplete
 * @fps_csv: for the figure of published frame rates, which is of no trace: what egpu-replay fps says
 */
struct report {
	char dir[PATH_MAX];
	char title[REPORT_TEXT_BYTES];
	unsigned int formats;
	struct facts facts;
	struct replay_run replay;
	char source[REPORT_TEXT_BYTES], caveats[REPORT_TEXT_BYTES];
	char *fps_csv;
};

/** report_describe() - fill @source and @caveats from facts and replay. @device: the only one reported on, or NULL. */
void report_describe(struct report *r, const char *trace_path, const char *device);

/** report_policy_label() - a policy's name, and what it means where that is known. @text has REPORT_TEXT_BYTES. */
void report_policy_label(const struct replay_run_row *row, char *text);

#endif
