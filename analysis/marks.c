/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/marks.h"

#include "analysis/gptext.h"

/* of a plot as the scripts lay it out, and of its smallest letters */
#define PLOT_PX 830.0
#define CHAR_PX 8.0
#define LABEL_CHARS 30
#define ROWS 2

struct shown {
	const struct facts_mark *mark;
	int row;
};

static int find_room(double *row_end_px, double at_px, size_t chars)
{
	int row;

	for (row = 0; row < ROWS; row++) {
		if (at_px < row_end_px[row])
			continue;
		row_end_px[row] = at_px + (double)(chars < LABEL_CHARS ? chars : LABEL_CHARS) * CHAR_PX + CHAR_PX;
		return row + 1;
	}
	return 0;
}

void marks_settings(FILE *gp, const struct facts *f, double from_s, double to_s)
{
	double row_end_px[ROWS] = { 0 };
	struct shown shown[FACTS_MARKS_MAX];
	unsigned int i, n = 0;

	for (i = 0; i < f->nmarks; i++) {
		const struct facts_mark *m = &f->marks[i];

		if (m->t_s < from_s || m->t_s > to_s)
			continue;
		shown[n].mark = m;
		shown[n++].row = find_room(row_end_px, (m->t_s - from_s) / (to_s - from_s) * PLOT_PX, gptext_chars(m->text));
	}
	/* an array needs at least one element */
	fprintf(gp, "MARKS = %u\narray MARK_T[%u]\narray MARK_TEXT[%u]\narray MARK_ROW[%u]\n", n, n + 1, n + 1, n + 1);
	for (i = 0; i < n; i++) {
		fprintf(gp, "MARK_T[%u] = %.9f; MARK_ROW[%u] = %d; MARK_TEXT[%u] = ", i + 1, shown[i].mark->t_s, i + 1, shown[i].row, i + 1);
		gptext_quoted(gp, shown[i].mark->text, LABEL_CHARS);
		fputc('\n', gp);
	}
}
