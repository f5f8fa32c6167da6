/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_live.h - table of live DMA addresses; a part of the coalescer.
 *
 * Purpose:  finds what to unmap from the DMA address alone. Open addressing with linear probing; a removal shifts the entries behind it
 *           back, so there are no tombstones and the table is as fast after a million unmaps as when new.
 * Owner:    memory from the caller, as for coalesce.h; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_LIVE_H
#define EGPU_CORE_COALESCE_LIVE_H

#include "runtime/core/env.h"

/**
 * struct coalesce_slot - one live DMA address.
 * @iova:    the address
 * @bytes:   sum of the lengths of all requests that were given it
 * @count:   live requests that were given it; 0 = the slot is empty
 * @mapping: index of the mapping it lies in
 */
struct coalesce_slot {
	u64 iova;
	u64 bytes;
	u32 count;
	u32 mapping;
};

/**
 * struct coalesce_live - the table.
 * @n:        slots
 * @used:     addresses in it
 * @reserved: places kept for requests whose address is not known yet
 */
struct coalesce_live {
	struct coalesce_slot *slots;
	u32 n;
	u32 used;
	u32 reserved;
	u32 max;
};

/** coalesce_live_bytes() - memory for @max addresses, 1 <= @max <= 2^30. */
u64 coalesce_live_bytes(u32 max);

/** coalesce_live_init() - an empty table for @max addresses in @mem. */
void coalesce_live_init(struct coalesce_live *live, void *mem, u32 max);

/** coalesce_live_clear() - forget everything. */
void coalesce_live_clear(struct coalesce_live *live);

/** coalesce_live_find() - Return: the slot of @iova, NULL if it is not live. */
struct coalesce_slot *coalesce_live_find(const struct coalesce_live *live, u64 iova);

/** coalesce_live_ahead() - fetch the slot where @iova may be. Return: its index. */
u32 coalesce_live_ahead(const struct coalesce_live *live, u64 iova);

/** coalesce_live_reserve() - keep a place; give it back by coalesce_live_unreserve(). Return: false if the table is full. */
bool coalesce_live_reserve(struct coalesce_live *live);
void coalesce_live_unreserve(struct coalesce_live *live);

/**
 * coalesce_live_add() - one more request has been given @iova.
 * Return: 0; -ENOMEM the table is full or the rest of it reserved; -EIO another mapping has this address: the host answered nonsense.
 */
int coalesce_live_add(struct coalesce_live *live, u64 iova, u32 mapping, u64 bytes);

/**
 * coalesce_live_drop() - one request fewer at @slot, which is invalid afterwards.
 * @bytes: what the driver says it had
 *
 * Return: bytes taken off the account: @bytes, cut to what is left of it, or all that is left if this was the last request.
 */
u64 coalesce_live_drop(struct coalesce_live *live, struct coalesce_slot *slot, u64 bytes);

#endif
