/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/engine.h"

#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_EVENTS 0x10000u

/* the second decode; the first only finds how much is live */
static bool feeding(const struct engine *e)
{
	return e->lab.cells_n != 0;
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
			continue;
		}
		e->requests++;
		if (!feeding(e))
			rc = foreseen_add(&e->foreseen, item->gpa);
		if (rc == 0 && item->status == 0)
			rc = slots_push(&e->live, batch->device, item->gpa, item->iova, &item->slot);
		/* only if the file was replaced between the two decodes */
		if (feeding(e) && item->slot != SLOTS_NONE && item->slot >= e->slots)
			return -ESTALE;
	}
	return rc;
}

static int run_batch(void *ctx, struct batch *batch)
{
	struct engine *e = ctx;
	int rc = track_batch(e, batch);

	if (rc || !feeding(e))
		return rc;
	measured_batch(&e->measured, batch, &e->live, e->phase);
	return lab_add(&e->lab, batch, e->phase);
}

/* a reset of the companion ends all mappings; a reset of the GPU leaves them */
static int on_reset(struct engine *e, const struct trace_event *event)
{
	const char *identity = trace_device_identity(e->trace, event->device);
	char companion[16];
	int rc;

	snprintf(companion, sizeof(companion), "%04x:%04x", COMPANION_VENDOR_ID, COMPANION_DEVICE_ID);
	if (!identity || strncmp(identity, companion, strlen(companion)) != 0)
		return 0;
	rc = batches_flush(&e->batches);
	slots_clear(&e->live);
	if (rc || !feeding(e))
		return rc;
	return lab_reset(&e->lab, event->t_ns);
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
		if (!feeding(e) || (e->device && event->device != e->device))
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
	else if (rc == -EAGAIN)
		snprintf(error, TRACE_ERROR_BYTES, "cannot start that many threads: give fewer with --threads");
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
	while ((!feeding(e) || e->events < e->last_event) && (rc = trace_next(cursor, &event, error)) == 1) {
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

static int make_series(struct engine *e)
{
	struct series_point first = { 0 };
	u32 i;
	int rc = series_init(&e->measured.series, e->options->bins, e->start_ns, e->end_ns, &first);

	for (i = 0; i < e->lab.cells_n && rc == 0; i++) {
		first.space = dart_space(e->lab.cells[i].dart);
		rc = series_init(&e->lab.cells[i].series, e->options->bins, e->start_ns, e->end_ns, &first);
	}
	return rc;
}

static int make_cells(struct engine *e, const struct cell_spec *cells, u32 n, char *error)
{
	int rc = lab_init(&e->lab, cells, n, e->options->threads, e->slots, &e->foreseen);

	if (rc == 0)
		rc = measured_init(&e->measured);
	if (rc == 0 && e->options->bins)
		rc = make_series(e);
	if (rc == -EINVAL)
		snprintf(error, TRACE_ERROR_BYTES, "policy '%s' does not go with granules of 2^%u bytes",
			 cells[e->lab.cells_n].config.policy->name, cells[e->lab.cells_n].limits.granule_log2);
	else
		explain(error, rc);
	return rc;
}

static void complete_rows(struct engine *e)
{
	const char *policy = trace_meta(e->trace, TRACE_META_POLICY);
	u32 i;

	for (i = 0; i < e->lab.cells_n; i++) {
		struct row *row = &e->lab.cells[i].row;

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

int engine_open(struct engine *e, struct trace *trace, const struct engine_options *options, char *error)
{
	int rc;

	memset(e, 0, sizeof(*e));
	e->options = options;
	e->trace = trace;
	error[0] = '\0';
	rc = slots_init(&e->live);
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
	foreseen_settle(&e->foreseen);
	e->slots = (u32)e->live.peak;
	e->last_event = e->events;
	return 0;
}

int engine_replay(struct engine *e, const struct cell_spec *cells, u32 n, char *error)
{
	int rc;

	lab_destroy(&e->lab);
	measured_destroy(&e->measured);
	rc = make_cells(e, cells, n, error);
	if (rc)
		return rc;
	rc = pass(e, 50, error);
	if (rc)
		return rc;
	rc = lab_finish(&e->lab);
	explain(error, rc);
	if (rc == 0)
		complete_rows(e);
	return rc;
}

void engine_destroy(struct engine *e)
{
	lab_destroy(&e->lab);
	measured_destroy(&e->measured);
	batches_destroy(&e->batches);
	foreseen_destroy(&e->foreseen);
	slots_destroy(&e->live);
}
