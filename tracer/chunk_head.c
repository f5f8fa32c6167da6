/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/chunk_head.h"

#include <errno.h>

#include "tracer/chunk.h"
#include "tracer/column.h"

#define COLUMNS_MAX (CHUNK_KINDS_MAX * CHUNK_ARGS_MAX)

static bool take_entry(const uint8_t *raw, size_t bytes, size_t *at, struct head_entry *entry)
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

void head_next(struct chunk_head *h)
{
	h->entry.column = UINT64_MAX;
	if (!h->left)
		return;
	h->left--;
	take_entry(h->raw, h->bytes, &h->at, &h->entry);
	h->entry.body = h->body;
	h->body += h->entry.bytes;
}

int head_begin(struct chunk_head *h, const uint8_t *raw, size_t bytes)
{
	struct head_entry entry;
	uint64_t columns, last = 0, sum = 0;
	size_t at = varint_get(raw, bytes, &columns);

	*h = (struct chunk_head){ .raw = raw, .bytes = bytes, .at = at };
	if (!at || columns < 2 || columns > COLUMNS_MAX)
		return -EBADMSG;
	h->left = columns;
	for (uint64_t i = 0; i < columns; i++) {
		if (!take_entry(raw, bytes, &at, &entry))
			return -EBADMSG;
		if (i < 2 ? entry.column != i : entry.column <= last)
			return -EBADMSG;
		last = entry.column;
		sum += entry.bytes;
	}
	h->body = raw + at;
	if (sum != bytes - at)
		return -EBADMSG;
	head_next(h);
	return 0;
}

bool head_class(const struct head_entry *column, size_t *at, struct head_entry *entry)
{
	size_t took;

	if (*at >= column->bytes)
		return false;
	entry->encoding = column->body[(*at)++];
	took = varint_get(column->body + *at, column->bytes - *at, &entry->bytes);
	*at += took;
	return took != 0 && entry->bytes <= column->bytes;
}
