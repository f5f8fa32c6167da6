/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/cell.h"

#include <stdlib.h>

#include "replay/slots.h"

#define NO_IOVA (~(u64)0)
#define AHEAD_ITEMS 16u /* requests whose memory is fetched together */

static int cell_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct cell *cell = ctx;
	u32 i;

	for (i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];

		if (op == COMPANION_OP_MAP)
			e->status = dart_map(cell->dart, (struct span){ e->gpa, e->len }, &e->iova);
		else
			e->status = dart_unmap(cell->dart, e->iova, NULL);
	}
	return 0;
}

/* room enough that only the DART can refuse: what is live, and what one slice has asked for but not got yet */
static void set_sizes(struct coalesce_config *config, const struct dart_limits *limits, u32 slots)
{
	u64 mappings = limits->max_mappings < slots ? limits->max_mappings : slots;

	config->granule_log2 = limits->granule_log2;
	config->max_bytes = limits->max_bytes;
	config->host_mappings = limits->max_mappings;
	config->batch_max = BATCH_ITEMS_MAX;
	config->max_mappings = (u32)mappings + BATCH_ITEMS_MAX;
	config->max_requests = slots + BATCH_ITEMS_MAX;
}

u64 cell_bytes(const struct cell_spec *spec, u32 slots)
{
	struct coalesce_config sized = spec->config;
	u64 state_bytes;

	set_sizes(&sized, &spec->limits, slots);
	state_bytes = coalesce_state_bytes(&sized);
	if (state_bytes == 0)
		return 0;
	return state_bytes + ((u64)slots + 1) * sizeof(u64) +
	       BATCH_ITEMS_MAX * (sizeof(struct companion_entry) + sizeof(struct coalesce_request));
}

/* Return: 0 or -ENOMEM */
static int prepare_lab(struct cell *cell, struct coalesce_config *sized, const struct foreseen *foreseen)
{
	int rc = 0;

	cell->lab = policies_find(sized->policy);
	if (cell->lab && cell->lab->prepare)
		rc = cell->lab->prepare(sized, foreseen);
	if (rc == 0)
		cell->lab_state = (void *)sized->lab;
	return rc;
}

int cell_init(struct cell *cell, const struct cell_spec *spec, u32 slots, const struct foreseen *foreseen)
{
	struct coalesce_host host = { cell_submit, cell };
	struct coalesce_config sized = spec->config;
	size_t state_bytes;

	memset(cell, 0, sizeof(*cell));
	cell->spec = *spec;
	set_sizes(&sized, &spec->limits, slots);
	state_bytes = coalesce_state_bytes(&sized);
	if (state_bytes == 0)
		return -EINVAL;
	cell->state = malloc(state_bytes);
	cell->entries = malloc(BATCH_ITEMS_MAX * sizeof(*cell->entries));
	cell->requests = malloc(BATCH_ITEMS_MAX * sizeof(*cell->requests));
	cell->slot_iova = calloc((size_t)slots + 1, sizeof(*cell->slot_iova));
	cell->dart = dart_new(&spec->limits);
	if (prepare_lab(cell, &sized, foreseen) || !cell->state || !cell->entries || !cell->requests || !cell->slot_iova || !cell->dart) {
		cell_destroy(cell);
		return -ENOMEM;
	}
	cell->coalesce = coalesce_init(cell->state, &sized, &host, cell->entries);
	coalesce_format(&sized, cell->row.policy, sizeof(cell->row.policy));
	return 0;
}

void cell_destroy(struct cell *cell)
{
	series_destroy(&cell->series);
	if (cell->lab && cell->lab->release)
		cell->lab->release(cell->lab_state);
	dart_free(cell->dart);
	free(cell->slot_iova);
	free(cell->requests);
	free(cell->entries);
	free(cell->state);
	memset(cell, 0, sizeof(*cell));
}

static void sample(struct cell *cell, u64 t_ns)
{
	const struct coalesce_stats *s = coalesce_stats(cell->coalesce);
	struct series_point p;

	if (!cell->series.bins)
		return;
	p = (struct series_point){
		.live_requests = s->live_requests,
		.live_request_bytes = s->live_request_bytes,
		.live_mappings = s->live_mappings,
		.mapped_bytes = s->live_mapped_bytes,
		.host_calls = s->host_maps + s->host_unmaps,
		.failures = cell->row.failures,
		.space = dart_space(cell->dart),
	};
	series_add(&cell->series, t_ns, &p);
}

/* what was kept until @t_ns a device could reach until then */
static void expose(struct cell *cell, u64 t_ns)
{
	if (t_ns > cell->kept_t_ns) {
		cell->kept_byte_ns += (unsigned __int128)cell->kept_bytes * (t_ns - cell->kept_t_ns);
		cell->kept_t_ns = t_ns;
	}
	cell->kept_bytes = coalesce_kept_bytes(cell->coalesce);
}

/* a request that a laboratory policy moves; one that it has no room for is made empty, so that core refuses it too */
static void place(struct cell *cell, struct coalesce_request *r)
{
	if (!cell->lab || !cell->lab->place)
		return;
	if (!cell->lab->place(cell->lab_state, r))
		r->gpa.len = 0;
}

/* @r has been mapped, or has not: what was moved was copied, or leaves */
static void placed(struct cell *cell, struct coalesce_request *r)
{
	if (!cell->lab || !cell->lab->place)
		return;
	if (r->status == 0)
		cell->row.copied_bytes += r->dir & COMPANION_DIR_TO_DEVICE ? r->gpa.len : 0;
	else if (r->gpa.len)
		cell->lab->leave(cell->lab_state, r);
	else
		r->status = -ENOBUFS;
}

static void left(struct cell *cell, const struct coalesce_request *r)
{
	if (!cell->lab || !cell->lab->place || r->status)
		return;
	cell->row.copied_bytes += r->dir & COMPANION_DIR_FROM_DEVICE ? r->gpa.len : 0;
	cell->lab->leave(cell->lab_state, r);
}

static void unmap(struct cell *cell, struct coalesce_request *reqs, u32 n)
{
	u32 i;

	coalesce_unmap(cell->coalesce, reqs, n);
	for (i = 0; i < n; i++)
		left(cell, &reqs[i]);
}

static void run_map(struct cell *cell, const struct batch *batch, const char *phase)
{
	struct coalesce_request *reqs = cell->requests;
	u32 i, orphans = 0;

	for (i = 0; i < batch->n; i++) {
		const struct batch_item *item = &batch->items[i];

		reqs[i] = (struct coalesce_request){ .gpa = item->gpa, .dir = item->dir, .align_log2 = item->align_log2 };
		place(cell, &reqs[i]);
	}
	coalesce_map(cell->coalesce, reqs, batch->n);
	for (i = 0; i < batch->n; i++) {
		const struct batch_item *item = &batch->items[i];

		placed(cell, &reqs[i]);
		cell->row.requests++;
		if (reqs[i].status)
			row_fail(&cell->row, cell->row.requests, item->t_ns, reqs[i].status, phase);
		if (item->slot != SLOTS_NONE)
			cell->slot_iova[item->slot] = reqs[i].status ? NO_IOVA : reqs[i].iova;
		else if (reqs[i].status == 0)
			reqs[orphans++] = reqs[i];
	}
	sample(cell, batch->items[batch->n - 1].t_ns);
	if (orphans == 0)
		return;
	cell->row.lifetime_unknown += orphans;
	unmap(cell, reqs, orphans);
	sample(cell, batch->items[batch->n - 1].t_ns);
}

static void run_unmap(struct cell *cell, const struct batch *batch)
{
	struct coalesce_request *reqs = cell->requests;
	u32 i, n = 0;

	for (i = 0; i < batch->n; i++) {
		const struct batch_item *item = &batch->items[i];

		if (item->slot == SLOTS_NONE)
			continue;
		if (cell->slot_iova[item->slot] == NO_IOVA) {
			cell->row.skipped_unmaps++;
			continue;
		}
		reqs[n++] = (struct coalesce_request){ .gpa.len = item->gpa.len, .iova = cell->slot_iova[item->slot], .dir = item->dir };
	}
	if (n)
		unmap(cell, reqs, n);
	sample(cell, batch->items[batch->n - 1].t_ns);
}

/* what the items of @parts will touch, as far as it is known before they are run */
static void look_ahead(const struct cell *cell, const struct block_part *parts, u32 n)
{
	struct coalesce_ahead ahead[AHEAD_ITEMS];
	u32 slot[AHEAD_ITEMS];
	u32 i, k, items_n = 0;

	for (i = 0; i < n; i++) {
		const struct batch *batch = &parts[i].batch;

		for (k = 0; k < batch->n && items_n < AHEAD_ITEMS; k++) {
			const struct batch_item *item = &batch->items[k];

			if (item->slot == SLOTS_NONE)
				continue;
			__builtin_prefetch(&cell->slot_iova[item->slot], 1);
			slot[items_n] = batch->kind == TRACE_REQ_MAP ? SLOTS_NONE : item->slot;
			ahead[items_n++].gpa = item->gpa;
		}
	}
	for (i = 0; i < items_n; i++) {
		if (slot[i] != SLOTS_NONE)
			ahead[i] = (struct coalesce_ahead){ .iova = cell->slot_iova[slot[i]] };
	}
	coalesce_look_ahead(cell->coalesce, ahead, items_n);
}

static void run_part(struct cell *cell, const struct block_part *part)
{
	if (part->batch.n == 0) {
		coalesce_release_all(cell->coalesce);
		if (cell->lab && cell->lab->clear)
			cell->lab->clear(cell->lab_state);
		sample(cell, part->t_ns);
	} else if (part->batch.kind == TRACE_REQ_MAP) {
		run_map(cell, &part->batch, part->phase);
	} else {
		run_unmap(cell, &part->batch);
	}
	expose(cell, part->batch.n ? part->batch.items[part->batch.n - 1].t_ns : part->t_ns);
}

void cell_run(struct cell *cell, const struct block *block)
{
	u32 i, next, items_n;

	for (i = 0; i < block->parts_n; i = next) {
		for (next = i, items_n = 0; next < block->parts_n && items_n < AHEAD_ITEMS; next++)
			items_n += block->parts[next].batch.n;
		look_ahead(cell, &block->parts[i], next - i);
		for (; i < next; i++)
			run_part(cell, &block->parts[i]);
	}
}

void cell_finish(struct cell *cell)
{
	const struct coalesce_stats *s = coalesce_stats(cell->coalesce);
	struct row *row = &cell->row;

	row->hits = s->hits;
	row->peak_granted_bytes = s->peak_request_bytes;
	row->peak_mappings = s->peak_mappings;
	row->peak_mapped_bytes = s->peak_mapped_bytes;
	row->host_maps = s->host_maps;
	row->host_unmaps = s->host_unmaps;
	row->host_failures = s->host_failures;
	row->align_wanted = s->align_wanted;
	row->align_downgraded = s->align_downgraded;
	row->align_missed = s->align_missed;
	row->end_mappings = s->live_mappings;
	row->exposure_byte_s = (u64)(cell->kept_byte_ns / 1000000000u);
}
