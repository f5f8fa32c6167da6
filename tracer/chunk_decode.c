/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/chunk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tracer/chunk_head.h"
#include "tracer/chunk_lz4.h"
#include "tracer/coded.h"
#include "tracer/column.h"
#include "tracer/split.h"
#include "tracer/tracer.h"
#include "tracer/undo.h"

#define COMMON_COLUMNS 4u
#define DECODER_COLUMNS (COMMON_COLUMNS + TRACE_ARGS_MAX)
#define WORK_COLUMNS 4u /* @time, @by_class, @others, @undo_rows */

/**
 * struct chunk_decoder - buffers as large as the largest chunk so far, and what is wanted.
 * @column: values: kind, time, device, status in the order of events, then one per argument, grouped by kind
 * @time:   times once more, grouped by kind; found where a column first needs them, @timed tells
 * @by_class: rows of a column that lies by classes; @others: of what its first class goes by
 * @undo_rows: of the kind that is being decoded, as undo_resolve() makes them; @undo_known tells
 * @start:  @start[k] … @start[k + 1] - 1 are the rows of kind k in the columns of arguments
 * @entry:  of the arguments of the kind that is being decoded and of the one before it, [kind & 1]; a NULL body: none. UNDO_COLUMN: references
 * @args:   of each kind, how many arguments are not 0 in every event
 * @next:   row in the columns of arguments of the next event of each kind; @joined events have been made
 * @filled: of each kind, the arguments whose column is in place
 */
struct chunk_decoder {
	uint64_t *rows; /* all of the columns */
	uint64_t *column[DECODER_COLUMNS], *time, *by_class, *others, *undo_rows;
	bool timed, undo_known;
	uint32_t start[CHUNK_KINDS_MAX + 1];
	uint32_t counts[CHUNK_KINDS_MAX];
	uint8_t args[CHUNK_KINDS_MAX];
	uint32_t next[CHUNK_KINDS_MAX], joined;
	struct head_entry entry[2][CHUNK_ARGS_MAX];
	uint8_t filled[CHUNK_KINDS_MAX];
	struct trace_event *events, piece[CHUNK_PIECE_EVENTS];
	uint32_t rows_room, events_room;
	uint8_t *raw;
	size_t raw_room;
	uint64_t wanted_kinds;
	uint32_t wanted_columns;
	struct coded_scratch coded;
};

struct chunk_decoder *chunk_decoder_new(void)
{
	struct chunk_decoder *d = calloc(1, sizeof(*d));

	if (d)
		chunk_decoder_project(d, TRACE_KINDS_ALL, TRACE_COLUMNS_ALL);
	return d;
}

void chunk_decoder_project(struct chunk_decoder *d, uint64_t kinds, uint32_t columns)
{
	d->wanted_kinds = kinds;
	d->wanted_columns = columns;
}

void chunk_decoder_free(struct chunk_decoder *d)
{
	if (!d)
		return;
	free(d->rows);
	free(d->events);
	free(d->raw);
	free(d);
}

/* all pages of @bytes at @at that are whole, at once: to fault for each of them takes longer than to fill them */
static void touch(void *at, size_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)at + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)at + bytes) & ~(page - 1);

	/* where the kernel does not know it (before 5.14), they are faulted in as ever */
	if (first < end)
		(void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}

static int reserve(struct chunk_decoder *d, uint32_t events, size_t raw_bytes)
{
	if (events > d->rows_room) {
		size_t apart = events + CHUNK_ROWS_APART;

		free(d->rows);
		d->rows_room = 0;
		d->rows = malloc((DECODER_COLUMNS + WORK_COLUMNS) * apart * sizeof(*d->rows));
		if (!d->rows)
			return -ENOMEM;
		touch(d->rows, (DECODER_COLUMNS + 1) * apart * sizeof(*d->rows));
		for (unsigned int i = 0; i < DECODER_COLUMNS; i++)
			d->column[i] = d->rows + i * apart;
		d->time = d->rows + DECODER_COLUMNS * apart;
		d->by_class = d->time + apart;
		d->others = d->by_class + apart;
		d->undo_rows = d->others + apart;
		d->rows_room = events;
	}
	if (raw_bytes > d->raw_room) {
		free(d->raw);
		d->raw = malloc(raw_bytes);
		d->raw_room = d->raw ? raw_bytes : 0;
	}
	return d->raw ? 0 : -ENOMEM;
}

/* ---- the row ---- */

static int check_row(const struct chunk_row *row, const char **why)
{
	*why = "a number in its row is out of range";
	if (row->events == 0 || row->events > CHUNK_EVENTS_MAX || row->data_bytes == 0 || row->data_bytes > CHUNK_DATA_MAX ||
	    strlen(row->kind_events) >= CHUNK_KINDS_TEXT_BYTES || row->t_min_ns > row->t_max_ns)
		return -EBADMSG;
	*why = "its checksum is wrong";
	if (row->checksum != chunk_checksum(row))
		return -EBADMSG;
	*why = "its unpacked size is out of range";
	if (row->raw_bytes == 0 || row->raw_bytes > CHUNK_RAW_MAX)
		return -EBADMSG;
	*why = "its compression is not known to this version of egpu";
	return row->codec == CHUNK_STORED || row->codec == CHUNK_LZ4 ? 0 : -ENOTSUP;
}

static int decompress(struct chunk_decoder *d, const struct chunk_row *row, const char **why)
{
	*why = "its data do not decompress to the size its row states";
	if (row->codec == CHUNK_LZ4)
		return chunk_lz4_unpack(row->data, row->data_bytes, d->raw, row->raw_bytes) ? 0 : -EBADMSG;
	if (row->data_bytes != row->raw_bytes)
		return -EBADMSG;
	memcpy(d->raw, row->data, row->data_bytes);
	return 0;
}

/* ---- common columns ---- */

static int check_kinds(struct chunk_decoder *d, uint32_t n, const char **why)
{
	const uint64_t *kind = d->column[CHUNK_COLUMN_KIND];
	uint32_t seen[CHUNK_KINDS_MAX] = { 0 };

	*why = "its kinds are not those its row states";
	for (uint32_t i = 0; i < n; i++) {
		if (kind[i] == 0 || kind[i] >= CHUNK_KINDS_MAX)
			return -EBADMSG;
		seen[kind[i]]++;
	}
	if (memcmp(seen, d->counts, sizeof(seen)) != 0)
		return -EBADMSG;
	d->start[0] = 0;
	for (unsigned int k = 0; k < CHUNK_KINDS_MAX; k++)
		d->start[k + 1] = d->start[k] + seen[k];
	return 0;
}

static int check_times(const struct chunk_decoder *d, const struct chunk_row *row, const char **why)
{
	uint64_t min = UINT64_MAX, max = 0;

	for (uint32_t i = 0; i < row->events; i++) {
		uint64_t t = d->column[CHUNK_COLUMN_T_NS][i];

		min = t < min ? t : min;
		max = t > max ? t : max;
	}
	*why = "its times are not those its row states";
	return min == row->t_min_ns && max == row->t_max_ns ? 0 : -EBADMSG;
}

static int check_devices(const struct chunk_decoder *d, uint32_t n, const char **why)
{
	uint64_t bits = 0;

	*why = "a device number is out of range";
	for (uint32_t i = 0; i < n; i++)
		bits |= d->column[CHUNK_COLUMN_DEVICE][i];
	return bits > UINT16_MAX ? -EBADMSG : 0;
}

/* a 32-bit zigzag number, which is what every writer makes of a status */
static int check_status(const struct chunk_decoder *d, uint32_t n, const char **why)
{
	uint64_t bits = 0;

	*why = "a status is out of range";
	for (uint32_t i = 0; i < n; i++)
		bits |= d->column[CHUNK_COLUMN_STATUS][i];
	return bits > UINT32_MAX ? -EBADMSG : 0;
}

static int check_common(struct chunk_decoder *d, const struct chunk_row *row, unsigned int column, const char **why)
{
	switch (column) {
	case CHUNK_COLUMN_KIND: return check_kinds(d, (uint32_t)row->events, why);
	case CHUNK_COLUMN_T_NS: return check_times(d, row, why);
	case CHUNK_COLUMN_DEVICE: return check_devices(d, (uint32_t)row->events, why);
	}
	return check_status(d, (uint32_t)row->events, why);
}

/* ---- columns ---- */

static int unpack_whole(struct chunk_decoder *d, const struct head_entry *entry, uint64_t *values, uint32_t rows, const uint64_t *other)
{
	if (entry->encoding == COLUMN_CODED)
		return coded_decode(&d->coded, entry->body, entry->bytes, values, rows, other);
	return column_decode(entry->encoding, entry->body, entry->bytes, values, rows);
}

/* where rows of each class lie: @start[c] … @start[c + 1] - 1; @other: what the rows of the first may go by, or NULL */
struct classes {
	const uint32_t *start;
	unsigned int n;
	const uint64_t *other;
};

/* classes that have rows: from @head on what each takes, then their bodies in the same order */
static int unpack_classes(struct chunk_decoder *d, const struct head_entry *entry, size_t head, const struct classes *c)
{
	size_t at = head;
	struct head_entry one;
	unsigned int k;
	int err = 0;

	for (k = 0; k < c->n; k++) {
		if (c->start[k] != c->start[k + 1] && !head_class(entry, &at, &one))
			return -EBADMSG;
	}
	for (k = 0; k < c->n && !err; k++) {
		uint32_t rows = c->start[k + 1] - c->start[k];

		if (rows == 0)
			continue;
		head_class(entry, &head, &one);
		if (one.bytes > entry->bytes - at)
			return -EBADMSG;
		one.body = entry->body + at;
		at += one.bytes;
		err = unpack_whole(d, &one, d->by_class + c->start[k], rows, k == 0 ? c->other : NULL);
	}
	return err ? err : at == entry->bytes ? 0 : -EBADMSG;
}

static int unpack_split(struct chunk_decoder *d, const struct head_entry *entry, uint64_t *values, uint32_t rows, const uint64_t *other)
{
	struct split s;
	int err;

	if (entry->bytes < SPLIT_CLASSES_AT || entry->body[0] > 1 || entry->body[2] > 63 || !other)
		return -EBADMSG;
	split_init(&s, other, rows, entry->body[2]);
	err = unpack_classes(d, entry, SPLIT_CLASSES_AT, &(struct classes){ s.start, SPLIT_CLASSES, NULL });
	if (!err)
		split_scatter(&s, d->by_class, rows, entry->body[0], values);
	return err;
}

/* Return: @err, and why */
static int undecodable(int err, const char **why)
{
	if (err)
		*why = err == -ENOTSUP ? "a column's encoding is not known to this version of egpu" : "a column does not decode";
	return err;
}

static int unpack(struct chunk_decoder *d, const struct head_entry *entry, uint64_t *values, uint32_t rows, const uint64_t *other,
		  const char **why)
{
	int err;

	if (entry->encoding == COLUMN_SPLIT)
		err = unpack_split(d, entry, values, rows, other);
	else
		err = unpack_whole(d, entry, values, rows, other);
	return undecodable(err, why);
}

/* Return: as coded_other(); SPLIT_BY_KIND if it goes by the kinds of all events */
static int other_of(const struct head_entry *entry)
{
	if (!entry->body)
		return -1;
	if (entry->encoding == COLUMN_CODED)
		return coded_other(entry->body, entry->bytes);
	return entry->encoding == COLUMN_SPLIT && entry->bytes >= SPLIT_CLASSES_AT ? entry->body[1] : -1;
}

static uint64_t *arg_rows(const struct chunk_decoder *d, unsigned int kind, unsigned int arg)
{
	return d->column[COMMON_COLUMNS + arg] + d->start[kind];
}

static struct head_entry *arg_entry(struct chunk_decoder *d, unsigned int kind, unsigned int arg)
{
	return &d->entry[kind & 1][arg];
}

static int unpack_arg(struct chunk_decoder *d, unsigned int kind, unsigned int arg, const uint64_t *other, const char **why)
{
	const struct head_entry *entry = arg_entry(d, kind, arg);
	uint32_t rows = d->counts[kind];
	int err = 0;

	if (d->filled[kind] & 1u << arg)
		return 0;
	if (entry->body)
		err = unpack(d, entry, arg_rows(d, kind, arg), rows, other, why);
	else
		memset(arg_rows(d, kind, arg), 0, rows * sizeof(uint64_t));
	if (!err)
		d->filled[kind] |= (uint8_t)(1u << arg);
	return err;
}

static const uint64_t *time_rows(struct chunk_decoder *d, unsigned int kind)
{
	uint32_t next[CHUNK_KINDS_MAX], n = d->start[CHUNK_KINDS_MAX];

	memcpy(next, d->start, sizeof(next));
	for (uint32_t i = 0; !d->timed && i < n; i++)
		d->time[next[d->column[CHUNK_COLUMN_KIND][i]]++] = d->column[CHUNK_COLUMN_T_NS][i];
	d->timed = true;
	return d->time + d->start[kind];
}

/* which map each unmap ends, if that is not known yet */
static int find_undo_rows(struct chunk_decoder *d, unsigned int kind)
{
	const struct head_entry *refs = arg_entry(d, kind, UNDO_COLUMN);
	uint32_t rows = d->counts[kind];
	int err = 0;

	if (d->undo_known)
		return 0;
	if (refs->body)
		err = unpack_whole(d, refs, d->undo_rows, rows, NULL);
	else
		memset(d->undo_rows, 0, rows * sizeof(uint64_t));
	if (!err && !undo_resolve(kind, d->column[CHUNK_COLUMN_KIND], d->start[CHUNK_KINDS_MAX], d->undo_rows))
		err = -EBADMSG;
	d->undo_known = !err;
	return err;
}

/* whether the @first of @rows rows, those that end no map of the chunk, go by their gpa */
static bool first_go_by_gpa(const struct head_entry *entry, uint32_t first, uint32_t rows)
{
	struct head_entry one, other;
	size_t at = 0;

	if (!first || !head_class(entry, &at, &one) || (first != rows && !head_class(entry, &at, &other)) || one.bytes > entry->bytes - at)
		return false;
	return one.encoding == COLUMN_CODED && coded_other(entry->body + at, one.bytes) == TRACE_REQ_GPA;
}

static int decode_arg(struct chunk_decoder *d, unsigned int kind, unsigned int arg, const char **why);

/* an argument of unmaps, and before it the same one of maps. Those are never told by what they undo, and gpa goes by no other: it goes no deeper */
static int unpack_undo(struct chunk_decoder *d, unsigned int kind, unsigned int arg, const char **why)
{
	const struct head_entry *entry = arg_entry(d, kind, arg);
	const uint64_t *undone = arg_rows(d, kind - 1, arg), *gpas = arg_rows(d, kind, TRACE_REQ_GPA);
	uint32_t rows = d->counts[kind], start[] = { 0, 0, rows };
	struct classes classes = { start, 2, NULL };
	int err;

	if (d->filled[kind] & 1u << arg)
		return 0;
	err = undo_kind(kind) ? find_undo_rows(d, kind) : -EBADMSG;
	if (!err && d->counts[kind - 1])
		err = decode_arg(d, kind - 1, arg, why);
	if (err)
		return undecodable(err, why);
	for (uint32_t i = 0; i < rows; i++)
		start[1] += d->undo_rows[i] == 0;
	if (arg != TRACE_REQ_GPA && first_go_by_gpa(entry, start[1], rows)) {
		err = decode_arg(d, kind, TRACE_REQ_GPA, why);
		undo_gather(d->undo_rows, rows, gpas, NULL, d->others);
		classes.other = d->others;
	}
	if (!err)
		err = unpack_classes(d, entry, 0, &classes);
	if (!err) {
		undo_scatter(d->undo_rows, rows, d->by_class, start[1], undone, arg_rows(d, kind, arg));
		d->filled[kind] |= (uint8_t)(1u << arg);
	}
	return undecodable(err, why);
}

/* an argument's column, and before it the one that it is an offset to; that must stand by itself, so this goes no deeper */
static int decode_arg(struct chunk_decoder *d, unsigned int kind, unsigned int arg, const char **why)
{
	const struct head_entry *entry = arg_entry(d, kind, arg);
	int other = other_of(entry), err;

	if (other == CODED_OTHER_TIME)
		return unpack_arg(d, kind, arg, time_rows(d, kind), why);
	if (entry->body && entry->encoding == COLUMN_UNDO)
		return unpack_undo(d, kind, arg, why);
	if (other < 0)
		return unpack_arg(d, kind, arg, NULL, why);
	*why = "a column does not decode";
	if ((unsigned int)other >= arg)
		return -EBADMSG;
	err = unpack_arg(d, kind, (unsigned int)other, NULL, why);
	return err ? err : unpack_arg(d, kind, arg, arg_rows(d, kind, (unsigned int)other), why);
}

static int decode_kind(struct chunk_decoder *d, unsigned int kind, const char **why)
{
	bool wanted = d->wanted_kinds & TRACE_KIND_BIT(kind);
	int err = 0;

	d->undo_known = false;
	d->filled[kind] = 0;
	d->args[kind] = 0;
	for (unsigned int arg = 0; !err && wanted && arg < TRACE_ARGS_MAX; arg++) {
		if (!(d->wanted_columns & TRACE_COLUMN_ARG(arg)))
			continue;
		err = decode_arg(d, kind, arg, why);
		if (arg_entry(d, kind, arg)->body)
			d->args[kind] = (uint8_t)(arg + 1);
	}
	return err;
}

/* what was not asked for is zero, also where it was needed to find something else */
static void clear_unwanted(struct chunk_decoder *d)
{
	for (unsigned int kind = 1; kind < CHUNK_KINDS_MAX; kind++) {
		for (unsigned int arg = 0; d->counts[kind] && arg < d->args[kind]; arg++) {
			if (!(d->filled[kind] & 1u << arg) || !(d->wanted_columns & TRACE_COLUMN_ARG(arg)))
				memset(arg_rows(d, kind, arg), 0, d->counts[kind] * sizeof(uint64_t));
		}
	}
}

static bool common_wanted(const struct chunk_decoder *d, unsigned int column)
{
	switch (column) {
	case CHUNK_COLUMN_DEVICE: return d->wanted_columns & TRACE_COLUMN_DEVICE;
	case CHUNK_COLUMN_STATUS: return d->wanted_columns & TRACE_COLUMN_STATUS;
	}
	return true;
}

/* ---- all columns ---- */

static int decode_common(struct chunk_decoder *d, const struct chunk_row *row, struct chunk_head *w, const char **why)
{
	for (unsigned int column = 0; column < COMMON_COLUMNS; column++) {
		bool there = w->entry.column == column, by_kind;
		int err;

		if (there && common_wanted(d, column)) {
			by_kind = column != CHUNK_COLUMN_KIND && other_of(&w->entry) == SPLIT_BY_KIND;
			err = unpack(d, &w->entry, d->column[column], (uint32_t)row->events, by_kind ? d->column[CHUNK_COLUMN_KIND] : NULL, why);
			if (!err)
				err = check_common(d, row, column, why);
			if (err)
				return err;
		} else {
			memset(d->column[column], 0, row->events * sizeof(uint64_t));
		}
		if (there)
			head_next(w);
	}
	return 0;
}

static int decode_args(struct chunk_decoder *d, struct chunk_head *w, const char **why)
{
	for (unsigned int kind = 1; kind < CHUNK_KINDS_MAX; kind++) {
		int err;

		if (!d->counts[kind])
			continue;
		memset(d->entry[kind & 1], 0, sizeof(d->entry[0]));
		/* what lies between is of a later version */
		while (w->entry.column < CHUNK_ARGS_MAX * kind)
			head_next(w);
		for (; w->entry.column < CHUNK_ARGS_MAX * (kind + 1); head_next(w))
			*arg_entry(d, kind, w->entry.column % CHUNK_ARGS_MAX) = w->entry;
		err = decode_kind(d, kind, why);
		if (err)
			return err;
	}
	clear_unwanted(d);
	return 0;
}

/* the next @n events into @out */
static void join_columns(struct chunk_decoder *d, struct trace_event *out, uint32_t n)
{
	uint64_t *const *column = d->column, *const *arg = d->column + COMMON_COLUMNS;

	for (uint32_t i = d->joined; i < d->joined + n; i++) {
		struct trace_event *e = out++;
		uint32_t at;

		e->t_ns = column[CHUNK_COLUMN_T_NS][i];
		e->kind = (uint16_t)column[CHUNK_COLUMN_KIND][i];
		e->device = (uint16_t)column[CHUNK_COLUMN_DEVICE][i];
		e->status = (int32_t)unzigzag(column[CHUNK_COLUMN_STATUS][i]);
		at = d->next[e->kind]++;
		for (unsigned int a = 0; a < d->args[e->kind]; a++)
			e->arg[a] = arg[a][at];
		for (unsigned int a = d->args[e->kind]; a < TRACE_ARGS_MAX; a++)
			e->arg[a] = 0;
	}
	d->joined += n;
}

const struct trace_event *chunk_join(struct chunk_decoder *d, uint32_t n)
{
	join_columns(d, d->piece, n);
	return d->piece;
}

int chunk_decode_columns(struct chunk_decoder *d, const struct chunk_row *row, const char **why)
{
	struct chunk_head walk;
	int err = check_row(row, why);

	if (err)
		return err;
	*why = "no memory to unpack it";
	err = reserve(d, (uint32_t)row->events, row->raw_bytes);
	if (!err)
		err = decompress(d, row, why);
	if (err)
		return err;
	*why = "its list of columns is malformed";
	if (chunk_parse_kinds(row->kind_events, d->counts) || head_begin(&walk, d->raw, row->raw_bytes))
		return -EBADMSG;
	d->timed = false;
	err = decode_common(d, row, &walk, why);
	if (!err)
		err = decode_args(d, &walk, why);
	memcpy(d->next, d->start, sizeof(d->next));
	d->joined = 0;
	return err;
}

int chunk_decode(struct chunk_decoder *d, const struct chunk_row *row, const struct trace_event **events, const char **why)
{
	int err = chunk_decode_columns(d, row, why);

	if (err)
		return err;
	if (row->events > d->events_room) {
		free(d->events);
		d->events = malloc(row->events * sizeof(*d->events));
		d->events_room = d->events ? (uint32_t)row->events : 0;
	}
	*why = "no memory to unpack it";
	if (!d->events)
		return -ENOMEM;
	join_columns(d, d->events, (uint32_t)row->events);
	*events = d->events;
	return 0;
}
