/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/heat.h"

#include <string.h>

void heat_init(struct heat *h, uint64_t start_ns)
{
	memset(h, 0, sizeof(*h));
	h->row_bytes = HEAT_ROW_BYTES_MIN;
	h->start_ns = start_ns;
	h->column_ns = HEAT_COLUMN_NS_MIN;
}

static void fold_rows(uint64_t *row)
{
	unsigned int i;

	for (i = 0; i < HEAT_ROWS / 2; i++)
		row[i] = row[2 * i] + row[2 * i + 1];
	memset(row + HEAT_ROWS / 2, 0, (HEAT_ROWS - HEAT_ROWS / 2) * sizeof(*row));
}

static void make_rows(struct heat *h, uint64_t end_gpa)
{
	unsigned int c;

	while (end_gpa > h->row_bytes * HEAT_ROWS) {
		fold_rows(h->live);
		for (c = 0; c <= h->column; c++)
			fold_rows(h->cell[c]);
		h->row_bytes *= 2;
		h->rows = (h->rows + 1) / 2;
	}
}

static void fold_columns(struct heat *h)
{
	unsigned int c, i;

	for (c = 0; c <= h->column; c++) {
		for (i = 0; i < HEAT_ROWS; i++) {
			uint64_t bytes = h->cell[c][i];

			if (c % 2 == 0 || bytes > h->cell[c / 2][i])
				h->cell[c / 2][i] = bytes;
		}
	}
	h->column /= 2;
	h->column_ns *= 2;
}

/* go on to the column of @t_ns; what is live stays so in those between */
static void advance(struct heat *h, uint64_t t_ns)
{
	uint64_t since_ns = t_ns > h->start_ns ? t_ns - h->start_ns : 0;

	while (since_ns / h->column_ns >= HEAT_COLUMNS)
		fold_columns(h);
	while (h->column < since_ns / h->column_ns) {
		h->column++;
		memcpy(h->cell[h->column], h->live, sizeof(h->live));
	}
}

static void change_row(struct heat *h, unsigned int row, uint64_t bytes, bool begins)
{
	if (begins)
		h->live[row] += bytes;
	else
		h->live[row] -= bytes < h->live[row] ? bytes : h->live[row];
	if (h->live[row] > h->cell[h->column][row])
		h->cell[h->column][row] = h->live[row];
}

void heat_change(struct heat *h, uint64_t t_ns, uint64_t gpa, uint64_t len_bytes, bool begins)
{
	if (gpa >= HEAT_GPA_END || len_bytes > HEAT_GPA_END - gpa) {
		h->outside += begins;
		return;
	}
	make_rows(h, gpa + len_bytes);
	advance(h, t_ns);
	while (len_bytes) {
		unsigned int row = (unsigned int)(gpa / h->row_bytes);
		uint64_t here = h->row_bytes - gpa % h->row_bytes;

		if (here > len_bytes)
			here = len_bytes;
		change_row(h, row, here, begins);
		h->rows = row >= h->rows ? row + 1 : h->rows;
		gpa += here;
		len_bytes -= here;
	}
}

void heat_clear(struct heat *h, uint64_t t_ns)
{
	advance(h, t_ns);
	memset(h->live, 0, sizeof(h->live));
}

void heat_finish(struct heat *h, uint64_t end_ns)
{
	advance(h, end_ns);
}
