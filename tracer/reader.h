/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * reader.h - an open trace file, as the parts of the reader share it.
 *
 * Purpose:  reader.c opens, checks and describes; cursor.c reads events. Nothing in a file is trusted: see the limits below and chunk.h.
 * Compiled: the tracer; private to reader.c and cursor.c.
 */
#ifndef EGPU_TRACER_READER_H
#define EGPU_TRACER_READER_H

#include <stdint.h>

#include "tracer/chunk.h"
#include "tracer/sql.h"
#include "tracer/timemap.h"
#include "tracer/tracer.h"

#define READER_META_MAX 4096u     /* rows of meta and of account each */
#define READER_TEXT_MAX (16u << 20) /* bytes of meta and of account each */
#define READER_PATH_BYTES 4096

/** struct text_row - a row of meta (key, value) or of account (what, note, count). */
struct text_row {
	char *first;
	char *second; /* may be NULL */
	uint64_t count;
};

struct text_table {
	struct text_row *rows;
	unsigned int n;
	size_t text_bytes;
	unsigned int damaged; /* rows left out because their checksum is wrong */
};

/** struct text_cache - texts of a table by id, fetched when first asked for, kept until the trace is closed. */
struct text_cache {
	sqlite3_stmt *find;
	char **text;
	unsigned int room;
};

struct trace {
	sqlite3 *db;
	unsigned int minor; /* of the file's format */
	bool unreadable;    /* SQLite found a page damaged; see trace_cursor_open() */
	struct text_table meta;
	struct text_table account;
	struct text_cache device_names;
	struct text_cache device_identities;
	struct text_cache strings;
	struct timemap times;
	void (*verified)(uint64_t seq);
};

/**
 * reader_chunk_columns() - to select a struct chunk_row; reader_chunk_row() takes it out of the current row of @stmt. The first column
 * behind them is number READER_CHUNK_COLUMNS.
 */
const char *reader_chunk_columns(const struct trace *t);

#define READER_CHUNK_COLUMNS 10

/** reader_chunk_row() - Return: 0; -EBADMSG with @why if a column has a type or size that none can have. Valid until the next step. */
int reader_chunk_row(sqlite3_stmt *stmt, struct chunk_row *row, const char **why);

/** reader_row_intact() - false if the checksum of the row without its data is wrong, so that it must not be used to pass the chunk by. */
bool reader_row_intact(sqlite3_stmt *stmt);

/** READER_CHECKPOINT_SQL - selects what reader_checkpoint_part() takes out of the current row. Return: 0; -EBADMSG … with @why. */
#define READER_CHECKPOINT_SQL \
	"SELECT id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum, head_checksum IS " SQL_CRC_CHECKPOINT \
	", data FROM main.checkpoint"
int reader_checkpoint_part(sqlite3_stmt *stmt, struct chunk_decoder *d, struct chunk_row *row, const struct trace_event **events,
			   const char **why);

/**
 * cursor_next_chunk() - all events of the next chunk, whatever the cursor's filters are.
 * @seq: number of the first
 * Return: 1; 0 at the end; -EBADMSG damaged, the next call goes on behind it; other negative errno; with @why.
 */
int cursor_next_chunk(struct trace_cursor *c, const struct trace_event **events, uint64_t *n, uint64_t *seq, const char **why);

#endif
