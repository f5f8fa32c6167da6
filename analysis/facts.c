/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/pairing.h"
#include "tracer/tracer.h"

#define FRAMES_FIRST 1024u
#define PATH_SHOWN 80u

/* one reading: @device 0 = all; @last_ns = latest time so far; @last_s = time of the last frame */
struct reading {
	struct facts *facts;
	struct trace *trace;
	struct pairing *pairing;
	unsigned int device;
	uint64_t first_ns, last_ns, events, room;
	double last_s;
};

static void copy_meta(struct trace *trace, const char *key, char *text)
{
	const char *value = trace_meta(trace, key);

	snprintf(text, FACTS_TEXT_BYTES, "%s", value ? value : "");
}

static int find_device(struct reading *r, const char *name, char *error)
{
	unsigned int i, n = trace_devices(r->trace);

	for (i = 1; name && i <= n; i++) {
		const char *have = trace_device_name(r->trace, i);

		if (have && strcmp(have, name) == 0)
			r->device = i;
	}
	if (!name || r->device)
		return 0;
	snprintf(error, TRACE_ERROR_BYTES, "no device '%.100s' in this trace; egpu-trace info lists its devices", name);
	return -ENODEV;
}

static void add_size(struct facts *f, uint64_t len_bytes)
{
	unsigned int size_log2 = len_bytes ? 63u - (unsigned int)__builtin_clzll(len_bytes) : 0;

	f->requests++;
	f->request_bytes += len_bytes;
	f->size_requests[size_log2]++;
	f->size_bytes[size_log2] += len_bytes;
}

static unsigned int lifetime_class(uint64_t t_ns)
{
	uint64_t t_us = t_ns / 1000;
	unsigned int class = t_us ? 64u - (unsigned int)__builtin_clzll(t_us) : 0;

	return class < FACTS_LIFETIMES ? class : FACTS_LIFETIMES - 1;
}

/* a reset ends requests of which no event tells: the map is drawn from what is left */
static int forget_ended(struct reading *r, uint64_t t_ns)
{
	size_t i, n;
	struct trace_event *live = pairing_list(r->pairing, &n);

	if (!live)
		return -ENOMEM;
	heat_clear(r->facts->heat, t_ns);
	for (i = 0; i < n; i++) {
		if (live[i].kind == TRACE_REQ_MAP)
			heat_change(r->facts->heat, t_ns, live[i].arg[TRACE_REQ_GPA], live[i].arg[TRACE_REQ_LEN], true);
	}
	free(live);
	return 0;
}

static int add_life(struct reading *r, const struct trace_event *event)
{
	struct facts *f = r->facts;
	uint64_t len_bytes = event->arg[TRACE_REQ_LEN], by_reset = pairing_count(r->pairing, PAIRING_REQUEST)->by_reset;
	struct trace_event begun;
	unsigned int class;
	int rc;

	if (f->lives_untold)
		return 0;
	rc = pairing_event(r->pairing, event, r->events, &begun);
	if (rc == -E2BIG) {
		f->lives_untold = true;
		return 0;
	}
	if (event->kind == TRACE_REQ_MAP && event->status == 0) {
		f->served++;
		f->served_bytes += len_bytes;
		f->alive++;
		f->alive_bytes += len_bytes;
		heat_change(f->heat, event->t_ns, event->arg[TRACE_REQ_GPA], len_bytes, true);
	}
	if (rc == 0 && pairing_count(r->pairing, PAIRING_REQUEST)->by_reset > by_reset)
		return forget_ended(r, event->t_ns);
	if (rc != 1)
		return rc;
	class = lifetime_class(event->t_ns > begun.t_ns ? event->t_ns - begun.t_ns : 0);
	f->life_requests[class]++;
	f->life_bytes[class] += begun.arg[TRACE_REQ_LEN];
	f->alive--;
	f->alive_bytes -= begun.arg[TRACE_REQ_LEN];
	heat_change(f->heat, event->t_ns, begun.arg[TRACE_REQ_GPA], begun.arg[TRACE_REQ_LEN], false);
	return 0;
}

static void add_mark(struct reading *r, double t_s, uint64_t text_id)
{
	const char *text = trace_string(r->trace, text_id);
	struct facts *f = r->facts;

	if (f->nmarks == FACTS_MARKS_MAX) {
		f->more_marks++;
		return;
	}
	f->marks[f->nmarks].t_s = t_s;
	snprintf(f->marks[f->nmarks].text, FACTS_MARK_BYTES, "%s", text ? text : "?");
	f->nmarks++;
}

static int add_frame(struct reading *r, double t_s)
{
	struct facts *f = r->facts;
	double *more;

	if (f->nframes == FACTS_FRAMES_MAX) {
		f->more_frames++;
		return 0;
	}
	if (f->nframes == r->room) {
		r->room = r->room ? r->room * 2 : FRAMES_FIRST;
		more = realloc(f->frame_s, r->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		f->frame_s = more;
	}
	/* frames of two devices may be a little out of order */
	if (t_s > r->last_s)
		r->last_s = t_s;
	f->frame_s[f->nframes++] = r->last_s;
	return 0;
}

static int on_event(struct reading *r, const struct trace_event *event)
{
	bool ours = !r->device || event->device == r->device;
	double t_s;

	if (r->events++ == 0) {
		r->first_ns = event->t_ns;
		heat_init(r->facts->heat, event->t_ns);
	}
	r->last_ns = event->t_ns > r->last_ns ? event->t_ns : r->last_ns;
	t_s = event->t_ns > r->first_ns ? (double)(event->t_ns - r->first_ns) * 1e-9 : 0;
	if (t_s > r->facts->duration_s)
		r->facts->duration_s = t_s;
	switch (event->kind) {
	case TRACE_REQ_MAP:
		if (ours)
			add_size(r->facts, event->arg[TRACE_REQ_LEN]);
		return ours ? add_life(r, event) : 0;
	case TRACE_REQ_UNMAP:
		return ours ? add_life(r, event) : 0;
	case TRACE_RESET:
		return add_life(r, event);
	case TRACE_FRAME:
		return ours || !event->device ? add_frame(r, t_s) : 0;
	case TRACE_MARK:
		add_mark(r, t_s, event->arg[0]);
		return 0;
	case TRACE_GAP:
		r->facts->lost_events += event->arg[0];
		return 0;
	default:
		return 0;
	}
}

static int read_events(struct reading *r, bool skip_damaged, char *error)
{
	struct trace_cursor *cursor = NULL;
	struct trace_event event;
	int rc = trace_cursor_open(r->trace, skip_damaged, &cursor);

	if (rc) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot read events: %s", strerror(-rc));
		return rc;
	}
	while ((rc = trace_next(cursor, &event, error)) == 1) {
		rc = on_event(r, &event);
		if (rc) {
			snprintf(error, TRACE_ERROR_BYTES, "%s", strerror(-rc));
			break;
		}
	}
	heat_finish(r->facts->heat, r->last_ns);
	r->facts->damaged = trace_cursor_damaged(cursor);
	trace_cursor_close(cursor);
	return rc;
}

int facts_read(struct facts *f, const char *path, const char *device, bool skip_damaged, char *error)
{
	struct reading r = { .facts = f };
	/* the end of a long path says more than its beginning */
	const char *complete, *shown = strlen(path) > PATH_SHOWN ? path + strlen(path) - PATH_SHOWN : path;
	char why[TRACE_ERROR_BYTES] = "";
	int rc;

	memset(f, 0, sizeof(*f));
	rc = trace_open(path, &r.trace, error);
	if (rc)
		return rc;
	copy_meta(r.trace, TRACE_META_PROVENANCE, f->provenance);
	copy_meta(r.trace, TRACE_META_ORIGIN, f->origin);
	copy_meta(r.trace, TRACE_META_WORKLOAD, f->workload);
	copy_meta(r.trace, TRACE_META_LIMITS, f->limits);
	complete = trace_meta(r.trace, TRACE_META_COMPLETE);
	f->complete = complete && strcmp(complete, "yes") == 0;
	rc = find_device(&r, device, why);
	f->heat = malloc(sizeof(*f->heat));
	if (f->heat)
		heat_init(f->heat, 0);
	r.pairing = pairing_new(r.trace);
	if (rc == 0 && (!r.pairing || !f->heat))
		rc = -ENOMEM;
	if (rc == 0)
		rc = read_events(&r, skip_damaged, why);
	pairing_free(r.pairing);
	if (rc)
		snprintf(error, TRACE_ERROR_BYTES, "%s%s: %.160s", shown == path ? "" : "…", shown, why);
	trace_close(r.trace);
	return rc;
}

void facts_destroy(struct facts *f)
{
	free(f->frame_s);
	free(f->heat);
	memset(f, 0, sizeof(*f));
}
