/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/chunk.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/chunk_lz4.h"
#include "tracer/coded.h"
#include "tracer/column.h"
#include "tracer/split.h"
#include "tracer/undo.h"

/* what this encoder can need at most, by kinds and events; chunk_encode() asserts it */
#define ENCODER_COLUMNS_MAX (CHUNK_COLUMN_FIRST_ARG + CHUNK_KINDS_MAX * (TRACE_ARGS_MAX + 1u))
#define ENCODER_HEAD_BYTES (VARINT_BYTES_MAX + ENCODER_COLUMNS_MAX * (2 * VARINT_BYTES_MAX + 1))
#define ENCODER_BODY_BYTES ((size_t)CHUNK_EVENTS_MAX * sizeof(struct trace_event) + ENCODER_COLUMNS_MAX * VARINT_BYTES_MAX)
#define ENCODER_RAW_BYTES (ENCODER_HEAD_BYTES + ENCODER_BODY_BYTES)
#define COLUMN_BYTES_MAX ((size_t)CHUNK_EVENTS_MAX * 8 + VARINT_BYTES_MAX)

#define HABIT_CHUNKS 16u /* that a column is encoded by habit, before it is looked at anew */
#define HABIT_GROWTH 4u  /* times the rows it was made of, for which it is still believed */

#define COLUMN_ROWS (CHUNK_EVENTS_MAX + CHUNK_ROWS_APART)

#define SPLIT_HEAD_BYTES (SPLIT_CLASSES_AT + SPLIT_CLASSES * (1 + VARINT_BYTES_MAX))
#define SPLIT_BODY_BYTES ((size_t)CHUNK_EVENTS_MAX * 8 + SPLIT_CLASSES * VARINT_BYTES_MAX)

#define COLUMN_BYTES_SMALL 48u /* a column that small is not worth a search for a better encoding */
#define UNDO_SHARE 16u         /* of unmaps one in so many must end a map of the chunk, for it to be worth a look */

_Static_assert(ENCODER_RAW_BYTES <= CHUNK_RAW_MAX, "an encoder stays inside the format's limit");
_Static_assert(CHUNK_KINDS_MAX * 12 + 3 <= CHUNK_KINDS_TEXT_BYTES, "\"255\":65536, for each kind");
_Static_assert(TRACE_ARGS_MAX <= CHUNK_ARGS_MAX && TRACE_KINDS <= CHUNK_KINDS_MAX, "the event table fits the format");

/* how a column was last encoded best: @predictor took @bytes for @rows, and did well in the next @uses chunks too; no rows: another way was best */
struct habit {
	enum coded_predictor predictor;
	uint32_t rows, uses;
	size_t bytes;
};

/**
 * struct chunk_encoder - events as columns: @kind, @t_ns, @device and @status in the order of the events, @arg and @time (t_ns once more)
 * grouped by kind, rows @start[k] … @start[k + 1] - 1 being those of kind k.
 */
struct chunk_encoder {
	bool thorough, hurried;
	uint64_t kind[COLUMN_ROWS], t_ns[COLUMN_ROWS], device[COLUMN_ROWS], status[COLUMN_ROWS];
	uint64_t arg[TRACE_ARGS_MAX][COLUMN_ROWS], time[COLUMN_ROWS];
	uint64_t residues[CHUNK_EVENTS_MAX];
	uint16_t tokens[CHUNK_EVENTS_MAX];
	uint32_t start[CHUNK_KINDS_MAX + 1];
	uint8_t args[CHUNK_KINDS_MAX]; /* of each kind; the rest of @arg is not written */
	uint8_t head[ENCODER_HEAD_BYTES];
	size_t head_bytes;
	size_t body_bytes;
	uint32_t columns;
	char kinds[CHUNK_KINDS_TEXT_BYTES];
	struct habit habit[CHUNK_ARGS_MAX * CHUNK_KINDS_MAX];
	struct coded_scratch coded;
	uint8_t coded_body[COLUMN_BYTES_MAX + CODED_ROOM];
	uint64_t by_class[CHUNK_EVENTS_MAX], others[CHUNK_EVENTS_MAX];
	uint64_t undo_refs[CHUNK_EVENTS_MAX], undo_rows[CHUNK_EVENTS_MAX];
	struct undo undo;
	uint8_t class_bodies[SPLIT_BODY_BYTES], split_body[SPLIT_HEAD_BYTES + SPLIT_BODY_BYTES];
	uint8_t raw[ENCODER_RAW_BYTES];
	uint8_t packed[CHUNK_LZ4_BOUND(ENCODER_RAW_BYTES)];
};

static enum trace_form form_of(unsigned int kind, unsigned int arg)
{
	const struct trace_event_info *info = trace_event_info(kind);

	return info ? info->arg_form[arg] : TRACE_HEX;
}

/* arguments that a kind of event has, from the first to the last */
static uint8_t args_of(unsigned int kind)
{
	uint8_t n = TRACE_ARGS_MAX;

	while (n && form_of(kind, n - 1u) == TRACE_UNUSED)
		n--;
	return n;
}

struct chunk_encoder *chunk_encoder_new(bool thorough)
{
	struct chunk_encoder *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	memset(e->habit, 0, sizeof(e->habit));
	for (unsigned int k = 0; k < CHUNK_KINDS_MAX; k++)
		e->args[k] = args_of(k);
	e->thorough = thorough;
	e->coded.residues = e->residues;
	e->coded.tokens = e->tokens;
	return e;
}

void chunk_encoder_free(struct chunk_encoder *e)
{
	free(e);
}

/* ---- events to columns ---- */

static void find_starts(struct chunk_encoder *e, const struct trace_event *events, uint32_t n)
{
	memset(e->start, 0, sizeof(e->start));
	for (uint32_t i = 0; i < n; i++)
		e->start[events[i].kind + 1]++;
	for (uint32_t k = 0; k < CHUNK_KINDS_MAX; k++)
		e->start[k + 1] += e->start[k];
}

static void split_events(struct chunk_encoder *e, const struct trace_event *events, uint32_t n, struct chunk_row *row)
{
	uint64_t min = UINT64_MAX, max = 0;
	uint32_t next[CHUNK_KINDS_MAX];

	find_starts(e, events, n);
	memcpy(next, e->start, sizeof(next));
	for (uint32_t i = 0; i < n; i++) {
		const struct trace_event *event = &events[i];
		uint32_t at = next[event->kind]++;

		e->kind[i] = event->kind;
		e->t_ns[i] = event->t_ns;
		e->device[i] = event->device;
		e->status[i] = zigzag((uint64_t)(int64_t)event->status);
		e->time[at] = event->t_ns;
		for (unsigned int a = 0; a < e->args[event->kind]; a++)
			e->arg[a][at] = event->arg[a];
		min = event->t_ns < min ? event->t_ns : min;
		max = event->t_ns > max ? event->t_ns : max;
	}
	row->t_min_ns = min;
	row->t_max_ns = max;
}

/* ---- columns to bytes ---- */

/* what a row of @column takes at most; those of an event together what ENCODER_BODY_BYTES allows */
static uint64_t row_bytes_max(unsigned int column)
{
	switch (column) {
	case CHUNK_COLUMN_KIND:
		return 1;
	case CHUNK_COLUMN_DEVICE:
		return 2;
	case CHUNK_COLUMN_STATUS:
		return 5;
	default:
		return 8;
	}
}

/* what the rows of a column may be split by: @other is NULL for nothing; @arg: its number; @steps: as split_gather() */
struct class_by {
	const uint64_t *other;
	uint8_t arg;
	bool steps;
};

/* as the same column was in the chunk before, which saves the search for the best way. Return: bytes; 0 if it does not do as well as then */
static size_t put_by_habit(struct chunk_encoder *e, unsigned int column, const struct coded_column *c, uint8_t *body)
{
	uint64_t expected, limit = row_bytes_max(column) * c->n;
	struct habit *h = &e->habit[column];
	size_t bytes;

	/* few rows say little of many */
	if (!e->hurried || c->n / HABIT_GROWTH > h->rows || h->rows == 0 || h->uses++ == HABIT_CHUNKS)
		return 0;
	expected = (uint64_t)h->bytes * c->n / h->rows;
	expected += expected / 16 + COLUMN_BYTES_SMALL;
	bytes = coded_encode(&e->coded, c, &h->predictor, e->coded_body, expected < limit ? expected : limit);
	if (bytes == 0 || bytes > limit)
		return 0;
	memcpy(body, e->coded_body, bytes);
	return bytes;
}

/* what is left of @bytes when the chunk is packed */
static size_t packed_bytes(struct chunk_encoder *e, const uint8_t *body, size_t bytes)
{
	size_t packed = chunk_lz4_pack(body, bytes, e->packed, sizeof(e->packed), e->thorough);

	return packed < bytes ? packed : bytes;
}

/* all rows in one way, the best. Return: bytes; @predictor is the one that was used, if any */
static size_t put_whole(struct chunk_encoder *e, const struct coded_column *c, uint8_t *body, enum column_encoding *encoding,
			enum coded_predictor *predictor)
{
	size_t bytes = column_encode(c->values, c->n, body, encoding), packed, coded;

	*predictor = CODED_PREDICTORS;
	if (bytes <= COLUMN_BYTES_SMALL)
		return bytes;
	packed = packed_bytes(e, body, bytes);
	coded = coded_encode(&e->coded, c, predictor, e->coded_body, packed);
	if (coded == 0 || coded >= packed)
		return bytes;
	memcpy(body, e->coded_body, coded);
	*encoding = COLUMN_CODED;
	return coded;
}

/* one more class in the best way for it: its head at *@head of @split_body, its body at *@bodies of @class_bodies */
static void put_class(struct chunk_encoder *e, const struct coded_column *c, size_t *head, size_t *bodies)
{
	enum coded_predictor predictor;
	enum column_encoding encoding;
	size_t bytes;

	if (c->n == 0)
		return;
	bytes = put_whole(e, c, e->class_bodies + *bodies, &encoding, &predictor);
	e->split_body[(*head)++] = (uint8_t)encoding;
	*head += varint_put(e->split_body + *head, bytes);
	*bodies += bytes;
}

/* classes one after the other, in @split_body. Return: bytes */
static size_t put_classes(struct chunk_encoder *e, const struct coded_column *c, const struct class_by *by)
{
	size_t head = 0, bodies = 0;
	struct split s;

	split_init(&s, by->other, c->n, coded_shift(by->other, c->n, NULL));
	split_gather(&s, c->values, c->n, by->steps, e->by_class);
	e->split_body[head++] = (uint8_t)by->steps;
	e->split_body[head++] = by->arg;
	e->split_body[head++] = (uint8_t)s.shift;
	for (unsigned int k = 0; k < SPLIT_CLASSES; k++) {
		struct coded_column one = { .values = e->by_class + s.start[k], .n = s.start[k + 1] - s.start[k], .all = c->all };

		put_class(e, &one, &head, &bodies);
	}
	memcpy(e->split_body + head, e->class_bodies, bodies);
	return head + bodies;
}

/* in the best of all ways */
static size_t put_best(struct chunk_encoder *e, unsigned int column, const struct coded_column *c, const struct class_by *by, uint8_t *body,
		       enum column_encoding *encoding)
{
	enum coded_predictor predictor;
	size_t bytes = put_whole(e, c, body, encoding, &predictor), split;

	e->habit[column] = (struct habit){ predictor, *encoding == COLUMN_CODED ? c->n : 0, 0, bytes };
	if (e->hurried || !by->other || bytes <= COLUMN_BYTES_SMALL)
		return bytes;
	split = put_classes(e, c, by);
	if (split > row_bytes_max(column) * c->n || packed_bytes(e, e->split_body, split) >= packed_bytes(e, body, bytes))
		return bytes;
	memcpy(body, e->split_body, split);
	*encoding = COLUMN_SPLIT;
	return split;
}

/* the body grows behind room for the head, so that the head, whose size is known last, can be put right in front of it */
static uint8_t *next_body(struct chunk_encoder *e)
{
	return e->raw + ENCODER_HEAD_BYTES + e->body_bytes;
}

/* what stands in next_body() is @bytes of @column */
static void enter_column(struct chunk_encoder *e, unsigned int column, enum column_encoding encoding, size_t bytes)
{
	e->body_bytes += bytes;
	e->head_bytes += varint_put(e->head + e->head_bytes, column);
	e->head[e->head_bytes++] = (uint8_t)encoding;
	e->head_bytes += varint_put(e->head + e->head_bytes, bytes);
	e->columns++;
}

static void add_column(struct chunk_encoder *e, unsigned int column, const struct coded_column *c, const struct class_by *by)
{
	enum column_encoding encoding = COLUMN_CODED;
	size_t bytes = put_by_habit(e, column, c, next_body(e));

	if (bytes == 0)
		bytes = put_best(e, column, c, by, next_body(e), &encoding);
	enter_column(e, column, encoding, bytes);
}

/* of an argument of unmaps: those that end no map of this chunk, then the difference of the others to theirs */
static void add_undoing_column(struct chunk_encoder *e, unsigned int column, const struct coded_column *c, const uint64_t *undone)
{
	uint32_t first = undo_gather(e->undo_rows, c->n, c->values, undone, e->by_class);
	struct coded_column one = { .values = e->by_class, .n = first, .other_arg = c->other_arg, .all = c->all };
	struct coded_column other = { .values = e->by_class + first, .n = c->n - first, .all = c->all };
	size_t head = 0, bodies = 0;

	assert(!c->other || c->other_arg == TRACE_REQ_GPA); /* as the format has it */
	if (c->other) {
		undo_gather(e->undo_rows, c->n, c->other, NULL, e->others);
		one.other = e->others;
	}
	put_class(e, &one, &head, &bodies);
	put_class(e, &other, &head, &bodies);
	memcpy(next_body(e), e->split_body, head);
	memcpy(next_body(e) + head, e->class_bodies, bodies);
	enter_column(e, column, COLUMN_UNDO, head + bodies);
}

static void add_common_columns(struct chunk_encoder *e, uint32_t n)
{
	const struct class_by none = { 0 }, kind = { e->kind, SPLIT_BY_KIND, false }, kind_steps = { e->kind, SPLIT_BY_KIND, true };
	struct coded_column c = { .n = n, .all = e->thorough };

	c.values = e->kind;
	add_column(e, CHUNK_COLUMN_KIND, &c, &none);
	c.values = e->t_ns;
	add_column(e, CHUNK_COLUMN_T_NS, &c, &kind_steps);
	c.values = e->device;
	add_column(e, CHUNK_COLUMN_DEVICE, &c, &kind);
	c.values = e->status;
	add_column(e, CHUNK_COLUMN_STATUS, &c, &kind);
}

/* the first address or register offset among the arguments before @arg */
static bool address_before(unsigned int kind, unsigned int arg, uint8_t *before)
{
	for (*before = 0; *before < arg; (*before)++) {
		if (form_of(kind, *before) == TRACE_HEX)
			return true;
	}
	return false;
}

/* arguments of the events of @kind; @undo: by what they undo, as @undo_rows says */
static void add_args(struct chunk_encoder *e, unsigned int kind, bool undo)
{
	uint32_t first = e->start[kind], n = e->start[kind + 1] - first;

	for (unsigned int arg = 0; arg < e->args[kind]; arg++) {
		struct coded_column c = { .values = e->arg[arg] + first, .n = n, .all = e->thorough };

		if (form_of(kind, arg) == TRACE_UNUSED)
			continue;
		/* a function of an address before it: what that is mapped to, what a register there holds */
		if (form_of(kind, arg) == TRACE_HEX && address_before(kind, arg, &c.other_arg))
			c.other = e->arg[c.other_arg] + first;
		if (form_of(kind, arg) == TRACE_NS)
			c.time = e->time + first;
		if (undo && undo_arg(kind, arg))
			add_undoing_column(e, CHUNK_ARGS_MAX * kind + arg, &c, e->arg[arg] + e->start[kind - 1]);
		else
			add_column(e, CHUNK_ARGS_MAX * kind + arg, &c, &(struct class_by){ c.other, c.other_arg, false });
	}
	if (undo)
		add_column(e, CHUNK_ARGS_MAX * kind + UNDO_COLUMN, &(struct coded_column){ .values = e->undo_refs, .n = n, .all = e->thorough },
			   &(struct class_by){ 0 });
}

/* fill @undo_refs and @undo_rows. Return: whether enough unmaps end maps of this chunk */
static bool find_undone(struct chunk_encoder *e, unsigned int kind, uint32_t events)
{
	const uint64_t *maps[UNDO_KEYS], *unmaps[UNDO_KEYS];
	uint32_t n = e->start[kind + 1] - e->start[kind];

	for (unsigned int a = 0; a < UNDO_KEYS; a++) {
		maps[a] = e->arg[a] + e->start[kind - 1];
		unmaps[a] = e->arg[a] + e->start[kind];
	}
	if (undo_find(&e->undo, kind, e->kind, events, maps, unmaps, e->undo_refs) <= n / UNDO_SHARE)
		return false;
	memcpy(e->undo_rows, e->undo_refs, n * sizeof(*e->undo_rows));
	return undo_resolve(kind, e->kind, events, e->undo_rows);
}

/* a place between columns */
struct column_mark {
	size_t head_bytes, body_bytes;
	uint32_t columns;
};

static struct column_mark mark(const struct chunk_encoder *e)
{
	return (struct column_mark){ e->head_bytes, e->body_bytes, e->columns };
}

static void take_back(struct chunk_encoder *e, struct column_mark to)
{
	e->head_bytes = to.head_bytes;
	e->body_bytes = to.body_bytes;
	e->columns = to.columns;
}

static size_t packed_since(struct chunk_encoder *e, struct column_mark then)
{
	return packed_bytes(e, e->raw + ENCODER_HEAD_BYTES + then.body_bytes, e->body_bytes - then.body_bytes);
}

static void add_kind_columns(struct chunk_encoder *e, unsigned int kind, uint32_t events)
{
	bool undo = !e->hurried && undo_kind(kind) && find_undone(e, kind, events);
	struct column_mark start = mark(e);
	size_t bytes;

	add_args(e, kind, false);
	if (!undo)
		return;
	bytes = packed_since(e, start);
	take_back(e, start);
	add_args(e, kind, true);
	if (packed_since(e, start) < bytes)
		return;
	take_back(e, start);
	add_args(e, kind, false);
}

static void write_kinds_text(struct chunk_encoder *e)
{
	size_t at = 0;

	for (unsigned int k = 0; k < CHUNK_KINDS_MAX; k++) {
		uint32_t n = e->start[k + 1] - e->start[k];

		if (n)
			at += (size_t)snprintf(e->kinds + at, sizeof(e->kinds) - at, "%c\"%u\":%u", at ? ',' : '{', k, n);
	}
	snprintf(e->kinds + at, sizeof(e->kinds) - at, "}");
}

static void pack(struct chunk_encoder *e, const uint8_t *raw, size_t raw_bytes, struct chunk_row *row)
{
	size_t packed = chunk_lz4_pack(raw, raw_bytes, e->packed, sizeof(e->packed), e->thorough);
	bool smaller = packed < raw_bytes;

	row->codec = smaller ? CHUNK_LZ4 : CHUNK_STORED;
	row->data = smaller ? e->packed : raw;
	row->data_bytes = smaller ? packed : raw_bytes;
	row->raw_bytes = raw_bytes;
}

void chunk_encode(struct chunk_encoder *e, const struct trace_event *events, uint32_t n, struct chunk_row *row)
{
	uint8_t count[VARINT_BYTES_MAX], *raw;
	size_t count_bytes;

	assert(n > 0 && n <= CHUNK_EVENTS_MAX);
	e->head_bytes = e->body_bytes = e->columns = 0;
	/* a chunk that filled up before its time may have others behind it; of one that did not, each column's best way can be looked for */
	e->hurried = !e->thorough && n == CHUNK_EVENTS_MAX;
	split_events(e, events, n, row);
	add_common_columns(e, n);
	for (unsigned int kind = 1; kind < CHUNK_KINDS_MAX; kind++) {
		if (e->start[kind] != e->start[kind + 1])
			add_kind_columns(e, kind, n);
	}
	count_bytes = varint_put(count, e->columns);
	assert(count_bytes + e->head_bytes <= ENCODER_HEAD_BYTES && e->body_bytes <= ENCODER_BODY_BYTES);

	raw = e->raw + ENCODER_HEAD_BYTES - e->head_bytes - count_bytes;
	memcpy(raw, count, count_bytes);
	memcpy(raw + count_bytes, e->head, e->head_bytes);
	write_kinds_text(e);
	row->events = n;
	row->kind_events = e->kinds;
	pack(e, raw, count_bytes + e->head_bytes + e->body_bytes, row);
	row->checksum = chunk_checksum(row);
}
