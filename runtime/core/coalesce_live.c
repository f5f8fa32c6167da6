/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_hash.h"
#include "runtime/core/coalesce_live.h"

/* at most two thirds full, so that a probe ends soon */
static u32 slots_for(u32 max)
{
	return coalesce_pow2(max + max / 2 + 1);
}

u64 coalesce_live_bytes(u32 max)
{
	return (u64)slots_for(max) * sizeof(struct coalesce_slot);
}

void coalesce_live_init(struct coalesce_live *live, void *mem, u32 max)
{
	live->slots = mem;
	live->mask = slots_for(max) - 1;
	live->max = max;
	coalesce_live_clear(live);
}

void coalesce_live_clear(struct coalesce_live *live)
{
	memset(live->slots, 0, ((size_t)live->mask + 1) * sizeof(live->slots[0]));
	live->used = 0;
	live->reserved = 0;
}

/* the slot that holds @iova, or the empty one where it belongs */
static u32 probe(const struct coalesce_live *live, u64 iova)
{
	u32 i = coalesce_hash(iova) & live->mask;

	while (live->slots[i].count != 0 && live->slots[i].iova != iova)
		i = (i + 1) & live->mask;
	return i;
}

struct coalesce_slot *coalesce_live_find(const struct coalesce_live *live, u64 iova)
{
	struct coalesce_slot *slot = &live->slots[probe(live, iova)];

	return slot->count != 0 ? slot : NULL;
}

bool coalesce_live_reserve(struct coalesce_live *live)
{
	if (live->used + live->reserved >= live->max)
		return false;
	live->reserved++;
	return true;
}

void coalesce_live_unreserve(struct coalesce_live *live)
{
	live->reserved--;
}

int coalesce_live_add(struct coalesce_live *live, u64 iova, u32 mapping, u64 bytes)
{
	struct coalesce_slot *slot = &live->slots[probe(live, iova)];

	if (slot->count != 0) {
		if (slot->mapping != mapping)
			return -EIO;
		slot->count++;
		slot->bytes += bytes;
		return 0;
	}
	if (live->used + live->reserved >= live->max)
		return -ENOMEM;
	slot->iova = iova;
	slot->bytes = bytes;
	slot->count = 1;
	slot->mapping = mapping;
	live->used++;
	return 0;
}

static void remove_slot(struct coalesce_live *live, u32 hole)
{
	u32 mask = live->mask;
	u32 i = (hole + 1) & mask;

	/* an entry may move into the hole unless its home lies behind the hole */
	for (; live->slots[i].count != 0; i = (i + 1) & mask) {
		u32 home = coalesce_hash(live->slots[i].iova) & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		live->slots[hole] = live->slots[i];
		hole = i;
	}
	live->slots[hole].count = 0;
	live->used--;
}

u64 coalesce_live_drop(struct coalesce_live *live, struct coalesce_slot *slot, u64 bytes)
{
	if (slot->count == 1) {
		bytes = slot->bytes;
		remove_slot(live, (u32)(slot - live->slots));
		return bytes;
	}
	if (bytes > slot->bytes)
		bytes = slot->bytes;
	slot->count--;
	slot->bytes -= bytes;
	return bytes;
}
