/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * slots.h - what the recorded driver has live at a moment of the replay.
 *
 * Purpose:  gives each live request (device, guest memory, DMA address) a small number, its slot, by which every cell keeps what it answered; an
 *           unmap finds the slot again. The same request may be live several times: the most recent one is found first.
 * Memory:   grows with what is live, never with the length of the trace; SLOTS_MAX is the bound.
 */
#ifndef EGPU_REPLAY_SLOTS_H
#define EGPU_REPLAY_SLOTS_H

#include "runtime/core/span.h"

#define SLOTS_NONE ((u32)~0u)
#define SLOTS_MAX (1u << 24) /* 256 times what the IOMMU of a Mac can map */

struct slots_entry {
	struct span at;
	u64 iova;
	u32 device;
	u32 next; /* in its bucket, most recent first; or on the free list */
};

/**
 * struct slots - the table.
 * @used:         live now; @used_bytes the sum of their lengths
 * @peak:         most that were live; slots are below the highest @peak
 * @peak_bytes:   most bytes that were live; not always at the same moment
 */
struct slots {
	struct slots_entry *entries;
	u32 *buckets;
	u32 capacity; /* of entries and buckets, a power of two */
	u32 free;
	u32 taken; /* entries ever used */
	u64 used, used_bytes, peak, peak_bytes;
};

/** slots_init() - an empty table. Return: 0 or -ENOMEM. */
int slots_init(struct slots *s);
void slots_destroy(struct slots *s);

/** slots_push() - a request for @at, which was given @iova, becomes live. Return: 0 and *@slot; -ENOMEM; -E2BIG if SLOTS_MAX are live already. */
int slots_push(struct slots *s, u32 device, struct span at, u64 iova, u32 *slot);

/** slots_pop() - it ends. Return: its slot, or SLOTS_NONE if there is no such request. */
u32 slots_pop(struct slots *s, u32 device, struct span at, u64 iova);

/** slots_clear() - everything ends; peaks stay. */
void slots_clear(struct slots *s);

#endif
