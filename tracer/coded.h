/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coded.h - the entropy-coded encoding of a column: predict, then code the residues in as few bits as their distribution allows.
 *
 * Purpose:  times, addresses and sizes differ from a simple prediction by few, uneven amounts. A residue becomes a token of a Huffman code
 *           (a frequent residue itself, a magnitude, or "the same again n times") and raw bits. The layout is in trace(5), "coded".
 * Compiled: the tracer; private to it. No state but the scratch memory that the caller owns.
 */
#ifndef EGPU_TRACER_CODED_H
#define EGPU_TRACER_CODED_H

#include <stddef.h>
#include <stdint.h>

#include "tracer/huffman.h"

#define CODED_WINDOWS_LOG2 14 /* offsets remembered by the offset prediction, and values by the keyed one */
#define CODED_WINDOWS (1u << CODED_WINDOWS_LOG2)
#define CODED_DICT_MAX 128u
#define CODED_RUN_LOG2_MAX 16u

#define CODED_ROOM 4096u /* a head at its largest, and what the bit writer touches behind its end */

/* how a row is predicted; numbers of the format */
enum coded_predictor {
	CODED_BASE = 0,   /* the first row */
	CODED_DELTA = 1,  /* the row before */
	CODED_DELTA2 = 2, /* the row before and the difference before it */
	CODED_OFFSET = 3, /* another column of the row, plus their last difference in the same window of that column */
	CODED_TIME = 4,   /* the time of the event, plus their last difference; since 1.2 */
	CODED_KEYED = 5,  /* the last row in the same window of another column: what a register held before; since 1.2 */
	CODED_PREDICTORS,
};

/* tokens: dictionary entries, then magnitudes, then runs */
#define CODED_TOKEN_MAGNITUDE CODED_DICT_MAX
#define CODED_MAGNITUDES (8u + 61u * 4)
#define CODED_TOKEN_RUN (CODED_TOKEN_MAGNITUDE + CODED_MAGNITUDES)
#define CODED_TOKENS (CODED_TOKEN_RUN + CODED_RUN_LOG2_MAX + 1)

_Static_assert(CODED_TOKENS <= HUFFMAN_SYMBOLS_MAX, "tokens are symbols of the Huffman code");

/** coded_raw_bits() - how many bits of the residue or run follow @token. */
static inline unsigned int coded_raw_bits(unsigned int token)
{
	if (token >= CODED_TOKEN_RUN)
		return token - CODED_TOKEN_RUN;
	return token < CODED_TOKEN_MAGNITUDE + 8 ? 0 : (token - CODED_TOKEN_MAGNITUDE - 8) / 4 + 1;
}

/** struct coded_scratch - memory that encoding and decoding work in; contents mean nothing between calls. */
struct coded_scratch {
	uint64_t window[CODED_WINDOWS];
	uint64_t *residues; /* encoding only: as many as rows, */
	uint16_t *tokens;   /* and the token of each */
	uint64_t dict[CODED_DICT_MAX];
	uint32_t dict_n;
	uint32_t count[CODED_TOKENS];
	struct huffman_code code;
	struct huffman_table table;
	struct { uint64_t value; uint32_t count, token; } hash[4096];
};

/**
 * struct coded_column - what is to be encoded.
 * @values: @n rows, n > 0
 * @other:  a column of the same rows that @values may be an offset to or go by, and its argument number; NULL if there is none
 * @time:   times of the events of these rows, for a column of times on another clock; NULL for others
 * @all:    judge predictions by all rows rather than by a sample
 */
struct coded_column {
	const uint64_t *values;
	uint32_t n;
	const uint64_t *other;
	uint8_t other_arg;
	const uint64_t *time;
	int all;
};

/** coded_shift() - Return: how many low bits are the same in all of @n @values, less @other where it is not NULL; 0 if all bits are. */
unsigned int coded_shift(const uint64_t *values, uint32_t n, const uint64_t *other);

/**
 * coded_encode() - @out: room for @limit + CODED_ROOM bytes.
 * @predictor: to be used if @column allows it, else the best is looked for, as for CODED_PREDICTORS; then the one that was used
 *
 * Return: bytes written; 0 if their bits alone would take @limit bytes.
 */
size_t coded_encode(struct coded_scratch *s, const struct coded_column *column, enum coded_predictor *predictor, uint8_t *out, size_t limit);

#define CODED_OTHER_TIME 256 /* no number of an argument */

/** coded_other() - what must be decoded first. Return: index of an argument, CODED_OTHER_TIME, or -1 if nothing is needed. */
int coded_other(const uint8_t *in, size_t bytes);

/**
 * coded_decode() - @other: what coded_other() asked for, @n rows; NULL if nothing.
 * Return: 0; -EBADMSG if the bytes are not @n rows; -ENOTSUP for a prediction that is not known here.
 */
int coded_decode(struct coded_scratch *s, const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n, const uint64_t *other);

#endif
