/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/fps_trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* @at: what has been counted when the last frame ended: what follows belongs to no frame. @seq: of the last call */
struct reading {
	struct fps_trace now, at;
	uint64_t first_ns, seq;
	bool begun, called;
};

static void on_frame(struct reading *r, const struct trace_event *e)
{
	if (!r->begun) {
		r->begun = true;
		r->first_ns = e->t_ns;
		memset(&r->now, 0, sizeof(r->now));
		return;
	}
	r->now.frames++;
	r->now.seconds = e->t_ns > r->first_ns ? (double)(e->t_ns - r->first_ns) * 1e-9 : 0;
	r->at = r->now;
}

/* mappings of one call have one number */
static void on_mapping(struct reading *r, const struct trace_event *e)
{
	r->now.calls += !r->called || e->arg[TRACE_MAP_SEQ] != r->seq;
	r->called = true;
	r->seq = e->arg[TRACE_MAP_SEQ];
}

static void on_event(struct reading *r, const struct trace_event *e)
{
	switch (e->kind) {
	case TRACE_FRAME: on_frame(r, e); break;
	case TRACE_REGION_READ: r->now.reads++; break;
	case TRACE_REGION_WRITE: r->now.writes++; break;
	case TRACE_IRQ: r->now.irqs++; break;
	case TRACE_MAP:
	case TRACE_UNMAP: on_mapping(r, e); break;
	default: break;
	}
}

int fps_trace_read(struct trace *t, bool skip_damaged, struct fps_trace *out, char *error)
{
	struct reading r = { .begun = false };
	struct trace_cursor *cursor = NULL;
	struct trace_event event;
	int rc = trace_cursor_open(t, skip_damaged, &cursor);

	if (rc) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot read events: %s", strerror(-rc));
		return rc;
	}
	while ((rc = trace_next(cursor, &event, error)) == 1)
		on_event(&r, &event);
	trace_cursor_close(cursor);
	*out = r.at;
	if (rc == 0 && (r.at.frames == 0 || r.at.seconds <= 0)) {
		snprintf(error, TRACE_ERROR_BYTES, "it has no two frames; MangoHud and PresentMon logs are imported with egpu-trace import --onto");
		return -ENODATA;
	}
	return rc;
}
