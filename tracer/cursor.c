/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/reader.h"

/**
 * struct trace_cursor - a position. Each chunk is one short query, so that a recorder is never held up and what it adds is seen.
 * @last_id:  of the chunk read last
 * @exhausted: SQLite can read nothing behind @last_id
 * @next_seq: sequence number the next chunk should begin with; UINT64_MAX if that is not known
 * @at:       the next event of the current chunk; @n is their number, @first_seq the number of the first
 * @events:   of the current chunk from number @piece to before @joined, owned by the decoder
 * @heads:    like @next, but without the chunks' data, to pass by those without an event that is wanted
 * @from_seq, @from_ns, @last_ns, @kinds: which events are wanted; times are inclusive
 */
struct trace_cursor {
	struct trace *trace;
	sqlite3_stmt *next;
	struct chunk_decoder *decoder;
	bool skip_damaged;
	uint64_t damaged, decoded, looked;
	int64_t last_id;
	bool exhausted;
	uint64_t next_seq;
	const struct trace_event *events;
	uint64_t at, n, first_seq, piece, joined;
	sqlite3_stmt *heads;
	uint64_t from_seq, from_ns, last_ns, kinds;
	uint32_t columns;
};

int trace_cursor_open(struct trace *t, bool skip_damaged, struct trace_cursor **out)
{
	struct trace_cursor *c = calloc(1, sizeof(*c));
	char sql[512];
	int err = -ENOMEM;

	if (!c)
		return -ENOMEM;
	/*
	 * SQLite checks a page when it first uses it and takes it for sound from then on, whatever the check said: have it checked
	 * again, so that each walk over a trace finds what the one before found.
	 */
	if (t->unreadable)
		sqlite3_db_release_memory(t->db);
	c->trace = t;
	c->last_ns = UINT64_MAX;
	c->kinds = TRACE_KINDS_ALL;
	c->columns = TRACE_COLUMNS_ALL;
	c->skip_damaged = skip_damaged;
	c->decoder = chunk_decoder_new();
	snprintf(sql, sizeof(sql), "SELECT %s, data FROM main.chunk WHERE id > ?1 ORDER BY id LIMIT 1", reader_chunk_columns(t));
	if (c->decoder)
		err = sql_prepare(t->db, sql, &c->next);
	snprintf(sql, sizeof(sql), "SELECT %s FROM main.chunk WHERE id > ?1 ORDER BY id", reader_chunk_columns(t));
	if (!err)
		err = sql_prepare(t->db, sql, &c->heads);
	if (err) {
		trace_cursor_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void trace_cursor_close(struct trace_cursor *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->next);
	sqlite3_finalize(c->heads);
	chunk_decoder_free(c->decoder);
	free(c);
}

uint64_t trace_cursor_damaged(const struct trace_cursor *c)
{
	return c->damaged;
}

uint64_t trace_cursor_decoded(const struct trace_cursor *c)
{
	return c->decoded;
}

uint64_t trace_cursor_looked(const struct trace_cursor *c)
{
	return c->looked;
}

uint64_t trace_cursor_seq(const struct trace_cursor *c)
{
	return c->first_seq + c->at - 1;
}

/* ---- which events are wanted ---- */

static bool has_bounds(const struct trace_cursor *c)
{
	return c->from_seq != 0 || c->from_ns != 0 || c->last_ns != UINT64_MAX;
}

static int rewind_to_start(struct trace_cursor *c)
{
	uint64_t before = c->trace->times.looked;

	c->at = c->n = 0;
	c->last_id = 0;
	c->exhausted = false;
	c->next_seq = UINT64_MAX;
	if (has_bounds(c))
		timemap_update(c->trace);
	c->looked += c->trace->times.looked - before;
	return 0;
}

int trace_cursor_seek_time(struct trace_cursor *c, uint64_t from_ns, uint64_t to_ns)
{
	c->from_ns = from_ns;
	c->last_ns = to_ns == UINT64_MAX ? to_ns : to_ns - 1;
	if (to_ns == 0) {
		c->from_ns = UINT64_MAX;
		c->last_ns = 0;
	}
	c->from_seq = 0;
	return rewind_to_start(c);
}

int trace_cursor_seek_seq(struct trace_cursor *c, uint64_t seq)
{
	c->from_ns = 0;
	c->last_ns = UINT64_MAX;
	c->from_seq = seq;
	return rewind_to_start(c);
}

void trace_cursor_filter(struct trace_cursor *c, uint64_t kind_mask)
{
	c->kinds = kind_mask;
	chunk_decoder_project(c->decoder, c->kinds, c->columns);
}

void trace_cursor_project(struct trace_cursor *c, uint32_t columns)
{
	c->columns = columns;
	chunk_decoder_project(c->decoder, c->kinds, c->columns);
}

static bool row_wanted(const struct trace_cursor *c, const struct chunk_row *row)
{
	uint32_t counts[CHUNK_KINDS_MAX];

	/* what cannot be believed is left to decoding, which says why */
	if (row->events == 0 || row->events > CHUNK_EVENTS_MAX || row->t_min_ns > row->t_max_ns)
		return true;
	if (row->t_max_ns < c->from_ns || row->t_min_ns > c->last_ns || row->first_seq + row->events <= c->from_seq)
		return false;
	if (c->kinds == TRACE_KINDS_ALL || chunk_parse_kinds(row->kind_events, counts))
		return true;
	for (unsigned int k = 0; k < CHUNK_KINDS_MAX; k++) {
		if (counts[k] && (c->kinds & TRACE_KIND_BIT(k)))
			return true;
	}
	return false;
}

/* the same by the map of times and numbers, which knows nothing of kinds. Return: true if chunks were passed by */
static bool pass_by_map(struct trace_cursor *c)
{
	const struct timemap_row *row = timemap_pass(&c->trace->times, c->last_id, c->from_ns, c->last_ns, c->from_seq);

	if (!row)
		return false;
	c->last_id = row->id;
	c->next_seq = row->next_seq;
	return true;
}

/* pass by the chunk of the current row. Return: false if it may hold a wanted event, or cannot be believed */
static bool pass_row(struct trace_cursor *c)
{
	struct chunk_row row;
	const char *why;

	c->looked++;
	if (reader_chunk_row(c->heads, &row, &why) || row.id <= c->last_id || !reader_row_intact(c->heads) || row_wanted(c, &row))
		return false;
	if (c->next_seq != UINT64_MAX && c->next_seq != row.first_seq)
		return false;
	c->last_id = row.id;
	c->next_seq = row.first_seq + row.events;
	return true;
}

/* move in front of the next chunk that may hold a wanted event; where a row cannot be read, in front of that */
static void pass_unwanted(struct trace_cursor *c)
{
	bool jumped;

	if (!has_bounds(c) && c->kinds == TRACE_KINDS_ALL)
		return;
	pass_by_map(c);
	do {
		jumped = false;
		sqlite3_bind_int64(c->heads, 1, c->last_id);
		while (!jumped && sqlite3_step(c->heads) == SQLITE_ROW && pass_row(c))
			jumped = pass_by_map(c);
		sqlite3_reset(c->heads);
	} while (jumped);
}

static inline bool event_wanted(const struct trace_cursor *c, const struct trace_event *e)
{
	return e->t_ns >= c->from_ns && e->t_ns <= c->last_ns && (c->kinds & TRACE_KIND_BIT(e->kind));
}

/* ---- reading ---- */

/* @whole: all events at once */
static int decode_row(struct trace_cursor *c, bool whole, const char **why)
{
	struct chunk_row row;
	int err = reader_chunk_row(c->next, &row, why);

	c->last_id = sqlite3_column_int64(c->next, 0);
	if (err)
		return err;
	*why = "a column of its row has the wrong type";
	if (sqlite3_column_type(c->next, READER_CHUNK_COLUMNS) != SQLITE_BLOB)
		return -EBADMSG;
	row.data = sqlite3_column_blob(c->next, READER_CHUNK_COLUMNS);
	row.data_bytes = (size_t)sqlite3_column_bytes(c->next, READER_CHUNK_COLUMNS);
	c->decoded++;
	err = whole ? chunk_decode(c->decoder, &row, &c->events, why) : chunk_decode_columns(c->decoder, &row, why);
	if (err)
		return err;
	c->n = row.events;
	c->piece = 0;
	c->joined = whole ? row.events : 0;
	c->first_seq = row.first_seq;
	c->at = c->from_seq > row.first_seq ? c->from_seq - row.first_seq : 0;
	c->at = c->at < c->n ? c->at : c->n;
	if (c->next_seq != UINT64_MAX && row.first_seq != c->next_seq) {
		*why = "chunks before it are missing";
		err = -ENOENT;
	}
	c->next_seq = row.first_seq + row.events;
	return err;
}

/* true if SQLite can look for chunks behind @id, whether there are any or not */
static bool readable_behind(struct trace_cursor *c, int64_t id)
{
	int code;
	bool ok;

	sqlite3_bind_int64(c->next, 1, id);
	code = sqlite3_step(c->next);
	/* a damaged tree can also lead back to what stands before */
	ok = code == SQLITE_DONE || (code == SQLITE_ROW && sqlite3_column_int64(c->next, 0) > id);
	sqlite3_reset(c->next);
	return ok;
}

/*
 * SQLite itself cannot read what follows @last_id. A damaged page hides a range of ids: find its end by steps that double, then halve.
 */
static void pass_unreadable(struct trace_cursor *c)
{
	int64_t bad = c->last_id, step = 1, good;

	while (step < INT64_MAX / 4 && bad < INT64_MAX / 2 && !readable_behind(c, bad + step))
		step *= 2;
	good = bad < INT64_MAX / 2 ? bad + step : INT64_MAX;
	while (good - bad > 1) {
		int64_t middle = bad + (good - bad) / 2;

		if (readable_behind(c, middle))
			good = middle;
		else
			bad = middle;
	}
	c->last_id = good;
	c->exhausted = !readable_behind(c, good);
}

/*
 * Load the next chunk. Return: 1; 0 if there is none; -EBADMSG if it is damaged; -ENOENT if it is loaded but chunks before it are missing;
 * other negative errno.
 */
static int load_chunk(struct trace_cursor *c, bool whole, const char **why)
{
	int code, err;

	c->n = c->at = 0;
	if (c->exhausted)
		return 0;
	sqlite3_bind_int64(c->next, 1, c->last_id);
	code = sqlite3_step(c->next);
	if (code == SQLITE_ROW && sqlite3_column_int64(c->next, 0) > c->last_id) {
		err = decode_row(c, whole, why);
		sqlite3_reset(c->next);
		return err ? err : 1;
	}
	err = code == SQLITE_ROW ? -EBADMSG : sql_error(c->trace->db, code);
	sqlite3_reset(c->next);
	*why = "its row cannot be read: the file is damaged or its disk fails";
	if (err == -EBADMSG) {
		c->trace->unreadable = true;
		pass_unreadable(c);
	} else if (err) {
		*why = strerror(-err);
	}
	return err;
}

static void pass_damaged(struct trace_cursor *c)
{
	c->damaged++;
	c->next_seq = UINT64_MAX;
}

int cursor_next_chunk(struct trace_cursor *c, const struct trace_event **events, uint64_t *n, uint64_t *seq, const char **why)
{
	int err = load_chunk(c, true, why);

	if (err == 0)
		return 0;
	if (err < 0 && err != -ENOENT) {
		pass_damaged(c);
		return err;
	}
	*events = c->events;
	*n = c->n;
	*seq = c->first_seq;
	return 1;
}

/* the piece that holds the next event */
static void join_on(struct trace_cursor *c)
{
	do {
		uint64_t left = c->n - c->joined;
		uint32_t n = left < CHUNK_PIECE_EVENTS ? (uint32_t)left : CHUNK_PIECE_EVENTS;

		c->events = chunk_join(c->decoder, n);
		c->piece = c->joined;
		c->joined += n;
	} while (c->joined <= c->at);
}

int trace_next(struct trace_cursor *c, struct trace_event *event, char *error)
{
	const char *why = "";
	int err;

	for (;;) {
		while (c->at < c->n) {
			const struct trace_event *e;

			if (__builtin_expect(c->at >= c->joined, 0))
				join_on(c);
			e = &c->events[c->at++ - c->piece];
			if (event_wanted(c, e)) {
				*event = *e;
				return 1;
			}
		}
		pass_unwanted(c);
		err = load_chunk(c, false, &why);
		if (err == 0)
			return 0;
		if (err > 0 || err == -ENOENT)
			continue;
		if (err == -EBADMSG && c->skip_damaged) {
			pass_damaged(c);
			continue;
		}
		return trace_fail(error, err, "chunk %lld: %s", (long long)c->last_id, why);
	}
}

void trace_on_verified(struct trace *t, void (*fn)(uint64_t seq))
{
	t->verified = fn;
}

int64_t trace_verify(struct trace *t, void (*report)(void *ctx, int64_t chunk, const char *why), void *ctx)
{
	struct trace_cursor *c;
	int64_t damaged;
	int err = trace_cursor_open(t, true, &c);

	if (err)
		return err;
	for (;;) {
		const char *why = "";

		err = load_chunk(c, false, &why);
		if (err > 0 && t->verified)
			t->verified(c->next_seq);
		if (err > 0)
			continue;
		if (err != -ENOENT && err != -EBADMSG && err != -ENOTSUP)
			break; /* 0 is the end */
		if (report)
			report(ctx, c->last_id, why);
		if (err == -ENOENT)
			c->damaged++;
		else
			pass_damaged(c);
		err = 0;
	}
	damaged = (int64_t)c->damaged;
	trace_cursor_close(c);
	return err ? err : damaged;
}
