/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * figures.h - the table of figures.
 *
 * Purpose:  a figure is one file figure_<name>.c, which writes what the trace says, and one script <name>.gp, which says how it looks.
 *           To add one: these two files and a line in figures.c.
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_FIGURES_H
#define EGPU_ANALYSIS_FIGURES_H

#include <stdio.h>

#include "analysis/report.h"

/**
 * struct figure - one row.
 * @name:     of its files
 * @script:   gnuplot commands; may use what @settings sets, NAME, TITLE, SUBJECT, SOURCE, CAVEATS, FORMATS, and style.gp
 * @missing:  Return: why the figure cannot be made from this trace; NULL if it can. May be NULL itself.
 * @settings: write gnuplot settings
 * @data:     write the data file
 */
struct figure {
	const char *name;
	const char *script;
	const char *(*missing)(const struct report *r);
	void (*settings)(FILE *gp, const struct report *r);
	void (*data)(FILE *dat, const struct report *r);
};

extern const struct figure figure_mappings, figure_policies, figure_pareto, figure_fragmentation, figure_sizes, figure_lifetimes, figure_heat,
	figure_fps;

/** figures - all that are made of a trace, NULL-terminated. */
extern const struct figure *const figures[];

/** figure_published - not of a trace: published frame rates beside those of the model; once in a report. */
extern const struct figure figure_published;

#endif
