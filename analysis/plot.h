/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * plot.h - makes a figure: writes its data and its script, and runs gnuplot.
 *
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_PLOT_H
#define EGPU_ANALYSIS_PLOT_H

#include "analysis/figures.h"

#define PLOT_ERROR_BYTES 512

/** plot_check() - is gnuplot there? Return: 0; -ENOENT with one line in @error, PLOT_ERROR_BYTES. */
int plot_check(char *error);

/** plot_clear() - remove what an earlier report left of @figure, so that no old picture passes for a new one. */
void plot_clear(const struct figure *figure, const struct report *r);

/**
 * plot_make() - NAME.dat, NAME.gp, style.gp and the pictures in the report's folder.
 * Return: 0, and @error (PLOT_ERROR_BYTES) is empty or a warning of gnuplot's; negative errno with one line in @error.
 */
int plot_make(const struct figure *figure, const struct report *r, char *error);

/** plot_path() - of a figure's picture ("svg", "png"), data ("dat") or script ("gp"). */
void plot_path(const struct figure *figure, const struct report *r, const char *kind, char *path, size_t path_bytes);

#endif
