/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * proto.h - messages in the wire format of Protocol Buffers, written by hand.
 *
 * Compiled: the Perfetto exporter. A message is a buffer of fixed size; what does not fit marks it as too long and is left out.
 */
#ifndef EGPU_TRACER_EXPORT_PROTO_H
#define EGPU_TRACER_EXPORT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_BYTES 4096u

/** struct proto - a message; proto_begin() makes it an empty one. */
struct proto {
	size_t len;
	bool too_long;
	uint8_t bytes[PROTO_BYTES];
};

static inline void proto_begin(struct proto *p)
{
	p->len = 0;
	p->too_long = false;
}

/** proto_varint() - @v as a varint, 1 to 10 bytes. Return: their number. */
size_t proto_varint(uint8_t *bytes, uint64_t v);

void proto_uint(struct proto *p, unsigned int field, uint64_t v); /* also bool, enum, and int64 as its two's complement */
void proto_double(struct proto *p, unsigned int field, double v);
void proto_string(struct proto *p, unsigned int field, const char *text);
void proto_message(struct proto *p, unsigned int field, const struct proto *inner);

#endif
