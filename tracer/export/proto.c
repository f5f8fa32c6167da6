/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/proto.h"

#include <endian.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

size_t proto_varint(uint8_t *bytes, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	return n;
}

static void append(struct proto *p, const void *bytes, size_t len)
{
	if (p->too_long || len > PROTO_BYTES - p->len) {
		p->too_long = true;
		return;
	}
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void append_varint(struct proto *p, uint64_t v)
{
	uint8_t bytes[10];

	append(p, bytes, proto_varint(bytes, v));
}

static void append_bytes(struct proto *p, unsigned int field, const void *bytes, size_t len)
{
	append_varint(p, field << 3 | WIRE_BYTES);
	append_varint(p, len);
	append(p, bytes, len);
}

void proto_uint(struct proto *p, unsigned int field, uint64_t v)
{
	append_varint(p, field << 3 | WIRE_VARINT);
	append_varint(p, v);
}

void proto_double(struct proto *p, unsigned int field, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	bits = htole64(bits);
	append_varint(p, field << 3 | WIRE_FIXED64);
	append(p, &bits, sizeof(bits));
}

void proto_string(struct proto *p, unsigned int field, const char *text)
{
	append_bytes(p, field, text, strlen(text));
}

void proto_message(struct proto *p, unsigned int field, const struct proto *inner)
{
	p->too_long |= inner->too_long;
	append_bytes(p, field, inner->bytes, inner->len);
}
