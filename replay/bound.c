/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/bound.h"

int bound_init(struct bound *b, const struct dart_limits *limits)
{
	u64 max_bytes = limits->max_bytes;

	memset(b, 0, sizeof(*b));
	if (limits->aperture_iova.len < max_bytes)
		max_bytes = limits->aperture_iova.len;
	b->granule_log2 = limits->granule_log2;
	b->max_granules = max_bytes >> b->granule_log2;
	b->max_mappings = limits->max_mappings;
	return cover_init(&b->cover);
}

void bound_destroy(struct bound *b)
{
	cover_destroy(&b->cover);
}

static void misfit(struct bound *b, enum bound_verdict verdict)
{
	if (b->verdict != BOUND_FITS)
		return;
	b->verdict = verdict;
	b->misfit_t_ns = b->t_ns;
}

static u64 to_bytes(const struct bound *b, u64 granules)
{
	return granules > ~0ULL >> b->granule_log2 ? ~0ULL : granules << b->granule_log2;
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
	if (runs > b->max_mappings)
		granules += cover_fill(c, runs - b->max_mappings);
	bytes = to_bytes(b, granules);
	if (bytes > b->bytes) {
		b->bytes = bytes;
		b->bytes_t_ns = b->t_ns;
	}
	if (c->covered > b->max_granules) {
		misfit(b, BOUND_BYTES);
		return;
	}
	mappings = runs - cover_closable(c, b->max_granules - c->covered);
	if (mappings > b->mappings) {
		b->mappings = mappings;
		b->mappings_t_ns = b->t_ns;
	}
	if (mappings > b->max_mappings)
		misfit(b, BOUND_MAPPINGS);
}

int bound_map(struct bound *b, struct span gpa, u64 t_ns)
{
	const struct cover *c = &b->cover;
	int rc;

	if (!span_valid(gpa))
		return 0;
	rc = cover_add(&b->cover, gpa.start >> b->granule_log2, (span_last(gpa) >> b->granule_log2) + 1);
	if (rc)
		return rc;
	b->t_ns = t_ns;
	b->grown = true;
	/* the first moment that cannot fit is told exactly */
	if (b->verdict == BOUND_FITS && (c->covered > b->max_granules || cover_runs(c) > b->max_mappings))
		bound_look(b);
	return 0;
}

int bound_unmap(struct bound *b, struct span gpa)
{
	if (!span_valid(gpa))
		return 0;
	bound_look(b);
	return cover_remove(&b->cover, gpa.start >> b->granule_log2, (span_last(gpa) >> b->granule_log2) + 1);
}

void bound_reset(struct bound *b)
{
	bound_look(b);
	cover_clear(&b->cover);
}
