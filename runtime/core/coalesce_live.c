/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_hash.h"
#include "runtime/core/coalesce_live.h"

/* at most two thirds full, so that a probe ends soon; not rounded up further, because what a look-up costs is the miss in the cache */
static u32 slots_for(u32 max)
{
	return max + max / 2 + 1;
}

static u32 home_of(const struct coalesce_live *live, u64 iova)
{
	return coalesce_hash_below(iova, live->n);
}

static u32 after(const struct coalesce_live *live, u32 i)
{
	return i + 1 == live->n ? 0 : i + 1;
}

/* slots from @from on to @to, around the end */
static u32 distance(const struct coalesce_live *live, u32 from, u32 to)
{
	return to >= from ? to - from : to + (live->n - from);
}

u64 coalesce_live_bytes(u32 max)
{
	return (u64)slots_for(max) * sizeof(struct coalesce_slot);
}

void coalesce_live_init(struct coalesce_live *live, void *mem, u32 max)
{
	live->slots = mem;
	live->n = slots_for(max);
	live->max = max;
	coalesce_live_clear(live);
}

void coalesce_live_clear(struct coalesce_live *live)
{
	memset(live->slots, 0, (size_t)live->n * sizeof(live->slots[0]));
	live->used = 0;
	live->reserved = 0;
}

/* the slot that holds @iova, or the empty one where it belongs */
static u32 probe(const struct coalesce_live *live, u64 iova)
{
	u32 i = home_of(live, iova);

	while (live->slots[i].count != 0 && live->slots[i].iova != iova)
		i = after(live, i);
	return i;
}

u32 coalesce_live_ahead(const struct coalesce_live *live, u64 iova)
{
	u32 home = home_of(live, iova);

	__builtin_prefetch(&live->slots[home], 1);
	return home;
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
	u32 i = after(live, hole);

	/* an entry may move into the hole unless its home lies behind the hole */
	for (; live->slots[i].count != 0; i = after(live, i)) {
		u32 home = home_of(live, live->slots[i].iova);

		if (distance(live, home, i) < distance(live, hole, i))
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
