/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/chunk.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <zlib.h>

static uint32_t crc_u64(uint32_t crc, uint64_t v)
{
	uint8_t le[8];

	for (int i = 0; i < 8; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	return (uint32_t)crc32(crc, le, sizeof(le));
}

uint32_t chunk_checksum(const struct chunk_row *row)
{
	uint32_t crc = (uint32_t)crc32(0, NULL, 0);

	crc = crc_u64(crc, (uint64_t)row->id);
	crc = crc_u64(crc, row->first_seq);
	crc = crc_u64(crc, row->events);
	crc = crc_u64(crc, row->t_min_ns);
	crc = crc_u64(crc, row->t_max_ns);
	crc = crc_u64(crc, row->codec);
	crc = crc_u64(crc, row->raw_bytes);
	crc = (uint32_t)crc32_z(crc, (const uint8_t *)row->kind_events, strlen(row->kind_events));
	return (uint32_t)crc32_z(crc, row->data, row->data_bytes);
}

/* decimal digits at *@p, at most @max; moves *@p behind them */
static bool take_number(const char **p, uint64_t max, uint64_t *out)
{
	const char *c = *p;
	uint64_t v = 0;

	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++) {
		v = v * 10 + (uint64_t)(*c - '0');
		if (v > max)
			return false;
	}
	*p = c;
	*out = v;
	return true;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

int chunk_parse_kinds(const char *text, uint32_t *counts)
{
	uint64_t kind, count, last = 0;

	memset(counts, 0, CHUNK_KINDS_MAX * sizeof(*counts));
	if (!take_char(&text, '{'))
		return -EBADMSG;
	do {
		if (!take_char(&text, '"') || !take_number(&text, CHUNK_KINDS_MAX - 1, &kind) || !take_char(&text, '"') ||
		    !take_char(&text, ':') || !take_number(&text, CHUNK_EVENTS_MAX, &count))
			return -EBADMSG;
		if (kind <= last || count == 0)
			return -EBADMSG;
		counts[kind] = (uint32_t)count;
		last = kind;
	} while (take_char(&text, ','));
	return take_char(&text, '}') && *text == '\0' ? 0 : -EBADMSG;
}
