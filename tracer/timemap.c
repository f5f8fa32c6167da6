/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/timemap.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracer/reader.h"

/* ---- making it ---- */

static struct timemap_row describe(sqlite3_stmt *stmt)
{
	struct timemap_row out = { .id = sqlite3_column_int64(stmt, 0), .until_ns = UINT64_MAX, .until_seq = UINT64_MAX,
				   .next_seq = UINT64_MAX };
	struct chunk_row row;
	const char *why;

	if (reader_chunk_row(stmt, &row, &why) || !reader_row_intact(stmt) || row.events == 0 || row.events > CHUNK_EVENTS_MAX ||
	    row.t_min_ns > row.t_max_ns || row.first_seq > UINT64_MAX / 2)
		return out;
	out.t_min_ns = row.t_min_ns;
	out.until_ns = row.t_max_ns;
	out.next_seq = out.until_seq = row.first_seq + row.events;
	return out;
}

static bool append(struct timemap *m, struct timemap_row row)
{
	const struct timemap_row *before = m->n ? &m->rows[m->n - 1] : NULL;
	unsigned int room = m->room ? 2 * m->room : 256;
	struct timemap_row *rows;

	if (m->n == TIMEMAP_ROWS_MAX)
		return false;
	if (m->n == m->room) {
		rows = realloc(m->rows, room * sizeof(*rows));
		if (!rows)
			return false;
		before = m->n ? &rows[m->n - 1] : NULL;
		m->rows = rows;
		m->room = room;
	}
	if (before && before->until_ns > row.until_ns)
		row.until_ns = before->until_ns;
	if (before && before->until_seq > row.until_seq)
		row.until_seq = before->until_seq;
	m->rows[m->n++] = row;
	return true;
}

static bool prepare(struct trace *t)
{
	char sql[512];

	if (t->times.heads)
		return true;
	snprintf(sql, sizeof(sql), "SELECT %s FROM main.chunk WHERE id > ?1 ORDER BY id", reader_chunk_columns(t));
	return sql_prepare(t->db, sql, &t->times.heads) == 0;
}

static void look_back(struct timemap *m)
{
	uint64_t from_ns = UINT64_MAX;

	for (unsigned int i = m->n; i-- > 0;) {
		from_ns = m->rows[i].t_min_ns < from_ns ? m->rows[i].t_min_ns : from_ns;
		m->rows[i].from_ns = from_ns;
	}
}

void timemap_update(struct trace *t)
{
	struct timemap *m = &t->times;
	int64_t last_id = m->n ? m->rows[m->n - 1].id : 0;
	unsigned int known = m->n;

	if (!prepare(t))
		return;
	sqlite3_bind_int64(m->heads, 1, last_id);
	while (sqlite3_step(m->heads) == SQLITE_ROW) {
		struct timemap_row row = describe(m->heads);

		m->looked++;
		/* a damaged tree can lead back */
		if (row.id <= last_id || !append(m, row))
			break;
		last_id = row.id;
	}
	sqlite3_reset(m->heads);
	if (m->n > known)
		look_back(m);
}

void timemap_free(struct timemap *m)
{
	sqlite3_finalize(m->heads);
	free(m->rows);
}

/* ---- asking it ---- */

static bool holds_nothing(const struct timemap_row *row, int64_t last_id, uint64_t from_ns, uint64_t from_seq)
{
	return row->id <= last_id || row->until_ns < from_ns || row->until_seq <= from_seq;
}

const struct timemap_row *timemap_pass(const struct timemap *m, int64_t last_id, uint64_t from_ns, uint64_t last_ns, uint64_t from_seq)
{
	unsigned int low = 0, high = m->n;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (holds_nothing(&m->rows[middle], last_id, from_ns, from_seq))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < m->n && m->rows[low].from_ns > last_ns)
		low = m->n;
	return low && m->rows[low - 1].id > last_id ? &m->rows[low - 1] : NULL;
}
