/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * chunk.h - a run of events as columns, compressed and checksummed: one row of the chunk table, see trace(5).
 *
 * Purpose:  turns up to CHUNK_EVENTS_MAX events into a row and back. Nothing in a row is trusted: each length meets a maximum before it is
 *           used, so a crafted row costs at most CHUNK_RAW_MAX + CHUNK_EVENTS_MAX events of memory and ends in an error.
 * Compiled: the tracer; private to it. Encoder and decoder hold buffers that live from call to call; one thread each.
 */
#ifndef EGPU_TRACER_CHUNK_H
#define EGPU_TRACER_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracer/event.h"

/* limits of the format, not of this implementation: a writer of any version stays below, a reader refuses what is above */
#define CHUNK_EVENTS_MAX 65536u
#define CHUNK_KINDS_MAX 256u          /* kinds are 1..255 */
#define CHUNK_ARGS_MAX 16u            /* argument columns per kind; this version uses TRACE_ARGS_MAX */
#define CHUNK_RAW_MAX (16u << 20)     /* columns before compression */
#define CHUNK_DATA_MAX (17u << 20)    /* after it; incompressible data grow a little */
#define CHUNK_KINDS_TEXT_BYTES 4096u  /* text of kind_events, NUL included */

enum chunk_codec {
	CHUNK_STORED = 0,
	CHUNK_LZ4 = 1, /* one LZ4 block */
};

/* rows between columns in memory: at a distance of a power of two all of them would lie in the same places of the cache */
#define CHUNK_ROWS_APART 24u

/* column numbers; an argument's is CHUNK_ARGS_MAX * kind + index */
enum chunk_column {
	CHUNK_COLUMN_KIND = 0,
	CHUNK_COLUMN_T_NS = 1,
	CHUNK_COLUMN_DEVICE = 2,
	CHUNK_COLUMN_STATUS = 3, /* zigzag */
	CHUNK_COLUMN_FIRST_ARG = CHUNK_ARGS_MAX,
};

/**
 * struct chunk_row - a row of the chunk table.
 * @kind_events: JSON object, kind number: count, ascending, e.g. {"5":100,"6":28}; NUL-terminated
 * @checksum:    chunk_checksum() of all the rest
 */
struct chunk_row {
	int64_t id;
	uint64_t first_seq, events, t_min_ns, t_max_ns;
	const char *kind_events;
	uint32_t codec;
	uint64_t raw_bytes;
	uint32_t checksum;
	const uint8_t *data;
	size_t data_bytes;
};

/** chunk_checksum() - CRC-32 (zlib's) over the row's numbers, its kind_events and its data. */
uint32_t chunk_checksum(const struct chunk_row *row);

/**
 * chunk_parse_kinds() - read kind_events.
 * @counts: CHUNK_KINDS_MAX of them, by kind; all are set
 *
 * Return: 0; -EBADMSG if the text is malformed, a kind or count is out of range, or kinds do not ascend.
 */
int chunk_parse_kinds(const char *text, uint32_t *counts);

struct chunk_encoder;

/**
 * chunk_encoder_new() - @thorough: as small as it gets, many times slower than recording can afford; else as small as the haste allows that a chunk's
 * number of events tells of.
 * Return: NULL without memory.
 */
struct chunk_encoder *chunk_encoder_new(bool thorough);
void chunk_encoder_free(struct chunk_encoder *e); /* NULL is allowed */

/**
 * chunk_encode() - make a row of @n events (1..CHUNK_EVENTS_MAX; kinds 1..255). Cannot fail: all memory is there already.
 * @row: @id and @first_seq are taken from it, all else is set; pointers in it are valid until the next call
 */
void chunk_encode(struct chunk_encoder *e, const struct trace_event *events, uint32_t n, struct chunk_row *row);

struct chunk_decoder;

struct chunk_decoder *chunk_decoder_new(void); /* NULL without memory */
void chunk_decoder_free(struct chunk_decoder *d); /* NULL is allowed */

/**
 * chunk_decoder_project() - what later calls unpack beside kind and time; all else reads as 0. At first everything.
 * @kinds, @columns: as trace_cursor_filter() and trace_cursor_project() take them
 */
void chunk_decoder_project(struct chunk_decoder *d, uint64_t kinds, uint32_t columns);

/**
 * chunk_decode() - check a row and unpack it.
 * @events: receives row->events of them, valid until the next call
 * @why:    receives the reason of an error; a literal
 *
 * Return: 0; -EBADMSG damaged; -ENOTSUP made by a later version (a codec or encoding that is not known here); -ENOMEM.
 */
int chunk_decode(struct chunk_decoder *d, const struct chunk_row *row, const struct trace_event **events, const char **why);

#define CHUNK_PIECE_EVENTS 256u /* few enough to stay in the cache until they are used */

/** chunk_decode_columns() - as chunk_decode(), but chunk_join() is to give the events. */
int chunk_decode_columns(struct chunk_decoder *d, const struct chunk_row *row, const char **why);

/** chunk_join() - the next @n events of the chunk, at most CHUNK_PIECE_EVENTS and as many as there are left. Return: valid until the next call. */
const struct trace_event *chunk_join(struct chunk_decoder *d, uint32_t n);

#endif
