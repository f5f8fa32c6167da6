/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * marks.h - the phases of a trace on a time axis: a line each, and a label where there is room.
 *
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_MARKS_H
#define EGPU_ANALYSIS_MARKS_H

#include <stdio.h>

#include "analysis/facts.h"

/**
 * marks_settings() - write MARKS and the arrays MARK_T, MARK_TEXT, MARK_ROW (1 or 2: where the label stands; 0: no room for it).
 * @from_s, @to_s: what the axis shows; marks outside are left out
 */
void marks_settings(FILE *gp, const struct facts *f, double from_s, double to_s);

#endif
