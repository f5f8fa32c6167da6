/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/bound.h"

#include "replay/slots.h"

static u64 most_bytes(const struct dart_limits *limits)
{
	return limits->aperture_iova.len < limits->max_bytes ? limits->aperture_iova.len : limits->max_bytes;
}

int bound_init(struct bound *b, const struct dart_limits *limits)
{
	memset(b, 0, sizeof(*b));
	b->limits = *limits;
	b->max_granules = most_bytes(limits) >> limits->granule_log2;
	return cover_init(&b->cover);
}

bool bound_serves(const struct dart_limits *a, const struct dart_limits *b)
{
	return a->granule_log2 == b->granule_log2 && a->max_mappings == b->max_mappings && most_bytes(a) == most_bytes(b);
}

void bound_destroy(struct bound *b)
{
	cover_destroy(&b->cover);
}

static void misfit(struct bound *b, enum bound_verdict verdict)
{
	if (b->found.verdict != BOUND_FITS)
		return;
	b->found.verdict = verdict;
	b->found.misfit_t_ns = b->t_ns;
}

static u64 to_bytes(const struct bound *b, u64 granules)
{
	return granules > ~0ULL >> b->limits.granule_log2 ? ~0ULL : granules << b->limits.granule_log2;
}

void bound_look(struct bound *b)
{
	const struct cover *c = &b->cover;
	u64 mappings, runs = cover_runs(c);
	u64 granules = c->covered;
	u64 bytes;

	if (!b->grown)
		return;
	b->grown = false;
	if (runs > b->limits.max_mappings)
		granules += cover_fill(c, runs - b->limits.max_mappings);
	bytes = to_bytes(b, granules);
	if (bytes > b->found.bytes) {
		b->found.bytes = bytes;
		b->found.bytes_t_ns = b->t_ns;
	}
	if (c->covered > b->max_granules) {
		misfit(b, BOUND_BYTES);
		return;
	}
	mappings = runs - cover_closable(c, b->max_granules - c->covered);
	if (mappings > b->found.mappings) {
		b->found.mappings = mappings;
		b->found.mappings_t_ns = b->t_ns;
	}
	if (mappings > b->limits.max_mappings)
		misfit(b, BOUND_MAPPINGS);
}

int bound_map(struct bound *b, struct span gpa, u64 t_ns)
{
	const struct cover *c = &b->cover;
	int rc;

	if (!span_valid(gpa))
		return 0;
	rc = cover_add(&b->cover, gpa.start >> b->limits.granule_log2, (span_last(gpa) >> b->limits.granule_log2) + 1);
	if (rc)
		return rc;
	b->t_ns = t_ns;
	b->grown = true;
	/* the first moment that cannot fit is told exactly */
	if (b->found.verdict == BOUND_FITS && (c->covered > b->max_granules || cover_runs(c) > b->limits.max_mappings))
		bound_look(b);
	return 0;
}

int bound_unmap(struct bound *b, struct span gpa)
{
	if (!span_valid(gpa))
		return 0;
	bound_look(b);
	return cover_remove(&b->cover, gpa.start >> b->limits.granule_log2, (span_last(gpa) >> b->limits.granule_log2) + 1);
}

void bound_reset(struct bound *b)
{
	bound_look(b);
	cover_clear(&b->cover);
}

static int run_part(struct bound *b, const struct batch *batch)
{
	u32 i;
	int rc = 0;

	for (i = 0; i < batch->n && rc == 0; i++) {
		const struct batch_item *item = &batch->items[i];

		if (item->slot == SLOTS_NONE)
			continue;
		rc = batch->kind == TRACE_REQ_MAP ? bound_map(b, item->gpa, item->t_ns) : bound_unmap(b, item->gpa);
	}
	return rc;
}

int bound_run(struct bound *b, const struct block *block)
{
	u32 i;
	int rc = 0;

	for (i = 0; i < block->parts_n && rc == 0; i++) {
		if (block->parts[i].batch.n)
			rc = run_part(b, &block->parts[i].batch);
		else
			bound_reset(b);
	}
	return rc;
}
