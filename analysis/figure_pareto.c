/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <stdlib.h>

#include "analysis/figures.h"
#include "analysis/gptext.h"

#define LABEL_CHARS 36
#define MIB (1024.0 * 1024.0)

static const char script[] =
#include "analysis/pareto.gp.inc"
	;

static const char *missing(const struct report *r)
{
	return r->facts.requests ? NULL : "the trace has no requests";
}

/* what was refused something has not done the work: it beats nobody */
static bool beats(const struct replay_run_row *a, const struct replay_run_row *b)
{
	return !a->refused && a->peak_mappings <= b->peak_mappings && a->peak_mapped_bytes <= b->peak_mapped_bytes &&
	       (a->peak_mappings < b->peak_mappings || a->peak_mapped_bytes < b->peak_mapped_bytes);
}

static bool beaten(const struct replay_run *run, const struct replay_run_row *row)
{
	unsigned int i;

	for (i = 0; i < run->nrows; i++) {
		if (beats(&run->rows[i], row))
			return true;
	}
	return row->refused;
}

static int by_mappings(const void *a, const void *b)
{
	const struct replay_run_row *x = *(const struct replay_run_row *const *)a, *y = *(const struct replay_run_row *const *)b;

	return (x->peak_mappings > y->peak_mappings) - (x->peak_mappings < y->peak_mappings);
}

static void settings(FILE *gp, const struct report *r)
{
	const struct replay_run *run = &r->replay;
	char text[REPORT_TEXT_BYTES];
	unsigned int i;

	gptext_set_number(gp, "LIMIT_MAPPINGS", (double)run->limit_mappings);
	gptext_set_number(gp, "LIMIT_MIB", (double)run->limit_bytes / MIB);
	fprintf(gp, "# what no policy can beat\n");
	gptext_set_number(gp, "BOUND_MAPPINGS", (double)run->bound_mappings);
	gptext_set_number(gp, "BOUND_MIB", (double)run->bound_bytes / MIB);
	fprintf(gp, "# row 1 is what the live run recorded, if MEASURED\nMEASURED = %d\nROWS = %u\n", run->rows[0].measured, run->nrows);
	fprintf(gp, "array LABEL[%u]\narray REFUSED[%u]\n", run->nrows, run->nrows);
	for (i = 0; i < run->nrows; i++) {
		report_policy_label(&run->rows[i], text);
		fprintf(gp, "LABEL[%u] = ", i + 1);
		gptext_quoted(gp, text, LABEL_CHARS);
		fprintf(gp, "; REFUSED[%u] = %d\n", i + 1, run->rows[i].refused != 0);
	}
}

static void data(FILE *dat, const struct report *r)
{
	const struct replay_run_row *front[REPLAY_RUN_ROWS_MAX];
	const struct replay_run *run = &r->replay;
	unsigned int i, n = 0;

	fprintf(dat, "# peak_mappings peak_mapped_mib host_calls refused_requests\n");
	for (i = 0; i < run->nrows; i++) {
		const struct replay_run_row *row = &run->rows[i];

		fprintf(dat, "%llu %.6f %llu %llu # %s%s\n", (unsigned long long)row->peak_mappings, (double)row->peak_mapped_bytes / MIB,
			(unsigned long long)row->host_calls, (unsigned long long)row->refused, row->measured ? "measured " : "", row->policy);
		if (!beaten(run, row))
			front[n++] = row;
	}
	qsort(front, n, sizeof(front[0]), by_mappings);
	fprintf(dat, "\n\n# those that no other beats: peak_mappings peak_mapped_mib\n");
	for (i = 0; i < n; i++)
		fprintf(dat, "%llu %.6f\n", (unsigned long long)front[i]->peak_mappings, (double)front[i]->peak_mapped_bytes / MIB);
	if (n == 0)
		fprintf(dat, "NaN NaN\n");
}

const struct figure figure_pareto = { "pareto", script, missing, settings, data };
