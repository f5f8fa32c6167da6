/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"
#include "analysis/gptext.h"
#include "analysis/marks.h"

#define LABEL_CHARS 36
#define MIB (1024.0 * 1024.0)

static const char script[] =
#include "analysis/fragmentation.gp.inc"
	;

/* a live run does not say what is free: its row, the first, is left out */
static unsigned int first_row(const struct report *r)
{
	return r->replay.rows[0].measured ? 1 : 0;
}

static const char *missing(const struct report *r)
{
	return r->facts.duration_s > 0 ? NULL : "all of its events happened in one moment";
}

static void settings(FILE *gp, const struct report *r)
{
	unsigned int i, first = first_row(r), rows = r->replay.nrows - first;
	char text[REPORT_TEXT_BYTES];

	gptext_set_number(gp, "T_START", 0);
	gptext_set_number(gp, "T_END", r->facts.duration_s);
	fprintf(gp, "ROWS = %u\narray LABEL[%u]\n", rows, rows);
	for (i = 0; i < rows; i++) {
		report_policy_label(&r->replay.rows[first + i], text);
		fprintf(gp, "LABEL[%u] = ", i + 1);
		gptext_quoted(gp, text, LABEL_CHARS);
		fputc('\n', gp);
	}
	marks_settings(gp, &r->facts, 0, r->facts.duration_s);
}

static void data(FILE *dat, const struct report *r)
{
	unsigned int i, k, first = first_row(r);

	fprintf(dat, "# the most holes, and the shortest that the longest was, within each bin of time\n");
	for (i = first; i < r->replay.nrows; i++) {
		const struct replay_run_row *row = &r->replay.rows[i];

		fprintf(dat, "%s# %s\n# t_s holes longest_hole_mib\n", i > first ? "\n\n" : "", row->policy);
		for (k = 0; k < REPLAY_RUN_BINS; k++)
			fprintf(dat, "%.6f %.0f %.6f\n", row->points[k].t_s, row->points[k].holes, row->points[k].longest_hole_bytes / MIB);
	}
}

const struct figure figure_fragmentation = { "fragmentation", script, missing, settings, data };
