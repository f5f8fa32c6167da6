/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What of a trace is shown, and as what. */
#include "tracer/export/perfetto.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/export/export.h"

#define TEXT_MAX 1024u

/* ---- counters ---- */

static uint64_t step_of(const struct perfetto *x, uint64_t t_ns)
{
	return t_ns <= x->first_ns ? 0 : (t_ns - x->first_ns) / x->step_ns;
}

static int put_points(struct perfetto *x, unsigned int device, enum perfetto_counter counter, const struct thin_point *points, unsigned int n)
{
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++)
		err = perfetto_point(x, device, counter, &points[i]);
	return err;
}

static int count(struct perfetto *x, unsigned int device, enum perfetto_counter counter, uint64_t t_ns, int64_t value)
{
	struct thin_point keep[4];
	unsigned int n = thin_add(&x->device[device].curve[counter], step_of(x, t_ns), t_ns, value, keep);

	return put_points(x, device, counter, keep, n);
}

static int64_t plus(int64_t a, uint64_t b)
{
	return b > (uint64_t)(INT64_MAX - a) ? INT64_MAX : a + (int64_t)b;
}

static int64_t minus(int64_t a, uint64_t b)
{
	return b > (uint64_t)a ? 0 : a - (int64_t)b;
}

/* maps and unmaps, of requests or of mappings; one that failed changed nothing */
static int live(struct perfetto *x, const struct trace_event *e, bool more, enum perfetto_counter number, enum perfetto_counter bytes)
{
	struct perfetto_device *d = &x->device[e->device];
	uint64_t len = e->arg[TRACE_MAP_LEN];
	int err;

	if (e->status)
		return 0;
	d->value[number] = more ? plus(d->value[number], 1) : minus(d->value[number], 1);
	d->value[bytes] = more ? plus(d->value[bytes], len) : minus(d->value[bytes], len);
	err = count(x, e->device, number, e->t_ns, d->value[number]);
	return err ? err : count(x, e->device, bytes, e->t_ns, d->value[bytes]);
}

/* ---- instants, frames, phases ---- */

static int left_out(struct perfetto *x, unsigned int device, enum perfetto_thread thread)
{
	struct perfetto_burst *b = &x->device[device].burst[thread];
	uint64_t n = b->n > PERFETTO_BURST ? b->n - PERFETTO_BURST : 0;
	struct proto p;
	int err;

	b->n = 0;
	if (!n)
		return 0;
	err = perfetto_begin(x, &p, device, perfetto_thread_track(thread), PERFETTO_TYPE_INSTANT, "more, left out");
	perfetto_note_number(&p, "count", n);
	return err ? err : perfetto_put(x, b->last_ns, &p);
}

/* Return: 1 if the instant is to be shown; 0 if too many came at once and it is only counted; negative errno */
static int instant_wanted(struct perfetto *x, unsigned int device, enum perfetto_thread thread, uint64_t t_ns)
{
	struct perfetto_burst *b = &x->device[device].burst[thread];
	uint64_t step = step_of(x, t_ns);
	int err = step > b->step ? left_out(x, device, thread) : 0;

	if (step > b->step)
		b->step = step;
	b->last_ns = t_ns;
	return err ? err : ++b->n <= PERFETTO_BURST;
}

static int interrupt(struct perfetto *x, const struct trace_event *e)
{
	static const char *const types[] = { "INTx", "MSI", "MSI-X" };
	int err = instant_wanted(x, e->device, PERFETTO_INTERRUPTS, e->t_ns);
	struct proto p;
	char name[64];

	if (err <= 0)
		return err;
	snprintf(name, sizeof(name), "%s %" PRIu64 "%s", e->arg[0] < 3 ? types[e->arg[0]] : "interrupt", e->arg[1], e->arg[2] ? "" : " (nobody listens)");
	err = perfetto_begin(x, &p, e->device, perfetto_thread_track(PERFETTO_INTERRUPTS), PERFETTO_TYPE_INSTANT, name);
	perfetto_note_number(&p, "vector", e->arg[1]);
	perfetto_note_number(&p, "delivered", e->arg[2]);
	return err ? err : perfetto_put(x, e->t_ns, &p);
}

static int fault(struct perfetto *x, const struct trace_event *e)
{
	int err = instant_wanted(x, e->device, PERFETTO_FAULTS, e->t_ns);
	struct proto p;

	if (err <= 0)
		return err;
	err = perfetto_begin(x, &p, e->device, perfetto_thread_track(PERFETTO_FAULTS), PERFETTO_TYPE_INSTANT, e->arg[3] & 1 ? "fault, write" : "fault, read");
	perfetto_note_address(&p, "iova", e->arg[0]);
	perfetto_note_number(&p, "len", e->arg[1]);
	perfetto_note_number(&p, "engine", e->arg[2]);
	return err ? err : perfetto_put(x, e->t_ns, &p);
}

/* a frame event is the end of one; the first has no known start */
static int frame(struct perfetto *x, const struct trace_event *e)
{
	struct perfetto_device *d = &x->device[e->device];
	uint64_t start_ns = d->frame_ns;
	bool first = !d->has_frame;
	char name[32];
	int err;

	d->has_frame = true;
	d->frame_ns = e->t_ns;
	if (first || e->t_ns <= start_ns)
		return 0;
	snprintf(name, sizeof(name), "frame %" PRIu64, e->arg[0]);
	err = perfetto_slice(x, e->device, PERFETTO_FRAMES, name, start_ns, e->t_ns);
	return err ? err : count(x, e->device, PERFETTO_FPS, e->t_ns, (int64_t)(1000000000000u / (e->t_ns - start_ns)));
}

static int end_phase(struct perfetto *x, unsigned int device, uint64_t t_ns)
{
	struct perfetto_device *d = &x->device[device];
	const char *text = d->phase ? trace_string(x->trace, d->phase) : NULL;
	char name[TEXT_MAX];

	if (!d->phase)
		return 0;
	snprintf(name, sizeof(name), "%s", text ? text : "?");
	return perfetto_slice(x, device, PERFETTO_PHASES, name, d->phase_ns, t_ns > d->phase_ns ? t_ns : d->phase_ns);
}

static int phase(struct perfetto *x, const struct trace_event *e)
{
	int err = end_phase(x, e->device, e->t_ns);

	x->device[e->device].phase = e->arg[0];
	x->device[e->device].phase_ns = e->t_ns;
	return err;
}

/* ---- the trace ---- */

static int need_device(struct perfetto *x, unsigned int device)
{
	const char *name = device ? trace_device_name(x->trace, device) : "trace", *provenance = trace_meta(x->trace, TRACE_META_PROVENANCE);
	struct perfetto_device *more;

	if (device >= x->devices) {
		more = realloc(x->device, (device + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		memset(more + x->devices, 0, (device + 1 - x->devices) * sizeof(*more));
		x->device = more;
		x->devices = device + 1;
	}
	if (!x->device[device].name[0])
		snprintf(x->device[device].name, sizeof(x->device[device].name), "egpu %s (%s)", name ? name : "?", provenance ? provenance : "?");
	return 0;
}

/* what the trace says about itself, as instants at its beginning */
static int put_about(struct perfetto *x)
{
	const char *key, *value;
	unsigned int row = 0;
	char name[TEXT_MAX], text[TEXT_MAX];
	struct proto p;
	int err = need_device(x, 0);

	while (!err && trace_meta_next(x->trace, &row, &key, &value)) {
		err = perfetto_begin(x, &p, 0, perfetto_thread_track(PERFETTO_PHASES), PERFETTO_TYPE_INSTANT, "about this trace");
		snprintf(name, sizeof(name), "%s", key);
		snprintf(text, sizeof(text), "%s", value ? value : "");
		perfetto_note_text(&p, name, text);
		if (!err)
			err = perfetto_put(x, x->first_ns, &p);
	}
	return err;
}

static int put_trace_event(struct perfetto *x, const struct trace_event *e)
{
	int err = need_device(x, e->device);

	if (err)
		return err;
	switch (e->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP: return live(x, e, e->kind == TRACE_MAP, PERFETTO_MAPPINGS, PERFETTO_MAPPED);
	case TRACE_REQ_MAP:
	case TRACE_REQ_UNMAP: return live(x, e, e->kind == TRACE_REQ_MAP, PERFETTO_REQUESTS, PERFETTO_REQUESTED);
	case TRACE_IRQ: return interrupt(x, e);
	case TRACE_FAULT: return fault(x, e);
	case TRACE_FRAME: return frame(x, e);
	case TRACE_MARK: return phase(x, e);
	}
	return 0;
}

static int put_rest(struct perfetto *x)
{
	struct thin_point keep[4];
	int err = 0;

	for (unsigned int i = 0; i < x->devices && !err; i++) {
		err = end_phase(x, i, x->last_ns);
		for (unsigned int t = 0; t < PERFETTO_THREADS && !err; t++)
			err = left_out(x, i, t);
		for (unsigned int c = 0; c < PERFETTO_COUNTERS && !err; c++)
			err = put_points(x, i, c, keep, thin_end(&x->device[i].curve[c], keep));
	}
	return err;
}

static int write_events(struct perfetto *x, struct feed *feed, char *error)
{
	struct trace_event event;
	int got, err = put_about(x);

	while (!err && (got = feed_next(feed, &event, x->out, error)) != 0) {
		if (got < 0)
			return got;
		x->last_ns = event.t_ns > x->last_ns ? event.t_ns : x->last_ns;
		err = put_trace_event(x, &event);
	}
	if (!err)
		err = put_rest(x);
	return err ? trace_fail(error, err, "cannot write: %s", strerror(-err)) : 0;
}

int perfetto_write(struct feed *feed, FILE *out, char *error)
{
	struct perfetto x = { .trace = feed->trace, .out = out };
	struct trace_summary summary;
	int err = trace_summary(feed->trace, &summary);

	if (err)
		return trace_fail(error, err, "%s", strerror(-err));
	x.first_ns = summary.t_first_ns;
	x.step_ns = summary.t_last_ns > x.first_ns ? (summary.t_last_ns - x.first_ns) / PERFETTO_STEPS + 1 : 1;
	err = write_events(&x, feed, error);
	free(x.device);
	return err;
}
