/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * huffman.h - canonical, length-limited Huffman codes, least significant bit first.
 *
 * Compiled: the tracer; private to it. No state.
 */
#ifndef EGPU_TRACER_HUFFMAN_H
#define EGPU_TRACER_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_SYMBOLS_MAX 512u
#define HUFFMAN_BITS_MAX 12u

/** struct huffman_code - per symbol its length in bits (0: not used, at most HUFFMAN_BITS_MAX) and its bits, first one lowest. */
struct huffman_code {
	uint8_t length[HUFFMAN_SYMBOLS_MAX];
	uint16_t bits[HUFFMAN_SYMBOLS_MAX];
};

/**
 * struct huffman_table - by the next HUFFMAN_BITS_MAX bits: the symbol << 16, the bits that follow its code << 8, and the length of that; 0 if no
 * code begins so.
 */
struct huffman_table {
	uint32_t entry[1u << HUFFMAN_BITS_MAX];
};

/** huffman_make() - lengths and bits for @symbols symbols that occur @count times each. */
void huffman_make(struct huffman_code *code, const uint32_t *count, uint32_t symbols);

/** huffman_put() - write the lengths. @out: room for 2 * @symbols + 4 bytes. Return: bytes written. */
size_t huffman_put(const struct huffman_code *code, uint32_t symbols, uint8_t *out);

/** huffman_get() - read lengths, make the table. @follow: for each symbol, how many bits of other meaning follow its code. Return: bytes read, 0 if they are no prefix code of at most @symbols symbols. */
size_t huffman_get(struct huffman_code *code, struct huffman_table *table, uint32_t symbols, const uint8_t *follow, const uint8_t *in,
		   size_t bytes);

#endif
