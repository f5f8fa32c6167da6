/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_room.h"

struct coalesce_room coalesce_room_around(const struct coalesce_order *o, struct span at_gpa)
{
	struct coalesce_room room = { 0, ~(u64)0 };
	u64 reach;
	u32 before = coalesce_order_before(o, at_gpa.start, &reach);
	u32 after = before == COALESCE_NONE ? coalesce_order_first(o) : coalesce_order_next(o, before);

	if (before != COALESCE_NONE)
		room.first_gpa = reach < at_gpa.start ? reach + 1 : at_gpa.start;
	if (after != COALESCE_NONE)
		room.last_gpa = o->items[after].gpa.start - 1;
	if (room.last_gpa < span_last(at_gpa))
		room.last_gpa = span_last(at_gpa);
	return room;
}

struct span coalesce_widen(struct span at_gpa, struct coalesce_room room, u32 low_log2, u32 high_log2)
{
	u64 first = coalesce_window(at_gpa.start, low_log2).start;
	u64 last = span_last(coalesce_window(span_last(at_gpa), high_log2));

	if (first < room.first_gpa)
		first = room.first_gpa;
	if (last > room.last_gpa)
		last = room.last_gpa;
	return (struct span){ first, last - first + 1 };
}
