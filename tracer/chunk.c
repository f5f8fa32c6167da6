/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/chunk.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#include "tracer/column.h"
#include "tracer/tracer.h"

/* what this encoder can need at most, by kinds and events; chunk_encode() asserts it */
#define ENCODER_COLUMNS_MAX (CHUNK_COLUMN_FIRST_ARG + CHUNK_KINDS_MAX * TRACE_ARGS_MAX)
#define ENCODER_HEAD_BYTES (VARINT_BYTES_MAX + ENCODER_COLUMNS_MAX * (2 * VARINT_BYTES_MAX + 1))
#define ENCODER_BODY_BYTES ((size_t)CHUNK_EVENTS_MAX * sizeof(struct trace_event) + ENCODER_COLUMNS_MAX * VARINT_BYTES_MAX)
#define ENCODER_RAW_BYTES (ENCODER_HEAD_BYTES + ENCODER_BODY_BYTES)
#define COLUMNS_MAX (CHUNK_KINDS_MAX * CHUNK_ARGS_MAX)

_Static_assert(ENCODER_RAW_BYTES <= CHUNK_RAW_MAX, "an encoder stays inside the format's limit");
_Static_assert(CHUNK_KINDS_MAX * 12 + 3 <= CHUNK_KINDS_TEXT_BYTES, "\"255\":65536, for each kind");
_Static_assert(TRACE_ARGS_MAX <= CHUNK_ARGS_MAX && TRACE_KINDS <= CHUNK_KINDS_MAX, "the event table fits the format");

/* indexes of the events, grouped by kind in order of kind: @order[start[k]] … are those of kind k */
static void group_by_kind(const struct trace_event *events, uint32_t n, uint32_t *order, uint32_t *start)
{
	uint32_t next[CHUNK_KINDS_MAX];

	memset(start, 0, (CHUNK_KINDS_MAX + 1) * sizeof(*start));
	for (uint32_t i = 0; i < n; i++)
		start[events[i].kind + 1]++;
	for (uint32_t k = 0; k < CHUNK_KINDS_MAX; k++)
		start[k + 1] += start[k];
	memcpy(next, start, sizeof(next));
	for (uint32_t i = 0; i < n; i++)
		order[next[events[i].kind]++] = i;
}

/* ---- packing ---- */

struct chunk_encoder {
	uint64_t values[CHUNK_EVENTS_MAX];
	uint32_t order[CHUNK_EVENTS_MAX];
	uint32_t start[CHUNK_KINDS_MAX + 1];
	uint8_t head[ENCODER_HEAD_BYTES];
	size_t head_bytes;
	size_t body_bytes;
	uint32_t columns;
	char kinds[CHUNK_KINDS_TEXT_BYTES];
	uint8_t raw[ENCODER_RAW_BYTES];
	uint8_t packed[LZ4_COMPRESSBOUND(ENCODER_RAW_BYTES)];
};

struct chunk_encoder *chunk_encoder_new(void)
{
	return malloc(sizeof(struct chunk_encoder));
}

void chunk_encoder_free(struct chunk_encoder *e)
{
	free(e);
}

/* the body grows behind room for the head, so that the head, whose size is known last, can be put right in front of it */
static void add_column(struct chunk_encoder *e, unsigned int column, uint32_t n)
{
	enum column_encoding encoding = COLUMN_FIXED8;
	uint8_t *at = e->raw + ENCODER_HEAD_BYTES + e->body_bytes;
	size_t bytes = column_encode(e->values, n, at, &encoding);

	e->body_bytes += bytes;
	e->head_bytes += varint_put(e->head + e->head_bytes, column);
	e->head[e->head_bytes++] = (uint8_t)encoding;
	e->head_bytes += varint_put(e->head + e->head_bytes, bytes);
	e->columns++;
}

static void add_common_columns(struct chunk_encoder *e, const struct trace_event *events, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = events[i].kind;
	add_column(e, CHUNK_COLUMN_KIND, n);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = events[i].t_ns;
	add_column(e, CHUNK_COLUMN_T_NS, n);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = events[i].device;
	add_column(e, CHUNK_COLUMN_DEVICE, n);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = zigzag((uint64_t)(int64_t)events[i].status);
	add_column(e, CHUNK_COLUMN_STATUS, n);
}

static bool arg_used(unsigned int kind, unsigned int arg)
{
	const struct trace_event_info *info = trace_event_info(kind);

	return !info || info->arg_form[arg] != TRACE_UNUSED;
}

static void add_kind_columns(struct chunk_encoder *e, const struct trace_event *events, unsigned int kind)
{
	uint32_t first = e->start[kind], n = e->start[kind + 1] - first;

	for (unsigned int arg = 0; n && arg < TRACE_ARGS_MAX; arg++) {
		if (!arg_used(kind, arg))
			continue;
		for (uint32_t i = 0; i < n; i++)
			e->values[i] = events[e->order[first + i]].arg[arg];
		add_column(e, CHUNK_ARGS_MAX * kind + arg, n);
	}
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
	int packed = LZ4_compress_default((const char *)raw, (char *)e->packed, (int)raw_bytes, (int)sizeof(e->packed));
	bool smaller = packed > 0 && (size_t)packed < raw_bytes;

	row->codec = smaller ? CHUNK_LZ4 : CHUNK_STORED;
	row->data = smaller ? e->packed : raw;
	row->data_bytes = smaller ? (size_t)packed : raw_bytes;
	row->raw_bytes = raw_bytes;
}

static void set_time_range(const struct trace_event *events, uint32_t n, struct chunk_row *row)
{
	row->t_min_ns = row->t_max_ns = events[0].t_ns;
	for (uint32_t i = 1; i < n; i++) {
		if (events[i].t_ns < row->t_min_ns)
			row->t_min_ns = events[i].t_ns;
		if (events[i].t_ns > row->t_max_ns)
			row->t_max_ns = events[i].t_ns;
	}
}

void chunk_encode(struct chunk_encoder *e, const struct trace_event *events, uint32_t n, struct chunk_row *row)
{
	uint8_t count[VARINT_BYTES_MAX], *raw;
	size_t count_bytes;

	assert(n > 0 && n <= CHUNK_EVENTS_MAX);
	e->head_bytes = e->body_bytes = e->columns = 0;
	group_by_kind(events, n, e->order, e->start);
	add_common_columns(e, events, n);
	for (unsigned int kind = 1; kind < CHUNK_KINDS_MAX; kind++)
		add_kind_columns(e, events, kind);
	count_bytes = varint_put(count, e->columns);
	assert(count_bytes + e->head_bytes <= ENCODER_HEAD_BYTES && e->body_bytes <= ENCODER_BODY_BYTES);

	raw = e->raw + ENCODER_HEAD_BYTES - e->head_bytes - count_bytes;
	memcpy(raw, count, count_bytes);
	memcpy(raw + count_bytes, e->head, e->head_bytes);
	write_kinds_text(e);
	row->events = n;
	row->kind_events = e->kinds;
	set_time_range(events, n, row);
	pack(e, raw, count_bytes + e->head_bytes + e->body_bytes, row);
	row->checksum = chunk_checksum(row);
}

/* ---- unpacking ---- */

struct chunk_decoder {
	uint64_t *values;
	uint32_t *order;
	uint32_t start[CHUNK_KINDS_MAX + 1];
	uint32_t counts[CHUNK_KINDS_MAX];
	struct trace_event *events;
	uint32_t events_room;
	uint8_t *raw;
	size_t raw_room;
	uint64_t wanted_kinds;
	uint32_t wanted_columns;
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
	free(d->values);
	free(d->order);
	free(d->events);
	free(d->raw);
	free(d);
}

static int decoder_reserve(struct chunk_decoder *d, uint32_t events, size_t raw_bytes)
{
	if (events > d->events_room) {
		free(d->values);
		free(d->order);
		free(d->events);
		d->values = malloc(events * sizeof(*d->values));
		d->order = malloc(events * sizeof(*d->order));
		d->events = malloc(events * sizeof(*d->events));
		d->events_room = d->values && d->order && d->events ? events : 0;
		if (!d->events_room)
			return -ENOMEM;
	}
	if (raw_bytes > d->raw_room) {
		free(d->raw);
		d->raw = malloc(raw_bytes);
		d->raw_room = d->raw ? raw_bytes : 0;
		if (!d->raw)
			return -ENOMEM;
	}
	return 0;
}

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
	if (row->codec == CHUNK_STORED) {
		if (row->data_bytes != row->raw_bytes)
			return -EBADMSG;
		memcpy(d->raw, row->data, row->data_bytes);
		return 0;
	}
	if (LZ4_decompress_safe((const char *)row->data, (char *)d->raw, (int)row->data_bytes, (int)row->raw_bytes) != (int)row->raw_bytes)
		return -EBADMSG;
	return 0;
}

/* events that column @column has a value for; 0 if the column is none that this version reads */
static uint32_t column_rows(const struct chunk_decoder *d, uint64_t column, uint32_t events)
{
	if (column <= CHUNK_COLUMN_STATUS)
		return events;
	if (column < CHUNK_COLUMN_FIRST_ARG || column >= COLUMNS_MAX || column % CHUNK_ARGS_MAX >= TRACE_ARGS_MAX)
		return 0;
	return d->counts[column / CHUNK_ARGS_MAX];
}

static int set_kinds(struct chunk_decoder *d, uint32_t n, const char **why)
{
	*why = "its kinds are not those its row states";
	for (uint32_t i = 0; i < n; i++) {
		if (d->values[i] == 0 || d->values[i] >= CHUNK_KINDS_MAX)
			return -EBADMSG;
		d->events[i].kind = (uint16_t)d->values[i];
	}
	group_by_kind(d->events, n, d->order, d->start);
	for (unsigned int k = 0; k < CHUNK_KINDS_MAX; k++) {
		if (d->counts[k] != d->start[k + 1] - d->start[k])
			return -EBADMSG;
	}
	return 0;
}

static int set_times(struct chunk_decoder *d, const struct chunk_row *row, const char **why)
{
	uint64_t min = UINT64_MAX, max = 0;

	for (uint32_t i = 0; i < row->events; i++) {
		uint64_t t = d->values[i];

		d->events[i].t_ns = t;
		min = t < min ? t : min;
		max = t > max ? t : max;
	}
	*why = "its times are not those its row states";
	return min == row->t_min_ns && max == row->t_max_ns ? 0 : -EBADMSG;
}

static int set_devices(struct chunk_decoder *d, uint32_t n, const char **why)
{
	*why = "a device number is out of range";
	for (uint32_t i = 0; i < n; i++) {
		if (d->values[i] > UINT16_MAX)
			return -EBADMSG;
		d->events[i].device = (uint16_t)d->values[i];
	}
	return 0;
}

static int set_status(struct chunk_decoder *d, uint32_t n, const char **why)
{
	*why = "a status is out of range";
	for (uint32_t i = 0; i < n; i++) {
		int64_t status = (int64_t)unzigzag(d->values[i]);

		if (status < INT32_MIN || status > INT32_MAX)
			return -EBADMSG;
		d->events[i].status = (int32_t)status;
	}
	return 0;
}

static int set_column(struct chunk_decoder *d, const struct chunk_row *row, unsigned int column, const char **why)
{
	uint32_t first;

	switch (column) {
	case CHUNK_COLUMN_KIND: return set_kinds(d, (uint32_t)row->events, why);
	case CHUNK_COLUMN_T_NS: return set_times(d, row, why);
	case CHUNK_COLUMN_DEVICE: return set_devices(d, (uint32_t)row->events, why);
	case CHUNK_COLUMN_STATUS: return set_status(d, (uint32_t)row->events, why);
	}
	first = d->start[column / CHUNK_ARGS_MAX];
	for (uint32_t i = 0; i < d->counts[column / CHUNK_ARGS_MAX]; i++)
		d->events[d->order[first + i]].arg[column % CHUNK_ARGS_MAX] = d->values[i];
	return 0;
}

/* one entry of the head */
struct column_entry {
	uint64_t column, bytes;
	uint8_t encoding;
};

static bool take_entry(const uint8_t *raw, size_t bytes, size_t *at, struct column_entry *entry)
{
	size_t took = varint_get(raw + *at, bytes - *at, &entry->column);

	if (!took || *at + took >= bytes)
		return false;
	*at += took;
	entry->encoding = raw[(*at)++];
	took = varint_get(raw + *at, bytes - *at, &entry->bytes);
	*at += took;
	return took != 0 && entry->bytes <= bytes;
}

static bool column_wanted(const struct chunk_decoder *d, uint64_t column)
{
	switch (column) {
	case CHUNK_COLUMN_KIND:
	case CHUNK_COLUMN_T_NS: return true;
	case CHUNK_COLUMN_DEVICE: return d->wanted_columns & TRACE_COLUMN_DEVICE;
	case CHUNK_COLUMN_STATUS: return d->wanted_columns & TRACE_COLUMN_STATUS;
	}
	return (d->wanted_columns & TRACE_COLUMN_ARG(column % CHUNK_ARGS_MAX)) && (d->wanted_kinds & TRACE_KIND_BIT(column / CHUNK_ARGS_MAX));
}

static int decode_column(struct chunk_decoder *d, const struct chunk_row *row, const struct column_entry *entry, const uint8_t *body,
			 const char **why)
{
	uint32_t rows = column_rows(d, entry->column, (uint32_t)row->events);
	int err;

	if (!rows || !column_wanted(d, entry->column))
		return 0;
	err = column_decode(entry->encoding, body, entry->bytes, d->values, rows);
	if (err) {
		*why = err == -ENOTSUP ? "a column's encoding is not known to this version of egpu" : "a column does not decode";
		return err;
	}
	return set_column(d, row, (unsigned int)entry->column, why);
}

/* first walk of the head: where the columns' bytes begin, and whether all is consistent */
static int check_head(const uint8_t *raw, size_t raw_bytes, uint64_t *columns, size_t *head, size_t *body)
{
	struct column_entry entry;
	uint64_t last = 0, sum = 0;
	size_t at = varint_get(raw, raw_bytes, columns);

	*head = at;
	if (!at || *columns < 2 || *columns > COLUMNS_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; i < *columns; i++) {
		if (!take_entry(raw, raw_bytes, &at, &entry))
			return -EBADMSG;
		if (i < 2 ? entry.column != i : entry.column <= last)
			return -EBADMSG;
		last = entry.column;
		sum += entry.bytes;
	}
	*body = at;
	return sum == raw_bytes - at ? 0 : -EBADMSG;
}

int chunk_decode(struct chunk_decoder *d, const struct chunk_row *row, const struct trace_event **events, const char **why)
{
	struct column_entry entry;
	size_t head, body;
	uint64_t columns;
	int err = check_row(row, why);

	if (err)
		return err;
	*why = "no memory to unpack it";
	err = decoder_reserve(d, (uint32_t)row->events, row->raw_bytes);
	if (!err)
		err = decompress(d, row, why);
	if (err)
		return err;
	*why = "its list of columns is malformed";
	if (chunk_parse_kinds(row->kind_events, d->counts) || check_head(d->raw, row->raw_bytes, &columns, &head, &body))
		return -EBADMSG;
	memset(d->events, 0, row->events * sizeof(*d->events));
	for (uint64_t i = 0; i < columns; i++) {
		take_entry(d->raw, row->raw_bytes, &head, &entry);
		err = decode_column(d, row, &entry, d->raw + body, why);
		if (err)
			return err;
		body += entry.bytes;
	}
	*events = d->events;
	return 0;
}
