/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/measured.h"

int measured_init(struct measured *m)
{
	memset(m, 0, sizeof(*m));
	m->row.measured = true;
	return slots_init(&m->mappings);
}

void measured_destroy(struct measured *m)
{
	series_destroy(&m->series);
	slots_destroy(&m->mappings);
}

static void sample(struct measured *m, u64 t_ns, const struct slots *requests)
{
	struct series_point p = {
		.live_requests = requests->used,
		.live_request_bytes = requests->used_bytes,
		.live_mappings = m->mappings.used,
		.mapped_bytes = m->mappings.used_bytes,
		.host_calls = m->row.host_maps + m->row.host_unmaps,
		.failures = m->row.failures,
	};

	series_add(&m->series, t_ns, &p);
}

int measured_mapping(struct measured *m, const struct trace_event *event, const struct slots *requests)
{
	struct span at_iova = { event->arg[TRACE_MAP_IOVA], event->arg[TRACE_MAP_LEN] };
	bool map = event->kind == TRACE_MAP;
	u32 slot;
	int rc = 0;

	m->events++;
	if (map)
		m->row.host_maps++;
	else
		m->row.host_unmaps++;
	if (event->status)
		m->row.host_failures++;
	else if (map)
		rc = slots_push(&m->mappings, event->device, at_iova, at_iova.start, &slot);
	else
		slots_pop(&m->mappings, event->device, at_iova, at_iova.start);
	m->row.peak_mappings = m->mappings.peak;
	m->row.peak_mapped_bytes = m->mappings.peak_bytes;
	m->row.end_mappings = m->mappings.used;
	sample(m, event->t_ns, requests);
	return rc;
}

void measured_batch(struct measured *m, const struct batch *batch, const struct slots *requests, const char *phase)
{
	struct row *row = &m->row;
	u32 i;

	for (i = 0; batch->kind == TRACE_REQ_MAP && i < batch->n; i++) {
		const struct batch_item *item = &batch->items[i];

		row->requests++;
		if (item->status)
			row_fail(row, row->requests, item->t_ns, item->status, phase);
		else if (item->rec_flags & COMPANION_REC_HIT)
			row->hits++;
		if (item->align_log2)
			row->align_wanted++;
		if (item->rec_flags & COMPANION_REC_DOWNGRADED)
			row->align_downgraded++;
		if (item->rec_flags & COMPANION_REC_MISALIGNED)
			row->align_missed++;
	}
	row->peak_granted_bytes = requests->peak_bytes;
	sample(m, batch->items[batch->n - 1].t_ns, requests);
}
