/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <string.h>

#include "analysis/figures.h"
#include "analysis/gptext.h"
#include "analysis/marks.h"

#define LABEL_CHARS 36
#define MIB (1024.0 * 1024.0)
#define BUSY 0.01 /* share of the highest peak that counts as a beginning */

static const char script[] =
#include "analysis/mappings.gp.inc"
	;

static const char *missing(const struct report *r)
{
	return r->facts.duration_s > 0 ? NULL : "all of its events happened in one moment";
}

/* the live quantities when a request was refused */
static const struct replay_run_point *point_at(const struct replay_run_row *row, double t_s)
{
	unsigned int i = 0;

	while (i + 1 < REPLAY_RUN_BINS && row->points[i + 1].t_s <= t_s)
		i++;
	return &row->points[i];
}

/* a guest boots long before its driver maps much: where the axis begins if that would fill a good part of it */
static double find_start_s(const struct report *r)
{
	const struct replay_run *run = &r->replay;
	double end_s = r->facts.duration_s, first_s = end_s, peak = 0, start_s;
	unsigned int i, k;

	for (i = 0; i < run->nrows; i++)
		peak = (double)run->rows[i].peak_mappings > peak ? (double)run->rows[i].peak_mappings : peak;
	for (i = 0; i < run->nrows; i++) {
		for (k = 0; k < REPLAY_RUN_BINS && run->rows[i].points[k].mappings < peak * BUSY; k++)
			;
		if (k < REPLAY_RUN_BINS && run->rows[i].points[k].t_s < first_s)
			first_s = run->rows[i].points[k].t_s;
		if (run->rows[i].refused && run->rows[i].refused_s < first_s)
			first_s = run->rows[i].refused_s;
	}
	start_s = first_s - (end_s - first_s) * 0.05;
	return first_s < end_s && start_s > end_s * 0.25 ? start_s : 0;
}

/* a cross stands where the cause can be seen: the panel of mappings, or that of bytes */
static void write_refusal(FILE *gp, unsigned int n, const struct replay_run *run, unsigned int i)
{
	const struct replay_run_row *row = &run->rows[i];
	const struct replay_run_point *p = point_at(row, row->refused_s);
	bool by_bytes = strcmp(row->reason, "byte limit") == 0 || strcmp(row->reason, "fragmented") == 0;
	char why[REPORT_TEXT_BYTES];

	snprintf(why, sizeof(why), "at %.1f s, %s", row->refused_s, row->reason);
	fprintf(gp, "REFUSED_ROW[%u] = %u; REFUSED_T[%u] = %.9f; REFUSED_PANEL[%u] = %d; REFUSED_Y[%u] = %.17g; REFUSED_NAME[%u] = ", n, i + 1, n,
		row->refused_s, n, by_bytes ? 2 : 1, n, by_bytes ? p->bytes / MIB : p->mappings, n);
	gptext_quoted(gp, row->measured ? "measured" : row->policy, LABEL_CHARS);
	fprintf(gp, "; REFUSED_WHY[%u] = ", n);
	gptext_quoted(gp, why, LABEL_CHARS);
	fputc('\n', gp);
}

static void write_refusals(FILE *gp, const struct replay_run *run)
{
	static const char *const arrays[] = { "ROW", "T", "PANEL", "Y", "NAME", "WHY" };
	unsigned int i, n = 0;

	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		fprintf(gp, "array REFUSED_%s[%u]\n", arrays[i], run->nrows);
	for (i = 0; i < run->nrows; i++) {
		if (run->rows[i].refused)
			write_refusal(gp, ++n, run, i);
	}
	fprintf(gp, "REFUSED = %u\n", n);
}

static void settings(FILE *gp, const struct report *r)
{
	const struct replay_run *run = &r->replay;
	double start_s = find_start_s(r);
	char text[REPORT_TEXT_BYTES];
	unsigned int i;

	gptext_set_number(gp, "T_START", start_s);
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
	write_refusals(gp, run);
	marks_settings(gp, &r->facts, start_s, r->facts.duration_s);
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

const struct figure figure_mappings = { "mappings", script, missing, settings, data };
