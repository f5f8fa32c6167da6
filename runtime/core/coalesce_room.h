/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_room.h - windows, cut to the guest memory that nothing maps yet; for ordered policies, not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_ROOM_H
#define EGPU_CORE_COALESCE_ROOM_H

#include "runtime/core/coalesce_order.h"

/** struct coalesce_room - free memory, by first and last byte, for the whole address space has no length as a span. */
struct coalesce_room {
	u64 first_gpa, last_gpa;
};

/** coalesce_window() - the window of 2^@log2 bytes that holds @gpa. */
static inline struct span coalesce_window(u64 gpa, u32 log2)
{
	return (struct span){ gpa >> log2 << log2, (u64)1 << log2 };
}

/** coalesce_room_around() - free memory around @at_gpa, up to what is mapped on either side; no less than @at_gpa where that comes inside. */
struct coalesce_room coalesce_room_around(const struct coalesce_order *o, struct span at_gpa);

/** coalesce_widen() - @at_gpa, widened to windows of these sizes at its two ends, as far as there is room. */
struct span coalesce_widen(struct span at_gpa, struct coalesce_room room, u32 low_log2, u32 high_log2);

#endif
