/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * column.h - numbered encodings of a column of 64-bit values.
 *
 * Purpose:  packs one column of a chunk in the cheapest of a few encodings, and unpacks it without trusting a byte. Numbers are never
 *           reused: an old trace stays readable for ever, and a new encoding is one more line in the table of column.c.
 * Compiled: the tracer; private to it. No state.
 */
#ifndef EGPU_TRACER_COLUMN_H
#define EGPU_TRACER_COLUMN_H

#include <stddef.h>
#include <stdint.h>

enum column_encoding {
	COLUMN_CONST = 0,  /* one varint: the value of all rows */
	COLUMN_DELTA = 1,  /* per row a varint: zigzag of the difference to the row before (first row: to 0), modulo 2^64 */
	COLUMN_VARINT = 2, /* per row a varint */
	COLUMN_FIXED1 = 3, /* per row 1 byte */
	COLUMN_FIXED2 = 4, /* per row 2 bytes, little-endian */
	COLUMN_FIXED4 = 5,
	COLUMN_FIXED8 = 6,
	COLUMN_ENCODINGS,  /* those above need nothing but their bytes, and are what column_encode() chooses from */
	COLUMN_CODED = 7,  /* predicted and entropy-coded, see coded.h; since 1.1 */
	COLUMN_SPLIT = 8,  /* rows by classes, each of which has an encoding of its own, see split.h; since 1.3 */
	COLUMN_UNDO = 9,   /* rows of unmaps by the maps that they end, see undo.h; since 1.4 */
};

#define VARINT_BYTES_MAX 10

/** varint_put() - LEB128: 7 bits a byte, low bits first, top bit = more follow. Return: bytes written, 1..VARINT_BYTES_MAX. */
size_t varint_put(uint8_t *out, uint64_t value);

/** varint_get() - Return: bytes read, 0 if @bytes end first or the value needs more than 64 bits. */
size_t varint_get(const uint8_t *in, size_t bytes, uint64_t *value);

static inline uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (v >> 63 ? ~0ULL : 0);
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (v & 1 ? ~0ULL : 0);
}

/** column_bytes_max() - bytes that column_encode() may need for @n values. */
static inline size_t column_bytes_max(uint32_t n)
{
	return (size_t)n * 8 + VARINT_BYTES_MAX;
}

/**
 * column_encode() - pack @n values (n > 0) in the cheapest encoding.
 * @out:      column_bytes_max(@n) bytes
 * @encoding: receives which was taken
 *
 * Return: bytes written.
 */
size_t column_encode(const uint64_t *values, uint32_t n, uint8_t *out, enum column_encoding *encoding);

/**
 * column_decode() - unpack exactly @n values from exactly @bytes bytes.
 * Return: 0; -EBADMSG if the bytes are not @n values; -ENOTSUP for an encoding that is not known here.
 */
int column_decode(unsigned int encoding, const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n);

#endif
