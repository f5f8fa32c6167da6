/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/dart/extents_fit.h"

/* whether the place can be in @e alone */
static bool fits(const struct extent *e, const struct extents_want *want, u64 *iova)
{
	const u64 mask = want->align_bytes - 1, last = span_last(e->iova);
	u64 at = e->iova.start > want->from_iova ? e->iova.start : want->from_iova;

	if (e->mapped || e->iova.len < want->len_bytes)
		return false;
	if (want->down)
		*iova = (last - want->len_bytes + 1) & ~mask;
	else
		*iova = (at + mask) & ~mask;
	/* rounding up may pass the hole, or the end of all addresses */
	return *iova >= at && *iova <= last && last - *iova >= want->len_bytes - 1;
}

static u32 search(const struct extents *x, u32 t, const struct extents_want *want, u64 *iova)
{
	const struct extent *e = &x->nodes[t];
	u32 found = EXTENTS_NONE;

	if (t == EXTENTS_NONE || e->max_free < want->len_bytes)
		return EXTENTS_NONE;
	if (want->down)
		found = search(x, e->right, want, iova);
	else if (want->from_iova <= e->iova.start)
		found = search(x, e->left, want, iova);
	if (found != EXTENTS_NONE)
		return found;
	if (fits(e, want, iova))
		return t;
	return search(x, want->down ? e->left : e->right, want, iova);
}

u32 extents_fit(const struct extents *x, const struct extents_want *want, u64 *iova)
{
	return search(x, x->root, want, iova);
}

static void search_best(const struct extents *x, u32 t, u64 len_bytes, u32 *best)
{
	const struct extent *e = &x->nodes[t];

	if (t == EXTENTS_NONE || e->max_free < len_bytes)
		return;
	search_best(x, e->left, len_bytes, best);
	if (!e->mapped && e->iova.len >= len_bytes && (*best == EXTENTS_NONE || e->iova.len < x->nodes[*best].iova.len))
		*best = t;
	if (*best == EXTENTS_NONE || x->nodes[*best].iova.len > len_bytes)
		search_best(x, e->right, len_bytes, best);
}

u32 extents_fit_best(const struct extents *x, u64 len_bytes, u64 *iova)
{
	u32 best = EXTENTS_NONE;

	search_best(x, x->root, len_bytes, &best);
	if (best != EXTENTS_NONE)
		*iova = x->nodes[best].iova.start;
	return best;
}
