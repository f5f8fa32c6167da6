/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/huffman.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/column.h"

#define GAP_EXTENDED 15u /* a gap of this many or more unused symbols goes on in a varint */
#define KRAFT_ONE (1u << HUFFMAN_BITS_MAX)

struct leaf {
	uint32_t count;
	uint16_t symbol;
};

static int by_count(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return (int)x->symbol - (int)y->symbol;
}

/* depths of an unlimited Huffman tree over @n leaves in order of count: two queues, leaves and joined nodes */
static void tree_depths(const struct leaf *leaves, uint32_t n, uint8_t *depth)
{
	uint64_t weight[HUFFMAN_SYMBOLS_MAX];
	uint16_t parent[2 * HUFFMAN_SYMBOLS_MAX], level[2 * HUFFMAN_SYMBOLS_MAX];
	uint32_t leaf = 0, node = 0;

	for (uint32_t made = 0; made + 1 < n; made++) {
		uint64_t sum = 0;

		for (int side = 0; side < 2; side++) {
			bool take_leaf = leaf < n && (node >= made || leaves[leaf].count <= weight[node]);

			sum += take_leaf ? leaves[leaf].count : weight[node];
			parent[take_leaf ? leaf++ : n + node++] = (uint16_t)(n + made);
		}
		weight[made] = sum;
	}
	level[2 * n - 2] = 0;
	for (uint32_t i = 2 * n - 2; i-- > 0;)
		level[i] = (uint16_t)(level[parent[i]] + 1);
	for (uint32_t i = 0; i < n; i++)
		depth[i] = (uint8_t)(level[i] < 255 ? level[i] : 255);
}

/* lengths above the limit are cut, then the least frequent of the others are made longer until all codes fit */
static void limit_depths(uint32_t n, uint8_t *depth)
{
	uint32_t sum = 0, i = 0;

	for (uint32_t k = 0; k < n; k++) {
		depth[k] = depth[k] > HUFFMAN_BITS_MAX ? HUFFMAN_BITS_MAX : depth[k];
		sum += KRAFT_ONE >> depth[k];
	}
	while (sum > KRAFT_ONE) {
		if (depth[i] < HUFFMAN_BITS_MAX) {
			sum -= KRAFT_ONE >> (depth[i] + 1);
			depth[i]++;
		} else {
			i++;
		}
	}
}

static uint16_t reversed(uint32_t bits, uint32_t length)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < length; i++)
		out |= (bits >> i & 1) << (length - 1 - i);
	return (uint16_t)out;
}

/* canonical: by length, then by symbol. Return: false if the lengths are no prefix code */
static bool assign_bits(struct huffman_code *code, uint32_t symbols)
{
	uint32_t next = 0;

	for (uint32_t length = 1; length <= HUFFMAN_BITS_MAX; length++) {
		for (uint32_t s = 0; s < symbols; s++) {
			if (code->length[s] != length)
				continue;
			if (next >= 1u << length)
				return false;
			code->bits[s] = reversed(next++, length);
		}
		next <<= 1;
	}
	return true;
}

void huffman_make(struct huffman_code *code, const uint32_t *count, uint32_t symbols)
{
	struct leaf leaves[HUFFMAN_SYMBOLS_MAX];
	uint8_t depth[HUFFMAN_SYMBOLS_MAX];
	uint32_t n = 0;

	memset(code, 0, sizeof(*code));
	for (uint32_t s = 0; s < symbols; s++) {
		if (count[s])
			leaves[n++] = (struct leaf){ count[s], (uint16_t)s };
	}
	if (n == 1)
		code->length[leaves[0].symbol] = 1;
	if (n > 1) {
		qsort(leaves, n, sizeof(*leaves), by_count);
		tree_depths(leaves, n, depth);
		limit_depths(n, depth);
		for (uint32_t i = 0; i < n; i++)
			code->length[leaves[i].symbol] = depth[i];
	}
	assign_bits(code, symbols);
}

size_t huffman_put(const struct huffman_code *code, uint32_t symbols, uint8_t *out)
{
	uint32_t used = 0, gap = 0;
	size_t at;

	for (uint32_t s = 0; s < symbols; s++)
		used += code->length[s] != 0;
	at = varint_put(out, used);
	for (uint32_t s = 0; s < symbols; s++) {
		if (!code->length[s]) {
			gap++;
			continue;
		}
		out[at++] = (uint8_t)((gap < GAP_EXTENDED ? gap : GAP_EXTENDED) << 4 | code->length[s]);
		if (gap >= GAP_EXTENDED)
			at += varint_put(out + at, gap - GAP_EXTENDED);
		gap = 0;
	}
	return at;
}

static size_t get_lengths(struct huffman_code *code, uint32_t symbols, const uint8_t *in, size_t bytes)
{
	uint64_t used, gap, more;
	size_t at = varint_get(in, bytes, &used), took;
	uint64_t s = 0;

	if (!at || used == 0 || used > symbols)
		return 0;
	for (uint64_t i = 0; i < used; i++, s++) {
		uint8_t length;

		if (at >= bytes)
			return 0;
		length = in[at] & 15;
		gap = in[at++] >> 4;
		if (gap == GAP_EXTENDED) {
			took = varint_get(in + at, bytes - at, &more);
			if (!took || more > symbols)
				return 0;
			at += took;
			gap += more;
		}
		s += gap;
		if (s >= symbols || length == 0 || length > HUFFMAN_BITS_MAX)
			return 0;
		code->length[s] = length;
	}
	return at;
}

size_t huffman_get(struct huffman_code *code, struct huffman_table *table, uint32_t symbols, const uint8_t *follow, const uint8_t *in,
		   size_t bytes)
{
	size_t took;

	memset(code, 0, sizeof(*code));
	memset(table, 0, sizeof(*table));
	took = get_lengths(code, symbols, in, bytes);
	if (!took || !assign_bits(code, symbols))
		return 0;
	for (uint32_t s = 0; s < symbols; s++) {
		if (!code->length[s])
			continue;
		for (uint32_t i = code->bits[s]; i < KRAFT_ONE; i += 1u << code->length[s])
			table->entry[i] = s << 16 | (uint32_t)follow[s] << 8 | code->length[s];
	}
	return took;
}
