/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * block.h - a stretch of a trace, ready to be run through any number of cells at the same time.
 *
 * Purpose:  the reader fills one block while cells and bounds work on the one before; they only read it.
 */
#ifndef EGPU_REPLAY_BLOCK_H
#define EGPU_REPLAY_BLOCK_H

#include "replay/batch.h"

/* requests; large enough that a cell has its tables in the cache for most of them, and that sharing out the work costs nothing */
#define BLOCK_ITEMS (16 * BATCH_ITEMS_MAX)

/**
 * struct block_part - a batch, or the end of all mappings.
 * @batch: its items lie in the block; no items: the host ended all mappings
 * @phase: text of the last mark before it; may be NULL
 * @t_ns:  of the end of all mappings
 */
struct block_part {
	struct batch batch;
	const char *phase;
	u64 t_ns;
};

struct block {
	struct batch_item *items;
	struct block_part *parts;
	u32 items_n, parts_n;
};

int block_init(struct block *b);	/* Return: 0 or -ENOMEM */
void block_destroy(struct block *b);	/* all zero is allowed */
void block_clear(struct block *b);

/** block_add() - a copy of @batch, at most BATCH_ITEMS_MAX items. Return: false if the block is full. */
bool block_add(struct block *b, const struct batch *batch, const char *phase);

/** block_reset() - the host ends all mappings. Return: false if the block is full. */
bool block_reset(struct block *b, u64 t_ns);

#endif
