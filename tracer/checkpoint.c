/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/liveset.h"
#include "tracer/reader.h"
#include "tracer/store.h"

#define COLUMN_DATA READER_CHUNK_COLUMNS
#define PARTS_MAX (LIVESET_MAX / CHUNK_EVENTS_MAX)

int reader_checkpoint_part(sqlite3_stmt *stmt, struct chunk_decoder *d, struct chunk_row *row, const struct trace_event **events,
			   const char **why)
{
	int err = reader_chunk_row(stmt, row, why);

	if (err)
		return err;
	*why = "the checksum of its row is wrong";
	if (!reader_row_intact(stmt) || sqlite3_column_type(stmt, COLUMN_DATA) != SQLITE_BLOB)
		return -EBADMSG;
	row->data = sqlite3_column_blob(stmt, COLUMN_DATA);
	row->data_bytes = (size_t)sqlite3_column_bytes(stmt, COLUMN_DATA);
	return chunk_decode(d, row, events, why);
}

static int append(struct trace_live *out, const struct trace_event *events, uint64_t n)
{
	struct trace_event *all;

	if (out->n + n > LIVESET_MAX)
		return -EBADMSG;
	all = realloc(out->events, (out->n + n) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	memcpy(all + out->n, events, n * sizeof(*all));
	out->events = all;
	out->n += n;
	return 0;
}

/* all parts of the checkpoint whose first part is @id. Return: 1; -EBADMSG if any is missing or damaged; other negative errno */
static int load_parts(struct trace *t, int64_t id, int64_t parts, struct trace_live *out)
{
	struct chunk_decoder *d = chunk_decoder_new();
	const struct trace_event *events;
	sqlite3_stmt *stmt = NULL;
	struct chunk_row row;
	const char *why;
	int err = d ? 0 : -ENOMEM;

	if (!err)
		err = sql_prepare(t->db, READER_CHECKPOINT_SQL " WHERE id = ?1", &stmt);
	for (int64_t part = 0; !err && part < parts; part++) {
		sqlite3_bind_int64(stmt, 1, id + part);
		err = sqlite3_step(stmt) == SQLITE_ROW ? reader_checkpoint_part(stmt, d, &row, &events, &why) : -EBADMSG;
		if (!err)
			err = append(out, events, row.events);
		if (!err)
			out->seq = row.first_seq;
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	chunk_decoder_free(d);
	return err ? err : 1;
}

/* newest first, until one is old enough and whole */
static int find_checkpoint(struct trace *t, sqlite3_stmt *stmt, uint64_t t_ns, struct trace_live *out)
{
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(stmt, 0), parts = sqlite3_column_int64(stmt, 1);
		int err;

		if (!sqlite3_column_int(stmt, 3) || (uint64_t)sqlite3_column_int64(stmt, 2) >= t_ns || parts < 1 || parts > PARTS_MAX)
			continue;
		err = load_parts(t, id, parts, out);
		if (err != -EBADMSG)
			return err;
		trace_live_free(out);
	}
	return sql_error(t->db, code);
}

int trace_checkpoint_before(struct trace *t, uint64_t t_ns, struct trace_live *out)
{
	sqlite3_stmt *stmt;
	int got;

	memset(out, 0, sizeof(*out));
	if (t->minor < 1)
		return 0;
	got = sql_prepare(t->db, "SELECT id, parts, until_ns, head_checksum IS " SQL_CRC_CHECKPOINT
				 " FROM main.checkpoint WHERE id % 65536 = 0 ORDER BY id DESC", &stmt);
	if (got)
		return got;
	got = find_checkpoint(t, stmt, t_ns, out);
	sqlite3_finalize(stmt);
	if (got <= 0)
		trace_live_free(out);
	return got;
}

void trace_live_free(struct trace_live *live)
{
	free(live->events);
	memset(live, 0, sizeof(*live));
}

/* apply what follows the checkpoint */
static int go_on(struct trace *t, struct liveset *set, uint64_t *seq, uint64_t t_ns, bool skip_damaged, char *error)
{
	struct trace_cursor *c;
	struct trace_event e;
	int got = trace_cursor_open(t, skip_damaged, &c);

	if (got)
		return trace_fail(error, got, "cannot read events: %s", strerror(-got));
	trace_cursor_filter(c, LIVESET_KINDS);
	got = trace_cursor_seek_seq(c, *seq);
	while (!got && (got = trace_next(c, &e, error)) == 1) {
		got = 0;
		if (e.t_ns >= t_ns)
			continue;
		liveset_apply(set, &e);
		*seq = trace_cursor_seq(c) + 1;
	}
	trace_cursor_close(c);
	return got;
}

static int copy_out(const struct liveset *set, uint64_t seq, struct trace_live *out, char *error)
{
	if (set->given_up)
		return trace_fail(error, -E2BIG, "more than %u requests and mappings are live", LIVESET_MAX);
	out->events = malloc((set->n + 1) * sizeof(*out->events));
	if (!out->events || !liveset_copy(set, out->events)) {
		trace_live_free(out);
		return trace_fail(error, -ENOMEM, "no memory for the live set");
	}
	out->n = set->n;
	out->seq = seq;
	return 0;
}

int trace_live_at(struct trace *t, uint64_t t_ns, bool skip_damaged, struct trace_live *out, char *error)
{
	struct liveset set = { 0 };
	struct trace_live begin;
	int got = trace_checkpoint_before(t, t_ns, &begin);

	memset(out, 0, sizeof(*out));
	if (got < 0)
		return trace_fail(error, got, "cannot read the checkpoints: %s", strerror(-got));
	for (uint64_t i = 0; i < begin.n; i++)
		liveset_add(&set, &begin.events[i]);
	got = go_on(t, &set, &begin.seq, t_ns, skip_damaged, error);
	if (!got)
		got = copy_out(&set, begin.seq, out, error);
	liveset_free(&set);
	trace_live_free(&begin);
	return got;
}
