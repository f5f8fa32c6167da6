/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * extents.h - who has which part of the aperture; a part of the simulated DART.
 *
 * Purpose:  extents, free and mapped, that together cover a range without a gap; two free ones never touch. One AVL tree in which each node
 *           knows the longest free extent below it, so that look-up, release and most placements (extents_fit.h) take O(log n).
 * Owner:    one array that grows; pointers into it are valid until the next extents_take(), indexes until the extent goes; 0 is "none".
 */
#ifndef EGPU_RUNTIME_DART_EXTENTS_H
#define EGPU_RUNTIME_DART_EXTENTS_H

#include "runtime/core/span.h"

#define EXTENTS_NONE 0

/** struct extent - a part. @used_bytes: of a mapped one: how much of its front is mapped; the rest is reserved with it. */
struct extent {
	struct span iova;
	u64 used_bytes;
	u64 gpa;
	u64 max_free;
	u32 left, right;
	u32 tag; /* the caller's */
	u8 height;
	bool mapped;
};

struct extents {
	struct span all_iova;
	struct extent *nodes;
	u32 root;
	u32 free; /* given back, listed through left */
	u32 used; /* nodes ever taken */
	u32 capacity;
	u32 holes; /* free extents */
};

/** extents_init() - one free extent over @all_iova. Return: 0 or -ENOMEM. */
int extents_init(struct extents *x, struct span all_iova);
void extents_destroy(struct extents *x);

/** extents_clear() - everything is free again. */
void extents_clear(struct extents *x);

/** extents_longest_free() - length of the longest free extent. */
u64 extents_longest_free(const struct extents *x);

/**
 * extents_take() - map the front of @iova, which lies in free extent @hole.
 * @gpa: what is mapped there; at most as long as @iova, all of which is reserved
 *
 * Return: 0; -ENOMEM.
 */
int extents_take(struct extents *x, u32 hole, struct span iova, struct span gpa);

/** extents_hole() - Return: the free extent that holds all of @iova; EXTENTS_NONE if there is none. */
u32 extents_hole(const struct extents *x, struct span iova);

/** extents_at() - Return: the extent, free or mapped, that holds @iova, which lies in the range; EXTENTS_NONE below the range. */
u32 extents_at(const struct extents *x, u64 iova);

/** extents_find() - Return: the mapped extent that holds @iova, or EXTENTS_NONE. */
u32 extents_find(const struct extents *x, u64 iova);

/** extents_give() - mapped extent @node becomes free and is joined with free neighbours. */
void extents_give(struct extents *x, u32 node);

#endif
