/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <string.h>

#include "analysis/figures.h"
#include "analysis/gptext.h"
#include "analysis/marks.h"

#define LABEL_CHARS 36
#define REFUSAL_CHARS 70
#define MIB (1024.0 * 1024.0)

static const char script[] =
#include "analysis/mappings.gp.inc"
	;

/* the live quantities when a request was refused */
static const struct replay_run_point *point_at(const struct replay_run_row *row, double t_s)
{
	unsigned int i = 0;

	while (i + 1 < REPLAY_RUN_BINS && row->points[i + 1].t_s <= t_s)
		i++;
	return &row->points[i];
}

/* a cross stands where the cause can be seen: the panel of mappings, or that of bytes */
static void write_refusal(FILE *gp, unsigned int n, const struct replay_run_row *row)
{
	const struct replay_run_point *p = point_at(row, row->refused_s);
	char text[REPORT_TEXT_BYTES];
	int by_bytes = strcmp(row->reason, "byte limit") == 0 || strcmp(row->reason, "fragmented") == 0;

	snprintf(text, sizeof(text), "%s: refused at %.1f s, %s", row->measured ? "measured" : row->policy, row->refused_s, row->reason);
	fprintf(gp, "REFUSED_T[%u] = %.9f; REFUSED_PANEL[%u] = %d; REFUSED_Y[%u] = %.17g; REFUSED_TEXT[%u] = ", n, row->refused_s, n,
		by_bytes ? 2 : 1, n, by_bytes ? p->bytes / MIB : p->mappings, n);
	gptext_quoted(gp, text, REFUSAL_CHARS);
	fputc('\n', gp);
}

static void settings(FILE *gp, const struct report *r)
{
	const struct replay_run *run = &r->replay;
	char text[REPORT_TEXT_BYTES];
	unsigned int i, refused = 0;

	gptext_set_number(gp, "T_END", r->facts.duration_s);
	gptext_set_number(gp, "LIMIT_MAPPINGS", (double)run->limit_mappings);
	gptext_set_number(gp, "LIMIT_MIB", (double)run->limit_bytes / MIB);
	fprintf(gp, "# row 1 is what the live run recorded, if MEASURED\nMEASURED = %d\nROWS = %u\n", run->rows[0].measured, run->nrows);
	fprintf(gp, "array LABEL[%u]\n", run->nrows);
	for (i = 0; i < run->nrows; i++) {
		report_policy_label(&run->rows[i], text);
		fprintf(gp, "LABEL[%u] = ", i + 1);
		gptext_quoted(gp, text, LABEL_CHARS);
		fputc('\n', gp);
	}
	fprintf(gp, "array REFUSED_T[%u]\narray REFUSED_PANEL[%u]\narray REFUSED_Y[%u]\narray REFUSED_TEXT[%u]\n", run->nrows, run->nrows,
		run->nrows, run->nrows);
	for (i = 0; i < run->nrows; i++) {
		if (run->rows[i].refused)
			write_refusal(gp, ++refused, &run->rows[i]);
	}
	fprintf(gp, "REFUSED = %u\n", refused);
	marks_settings(gp, &r->facts, 0, r->facts.duration_s);
}

static void data(FILE *dat, const struct report *r)
{
	unsigned int i, k;

	fprintf(dat, "# the most within each bin of time\n");
	for (i = 0; i < r->replay.nrows; i++) {
		const struct replay_run_row *row = &r->replay.rows[i];

		fprintf(dat, "%s# %s%s\n# t_s mappings mapped_mib\n", i ? "\n\n" : "", row->measured ? "measured " : "", row->policy);
		for (k = 0; k < REPLAY_RUN_BINS; k++)
			fprintf(dat, "%.6f %.0f %.6f\n", row->points[k].t_s, row->points[k].mappings, row->points[k].bytes / MIB);
	}
}

const struct figure figure_mappings = { "mappings", script, NULL, settings, data };
