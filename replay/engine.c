/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/engine.h"

#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_EVENTS 0x10000u

static int track_bound(struct engine *e, const struct batch *batch, const struct batch_item *item)
{
	if (e->cells_n == 0 || item->slot == SLOTS_NONE)
		return 0;
	return batch->kind == TRACE_REQ_MAP ? bound_map(&e->bound, item->gpa, item->t_ns) : bound_unmap(&e->bound, item->gpa);
}

/* which requests are live: the recorded driver's view, the same for every policy */
static int track_batch(struct engine *e, struct batch *batch)
{
	u32 i;
	int rc = 0;

	for (i = 0; i < batch->n && rc == 0; i++) {
		struct batch_item *item = &batch->items[i];

		item->slot = SLOTS_NONE;
		if (batch->kind == TRACE_REQ_UNMAP) {
			if (item->status == 0)
				item->slot = slots_pop(&e->live, batch->device, item->gpa, item->iova);
			e->unmatched_unmaps += item->slot == SLOTS_NONE;
			rc = track_bound(e, batch, item);
			continue;
		}
		e->requests++;
		if (item->status == 0)
			rc = slots_push(&e->live, batch->device, item->gpa, item->iova, &item->slot);
		/* only if the file was replaced between the two decodes */
		if (e->cells_n && item->slot != SLOTS_NONE && item->slot >= e->slots)
			return -ESTALE;
		rc = rc ? rc : track_bound(e, batch, item);
	}
	return rc;
}

static int run_batch(void *ctx, struct batch *batch)
{
	struct engine *e = ctx;
	u32 i;
	int rc = track_batch(e, batch);

	if (rc || e->cells_n == 0)
		return rc;
	for (i = 0; i < e->cells_n; i++)
		cell_run(&e->cells[i], batch, e->phase);
	measured_batch(&e->measured, batch, &e->live, e->phase);
	return 0;
}

/* a reset of the companion ends all mappings; a reset of the GPU leaves them */
static int on_reset(struct engine *e, const struct trace_event *event)
{
	const char *identity = trace_device_identity(e->trace, event->device);
	char companion[16];
	u32 i;
	int rc;

	snprintf(companion, sizeof(companion), "%04x:%04x", COMPANION_VENDOR_ID, COMPANION_DEVICE_ID);
	if (!identity || strncmp(identity, companion, strlen(companion)) != 0)
		return 0;
	rc = batches_flush(&e->batches);
	for (i = 0; i < e->cells_n; i++)
		cell_reset(&e->cells[i], event->t_ns);
	if (e->cells_n)
		bound_reset(&e->bound);
	slots_clear(&e->live);
	return rc;
}

/* a guest that loads its module again may say another policy; then no one policy was measured */
static void on_policy(struct engine *e, const char *policy)
{
	char *label = e->measured.row.policy;

	if (!policy || strcmp(label, policy) == 0)
		return;
	if (label[0])
		e->policy_changes++;
	snprintf(label, sizeof(e->measured.row.policy), "%s", policy);
}

static int on_event(struct engine *e, const struct trace_event *event)
{
	switch (event->kind) {
	case TRACE_REQ_MAP:
	case TRACE_REQ_UNMAP:
		return !e->device || event->device == e->device ? batches_add(&e->batches, event) : 0;
	case TRACE_MAP:
	case TRACE_UNMAP:
		if (e->cells_n == 0 || (e->device && event->device != e->device))
			return 0;
		return measured_mapping(&e->measured, event, &e->live);
	case TRACE_MARK:
		e->phase = trace_string(e->trace, event->arg[0]);
		return 0;
	case TRACE_POLICY:
		on_policy(e, trace_string(e->trace, event->arg[0]));
		return 0;
	case TRACE_GAP:
		e->lost_events += event->arg[0];
		return 0;
	case TRACE_RESET:
		return on_reset(e, event);
	default:
		return 0;
	}
}

static void explain(char *error, int rc)
{
	if (rc == -E2BIG)
		snprintf(error, TRACE_ERROR_BYTES, "more than %u requests or mappings are live at once: is the trace whole? try --device",
			 SLOTS_MAX);
	else if (rc == -ENOMEM)
		snprintf(error, TRACE_ERROR_BYTES, "out of memory: replay fewer policies at a time");
	else if (rc == -ESTALE)
		snprintf(error, TRACE_ERROR_BYTES, "the trace changed while it was read: run again");
	else if (rc == -EINVAL)
		snprintf(error, TRACE_ERROR_BYTES, "an event names a device that the trace does not list: run egpu-trace verify");
}

static void note_time(struct engine *e, u64 t_ns)
{
	if (e->events++ == 0)
		e->start_ns = e->end_ns = t_ns;
	else if (t_ns > e->end_ns)
		e->end_ns = t_ns;
}

static int replay_events(struct engine *e, struct trace_cursor *cursor, u64 total, unsigned int percent, char *error)
{
	const struct engine_options *o = e->options;
	struct trace_event event;
	int rc = 0;

	/* a trace that is still being recorded has more events in the second pass; they are left out */
	while ((!e->cells_n || e->events < e->last_event) && (rc = trace_next(cursor, &event, error)) == 1) {
		note_time(e, event.t_ns);
		rc = on_event(e, &event);
		if (rc) {
			explain(error, rc);
			return rc;
		}
		if (o->progress && e->events % PROGRESS_EVENTS == 0 && total)
			o->progress(o->progress_ctx, percent + (unsigned int)(e->events * 50 / total));
	}
	if (rc < 0)
		return rc;
	rc = batches_flush(&e->batches);
	if (rc)
		explain(error, rc);
	return rc;
}

static int pass(struct engine *e, unsigned int percent, char *error)
{
	struct trace_summary summary = { 0 };
	struct trace_cursor *cursor = NULL;
	int rc;

	slots_clear(&e->live);
	e->phase = NULL;
	e->measured.row.policy[0] = '\0';
	e->policy_changes = 0;
	e->events = e->requests = e->unmatched_unmaps = e->lost_events = 0;
	trace_summary(e->trace, &summary);
	rc = trace_cursor_open(e->trace, e->options->skip_damaged, &cursor);
	if (rc) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot read events: %s", strerror(-rc));
		return rc;
	}
	rc = replay_events(e, cursor, summary.events, percent, error);
	e->damaged_chunks = trace_cursor_damaged(cursor);
	trace_cursor_close(cursor);
	return rc;
}

static int find_device(struct engine *e, char *error)
{
	unsigned int i, n = trace_devices(e->trace);
	size_t at;

	if (!e->options->device)
		return 0;
	at = (size_t)snprintf(error, TRACE_ERROR_BYTES, "no device %.64s in this trace; it has:", e->options->device);
	for (i = 1; i <= n; i++) {
		const char *name = trace_device_name(e->trace, i);

		if (name && strcmp(name, e->options->device) == 0) {
			e->device = i;
			return 0;
		}
		if (at < TRACE_ERROR_BYTES)
			at += (size_t)snprintf(error + at, TRACE_ERROR_BYTES - at, " %s", name ? name : "?");
	}
	return -ENODEV;
}

static int make_cells(struct engine *e, char *error)
{
	const struct engine_options *o = e->options;
	u32 i;
	int rc = -ENOMEM;

	e->slots = (u32)e->live.peak;
	e->last_event = e->events;
	e->cells = calloc(o->policies_n, sizeof(*e->cells));
	if (!e->cells)
		goto out_error;
	for (i = 0; i < o->policies_n; i++) {
		rc = cell_init(&e->cells[i], &o->policies[i], o->limits, e->slots);
		if (rc)
			goto out_error;
		e->cells_n++;
		rc = o->bins ? series_init(&e->cells[i].series, o->bins, e->start_ns, e->end_ns) : 0;
		if (rc)
			goto out_error;
	}
	rc = bound_init(&e->bound, o->limits);
	if (rc)
		goto out_error;
	rc = o->bins ? series_init(&e->measured.series, o->bins, e->start_ns, e->end_ns) : 0;
	if (rc)
		goto out_error;
	return 0;

out_error:
	explain(error, rc);
	if (rc == -EINVAL)
		snprintf(error, TRACE_ERROR_BYTES, "a policy does not go with granules of 2^%u bytes", o->limits->granule_log2);
	return rc;
}

static void complete_rows(struct engine *e)
{
	const char *policy = trace_meta(e->trace, TRACE_META_POLICY);
	u32 i;

	bound_look(&e->bound);
	for (i = 0; i < e->cells_n; i++) {
		struct row *row = &e->cells[i].row;

		cell_finish(&e->cells[i]);
		row->peak_requests = e->live.peak;
		row->peak_request_bytes = e->live.peak_bytes;
		row->unmatched_unmaps = e->unmatched_unmaps;
	}
	e->measured.row.peak_requests = e->live.peak;
	e->measured.row.peak_request_bytes = e->live.peak_bytes;
	e->measured.row.unmatched_unmaps = e->unmatched_unmaps;
	if (e->policy_changes)
		snprintf(e->measured.row.policy, sizeof(e->measured.row.policy), "several");
	else if (!e->measured.row.policy[0])
		snprintf(e->measured.row.policy, sizeof(e->measured.row.policy), "%s", policy ? policy : "unknown");
}

int engine_run(struct engine *e, struct trace *trace, const struct engine_options *options, char *error)
{
	int rc;

	memset(e, 0, sizeof(*e));
	e->options = options;
	e->trace = trace;
	error[0] = '\0';
	rc = slots_init(&e->live);
	if (rc == 0)
		rc = measured_init(&e->measured);
	if (rc == 0)
		rc = batches_init(&e->batches, trace_devices(trace), run_batch, e);
	if (rc) {
		explain(error, rc);
		return rc;
	}
	rc = find_device(e, error);
	if (rc)
		return rc;
	rc = pass(e, 0, error);
	if (rc)
		return rc;
	if (e->requests == 0) {
		snprintf(error, TRACE_ERROR_BYTES, "no requests (req_map events) to replay%s", e->device ? " from this device" : "");
		return -ENODATA;
	}
	rc = make_cells(e, error);
	if (rc)
		return rc;
	rc = pass(e, 50, error);
	if (rc)
		return rc;
	complete_rows(e);
	return 0;
}

void engine_destroy(struct engine *e)
{
	u32 i;

	for (i = 0; i < e->cells_n; i++)
		cell_destroy(&e->cells[i]);
	free(e->cells);
	bound_destroy(&e->bound);
	measured_destroy(&e->measured);
	batches_destroy(&e->batches);
	slots_destroy(&e->live);
}
