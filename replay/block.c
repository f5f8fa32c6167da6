/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/block.h"

#include <stdlib.h>

int block_init(struct block *b)
{
	memset(b, 0, sizeof(*b));
	b->items = malloc(BLOCK_ITEMS * sizeof(*b->items));
	b->parts = malloc(BLOCK_ITEMS * sizeof(*b->parts));
	if (b->items && b->parts)
		return 0;
	block_destroy(b);
	return -ENOMEM;
}

void block_destroy(struct block *b)
{
	free(b->items);
	free(b->parts);
	memset(b, 0, sizeof(*b));
}

void block_clear(struct block *b)
{
	b->items_n = b->parts_n = 0;
}

bool block_add(struct block *b, const struct batch *batch, const char *phase)
{
	struct block_part *part = &b->parts[b->parts_n];

	if (b->parts_n == BLOCK_ITEMS || batch->n > BLOCK_ITEMS - b->items_n)
		return false;
	*part = (struct block_part){ .batch = *batch, .phase = phase };
	part->batch.items = &b->items[b->items_n];
	memcpy(part->batch.items, batch->items, batch->n * sizeof(*batch->items));
	b->items_n += batch->n;
	b->parts_n++;
	return true;
}

bool block_reset(struct block *b, u64 t_ns)
{
	if (b->parts_n == BLOCK_ITEMS)
		return false;
	b->parts[b->parts_n++] = (struct block_part){ .t_ns = t_ns };
	return true;
}
