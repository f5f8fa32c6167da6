/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"

static const char script[] =
#include "analysis/published.gp.inc"
	;

static void settings(FILE *gp, const struct report *r)
{
	(void)gp;
	(void)r;
}

/* gnuplot cuts quoted texts at a comma inside, so tabs are put between */
static void data(FILE *dat, const struct report *r)
{
	bool quoted = false;

	for (const char *c = r->fps_csv; *c; c++) {
		if (*c == '"')
			quoted = !quoted;
		else
			fputc(*c == ',' && !quoted ? '\t' : *c, dat);
	}
}

const struct figure figure_published = { "published", script, NULL, settings, data };
