/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <stdlib.h>

#include "runtime/core/align.h"
#include "runtime/dart/dart.h"
#include "runtime/dart/extents.h"
#include "runtime/dart/extents_fit.h"

/* next_iova: end of the last mapping made; before it the same, which dart_undo() goes back to */
struct dart {
	struct dart_limits limits;
	struct dart_stats stats;
	struct extents extents;
	u64 free_bytes;
	u64 next_iova, undo_next_iova;
};

static bool granular(const struct dart *d, struct span s)
{
	return span_valid(s) && ((s.start | s.len) & (((u64)1 << d->limits.granule_log2) - 1)) == 0;
}

struct dart *dart_new(const struct dart_limits *limits)
{
	struct dart *d;

	if (limits->granule_log2 < ALIGN_GRANULE_LOG2_MIN || limits->granule_log2 > ALIGN_GRANULE_LOG2_MAX)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->limits = *limits;
	d->free_bytes = limits->aperture_iova.len;
	if (!granular(d, limits->aperture_iova) || extents_init(&d->extents, limits->aperture_iova)) {
		free(d);
		return NULL;
	}
	return d;
}

void dart_free(struct dart *d)
{
	if (!d)
		return;
	extents_destroy(&d->extents);
	free(d);
}

static bool too_many_segments(const struct dart_limits *l, u64 len_bytes)
{
	return l->segment_bytes && (len_bytes - 1) / l->segment_bytes >= l->segments;
}

/* 0 if @gpa may be mapped now, else why not */
static int admit(struct dart *d, struct span gpa)
{
	struct dart_stats *s = &d->stats;

	if (!granular(d, gpa)) {
		s->refused_invalid++;
		return -EINVAL;
	}
	if (too_many_segments(&d->limits, gpa.len)) {
		s->refused_segments++;
		return -E2BIG;
	}
	if (s->live_mappings >= d->limits.max_mappings) {
		s->refused_count++;
		return -ENOSPC;
	}
	if (gpa.len > d->limits.max_bytes || s->live_bytes > d->limits.max_bytes - gpa.len) {
		s->refused_bytes++;
		return -EDQUOT;
	}
	return 0;
}

static void count_map(struct dart *d, struct span iova, u64 len)
{
	struct dart_stats *s = &d->stats;

	d->free_bytes -= iova.len;
	d->undo_next_iova = d->next_iova;
	d->next_iova = span_last(iova) + 1;
	s->live_mappings++;
	s->live_bytes += len;
	if (s->live_mappings > s->peak_mappings)
		s->peak_mappings = s->live_mappings;
	if (s->live_bytes > s->peak_bytes)
		s->peak_bytes = s->live_bytes;
}

static u64 power_of_two_from(u64 n)
{
	return n <= 1 ? 1 : (u64)1 << (64 - __builtin_clzll(n - 1));
}

/* where @iova->len bytes go; a buddy's block makes them more */
static u32 place(const struct dart *d, struct span *iova)
{
	const struct extents *x = &d->extents;
	struct extents_want want = { .len_bytes = iova->len, .align_bytes = 1 };
	u32 hole;

	switch (d->limits.fit) {
	case DART_FIT_BEST:
		return extents_fit_best(x, iova->len, &iova->start);
	case DART_FIT_NEXT:
		want.from_iova = d->next_iova;
		hole = extents_fit(x, &want, &iova->start);
		if (hole != EXTENTS_NONE)
			return hole;
		want.from_iova = 0;
		break;
	case DART_FIT_TOP:
		want.align_bytes = power_of_two_from(iova->len);
		want.down = true;
		break;
	case DART_FIT_BUDDY:
		want.align_bytes = want.len_bytes = iova->len = power_of_two_from(iova->len);
		break;
	default:
		break;
	}
	return extents_fit(x, &want, &iova->start);
}

int dart_map(struct dart *d, struct span gpa, u64 *iova)
{
	struct span at = { 0, gpa.len };
	u32 hole;
	int rc;

	d->stats.map_calls++;
	rc = admit(d, gpa);
	if (rc)
		return rc;
	hole = place(d, &at);
	if (hole == EXTENTS_NONE) {
		d->stats.refused_space++;
		return -EADDRNOTAVAIL;
	}
	rc = extents_take(&d->extents, hole, at, gpa);
	if (rc)
		return rc;
	*iova = at.start;
	count_map(d, at, gpa.len);
	return 0;
}

int dart_map_at(struct dart *d, struct span gpa, u64 iova)
{
	struct span at = { iova, gpa.len };
	u32 hole;
	int rc;

	d->stats.map_calls++;
	if (!granular(d, at)) {
		d->stats.refused_invalid++;
		return -EINVAL;
	}
	rc = admit(d, gpa);
	if (rc)
		return rc;
	hole = extents_hole(&d->extents, at);
	if (hole == EXTENTS_NONE) {
		d->stats.refused_overlap++;
		return -EEXIST;
	}
	rc = extents_take(&d->extents, hole, at, gpa);
	if (rc)
		return rc;
	count_map(d, at, gpa.len);
	return 0;
}

static void give(struct dart *d, u32 node)
{
	d->free_bytes += d->extents.nodes[node].iova.len;
	extents_give(&d->extents, node);
}

void dart_undo(struct dart *d, u64 iova, const struct dart_stats *before)
{
	give(d, extents_find(&d->extents, iova));
	d->next_iova = d->undo_next_iova;
	d->stats = *before;
}

u32 *dart_tag(struct dart *d, u64 iova)
{
	return &d->extents.nodes[extents_find(&d->extents, iova)].tag;
}

bool dart_next(const struct dart *d, u64 from_iova, struct span *iova, u64 *gpa)
{
	const u64 end = span_last(d->limits.aperture_iova);
	u64 at = from_iova > d->limits.aperture_iova.start ? from_iova : d->limits.aperture_iova.start;

	while (at <= end) {
		const struct extent *e = &d->extents.nodes[extents_at(&d->extents, at)];

		if (e->mapped && at - e->iova.start < e->used_bytes) {
			*iova = (struct span){ e->iova.start, e->used_bytes };
			*gpa = e->gpa;
			return true;
		}
		if (span_last(e->iova) == end)
			return false;
		at = span_last(e->iova) + 1;
	}
	return false;
}

int dart_unmap(struct dart *d, u64 iova, struct span *gpa)
{
	u32 node = extents_find(&d->extents, iova);
	const struct extent *e = &d->extents.nodes[node];

	d->stats.unmap_calls++;
	if (node == EXTENTS_NONE || e->iova.start != iova) {
		d->stats.unmap_unknown++;
		return -ENOENT;
	}
	if (gpa)
		*gpa = (struct span){ e->gpa, e->used_bytes };
	d->stats.live_mappings--;
	d->stats.live_bytes -= e->used_bytes;
	give(d, node);
	return 0;
}

int dart_translate(const struct dart *d, u64 iova, u64 *len_bytes, u64 *gpa)
{
	u32 node = extents_find(&d->extents, iova);
	const struct extent *e = &d->extents.nodes[node];
	u64 offset, left;

	if (*len_bytes == 0)
		return -EINVAL;
	if (node == EXTENTS_NONE)
		return -EFAULT;
	offset = iova - e->iova.start;
	left = e->used_bytes - offset;
	if (*len_bytes > left)
		*len_bytes = left;
	*gpa = e->gpa + offset;
	return 0;
}

const struct dart_stats *dart_stats(const struct dart *d)
{
	return &d->stats;
}

const struct dart_limits *dart_limits(const struct dart *d)
{
	return &d->limits;
}

struct dart_space dart_space(const struct dart *d)
{
	return (struct dart_space){ d->free_bytes, extents_longest_free(&d->extents), d->extents.holes };
}

const char *dart_reason(int error)
{
	switch (error) {
	case -ENOSPC:
		return "mapping limit";
	case -EDQUOT:
		return "byte limit";
	case -EADDRNOTAVAIL:
		return "fragmented";
	case -E2BIG:
		return "too many segments";
	case -EINVAL:
		return "invalid span";
	case -ENOENT:
		return "not mapped";
	case -EEXIST:
		return "address taken";
	case -EFAULT:
		return "unmapped address";
	case -ENOMEM:
		return "out of memory";
	default:
		return "other error";
	}
}
