/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/event.h"

#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(struct trace_event) == 64, "an event is one cache line");

static const struct trace_event_info events[TRACE_KINDS] = {
#define X(number, NAME, kind_name, n0, f0, n1, f1, n2, f2, n3, f3, n4, f4, n5, f5)                                                         \
	[number] = { #kind_name, { n0, n1, n2, n3, n4, n5 }, { TRACE_##f0, TRACE_##f1, TRACE_##f2, TRACE_##f3, TRACE_##f4, TRACE_##f5 } },
	TRACE_EVENTS(X)
#undef X
};

const struct trace_event_info *trace_event_info(unsigned int kind)
{
	if (kind >= TRACE_KINDS || !events[kind].name)
		return NULL;
	return &events[kind];
}

unsigned int trace_event_kind(const char *name)
{
	for (unsigned int kind = 1; kind < TRACE_KINDS; kind++) {
		if (events[kind].name && strcmp(events[kind].name, name) == 0)
			return kind;
	}
	return 0;
}
