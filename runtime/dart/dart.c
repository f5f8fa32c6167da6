/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <stdlib.h>

#include "runtime/core/align.h"
#include "runtime/dart/dart.h"
#include "runtime/dart/extents.h"

struct dart {
	struct dart_limits limits;
	struct dart_stats stats;
	struct extents extents;
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

/* 0 if @gpa may be mapped now, else why not */
static int admit(struct dart *d, struct span gpa)
{
	struct dart_stats *s = &d->stats;

	if (!granular(d, gpa)) {
		s->refused_invalid++;
		return -EINVAL;
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

static void count_map(struct dart_stats *s, u64 len)
{
	s->live_mappings++;
	s->live_bytes += len;
	if (s->live_mappings > s->peak_mappings)
		s->peak_mappings = s->live_mappings;
	if (s->live_bytes > s->peak_bytes)
		s->peak_bytes = s->live_bytes;
}

int dart_map(struct dart *d, struct span gpa, u64 *iova)
{
	int rc;

	d->stats.map_calls++;
	rc = admit(d, gpa);
	if (rc)
		return rc;
	if (extents_longest_free(&d->extents) < gpa.len) {
		d->stats.refused_space++;
		return -EADDRNOTAVAIL;
	}
	rc = extents_take(&d->extents, gpa, iova);
	if (rc)
		return rc;
	count_map(&d->stats, gpa.len);
	return 0;
}

int dart_map_at(struct dart *d, struct span gpa, u64 iova)
{
	struct span at = { iova, gpa.len };
	int rc;

	d->stats.map_calls++;
	if (!granular(d, at)) {
		d->stats.refused_invalid++;
		return -EINVAL;
	}
	rc = admit(d, gpa);
	if (rc)
		return rc;
	rc = extents_take_at(&d->extents, at, gpa.start);
	if (rc) {
		d->stats.refused_overlap += rc == -EEXIST;
		return rc;
	}
	count_map(&d->stats, gpa.len);
	return 0;
}

void dart_undo(struct dart *d, u64 iova, const struct dart_stats *before)
{
	extents_give(&d->extents, extents_find(&d->extents, iova));
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

		if (e->mapped) {
			*iova = e->iova;
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
		*gpa = (struct span){ e->gpa, e->iova.len };
	d->stats.live_mappings--;
	d->stats.live_bytes -= e->iova.len;
	extents_give(&d->extents, node);
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
	left = e->iova.len - offset;
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

const char *dart_reason(int error)
{
	switch (error) {
	case -ENOSPC:
		return "mapping limit";
	case -EDQUOT:
		return "byte limit";
	case -EADDRNOTAVAIL:
		return "fragmented";
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
