/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"
#include "analysis/gptext.h"
#include "analysis/marks.h"

#define MIB (1024.0 * 1024.0)

static const char script[] =
#include "analysis/heat.gp.inc"
	;

static const char *missing(const struct report *r)
{
	if (r->facts.lives_untold)
		return "more requests are alive at once than it pairs";
	if (!r->facts.heat->rows)
		return "the trace has no requests that succeeded";
	return r->facts.duration_s > 0 ? NULL : "all of its events happened in one moment";
}

/* the last column may end behind the trace */
static double column_s(const struct heat *h)
{
	return (double)h->column_ns * 1e-9;
}

static void settings(FILE *gp, const struct report *r)
{
	const struct heat *h = r->facts.heat;
	char row[GPTEXT_NUMBER_BYTES];

	gptext_set(gp, "ROW", gptext_bytes((double)h->row_bytes, row), sizeof(row));
	gptext_set_number(gp, "ROW_MIB", (double)h->row_bytes / MIB);
	gptext_set_number(gp, "ROWS", h->rows);
	gptext_set_number(gp, "COLUMN_S", column_s(h));
	gptext_set_number(gp, "T_END", r->facts.duration_s);
	gptext_set_number(gp, "OUTSIDE", (double)h->outside);
	marks_settings(gp, &r->facts, 0, r->facts.duration_s);
}

static void data(FILE *dat, const struct report *r)
{
	const struct heat *h = r->facts.heat;
	unsigned int c, i;

	fprintf(dat, "# t_s gpa_mib percent_live: the most within a column of time, by stretches of guest memory; both are the middle\n");
	for (c = 0; c <= h->column; c++) {
		for (i = 0; i < h->rows; i++)
			fprintf(dat, "%.9g %.9g %.4g\n", (c + 0.5) * column_s(h), (i + 0.5) * (double)h->row_bytes / MIB,
				100.0 * (double)h->cell[c][i] / (double)h->row_bytes);
	}
}

const struct figure figure_heat = { "heat", script, missing, settings, data };
