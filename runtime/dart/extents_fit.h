/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * extents_fit.h - which hole of the aperture a mapping goes to; a part of the simulated DART.
 */
#ifndef EGPU_RUNTIME_DART_EXTENTS_FIT_H
#define EGPU_RUNTIME_DART_EXTENTS_FIT_H

#include "runtime/dart/extents.h"

/**
 * struct extents_want - a place that is looked for.
 * @len_bytes:   of it
 * @align_bytes: its address is a multiple of this power of two
 * @from_iova:   it does not begin before this
 * @down:        the highest such place, not the lowest
 */
struct extents_want {
	u64 len_bytes, align_bytes, from_iova;
	bool down;
};

/**
 * extents_fit() - find a place. O(log n) without alignment; with it, holes that are long enough but lie badly are looked at too.
 * Return: the hole, and the place's first address in *@iova; EXTENTS_NONE if there is none.
 */
u32 extents_fit(const struct extents *x, const struct extents_want *want, u64 *iova);

/** extents_fit_best() - likewise, the front of the shortest hole that is long enough, the lowest of those. Looks at every hole so long. */
u32 extents_fit_best(const struct extents *x, u64 len_bytes, u64 *iova);

#endif
