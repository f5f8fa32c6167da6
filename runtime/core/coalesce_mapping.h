/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_mapping.h - table of mappings at the host, keyed by the span they map; a part of the coalescer.
 *
 * Purpose:  finds the mapping that a request can share. Chained hash over an array of fixed size, with a free list; all links are
 *           indexes.
 * Owner:    memory from the caller, as for coalesce.h; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_MAPPING_H
#define EGPU_CORE_COALESCE_MAPPING_H

#include "runtime/core/coalesce.h"

/* status of a request or mapping whose answer is still awaited; no errno is positive */
#define COALESCE_ASKED 1

/**
 * struct coalesce_mapping - one mapping at the host.
 * @refs:   requests that use it; 0 = on the free list, or kept (coalesce_kept.h)
 * @used_bytes: sum of their lengths
 * @status: 0 granted, COALESCE_ASKED, or the host's refusal until the last request on it has been told
 * @next:   in the chain of its hash bucket
 * @link:   next on the free list, of those that await an answer, or of those that are kept
 * @older:  the one before it of those that are kept
 * @own:    made for one request that wanted it aligned (coalesce_align.c): in no order, and never kept
 */
struct coalesce_mapping {
	struct span gpa;
	u64 iova;
	u64 used_bytes;
	u32 refs;
	s32 status;
	u32 next;
	u32 link;
	u32 older;
	bool own;
};

struct coalesce_mappings {
	struct coalesce_mapping *items;
	u32 *buckets;
	u32 bucket_mask;
	u32 free;
	u32 max;
};

/** coalesce_mappings_bytes() - memory for @max mappings, 1 <= @max <= 2^30. */
u64 coalesce_mappings_bytes(u32 max);

/** coalesce_mappings_init() - an empty table for @max mappings in @mem. */
void coalesce_mappings_init(struct coalesce_mappings *t, void *mem, u32 max);

/** coalesce_mappings_clear() - forget everything. */
void coalesce_mappings_clear(struct coalesce_mappings *t);

/** coalesce_mappings_find() - Return: index of the mapping of exactly @gpa, or COALESCE_NONE. */
u32 coalesce_mappings_find(const struct coalesce_mappings *t, struct span gpa);

/** coalesce_mappings_ahead() - fetch the bucket of @gpa. Return: its index. */
u32 coalesce_mappings_ahead(const struct coalesce_mappings *t, struct span gpa);

/** coalesce_mappings_add() - a new one for @gpa, status COALESCE_ASKED, no references yet. Return: index, or COALESCE_NONE if full. */
u32 coalesce_mappings_add(struct coalesce_mappings *t, struct span gpa);

/** coalesce_mappings_remove() - mapping @i goes to the free list; its fields stay readable until the next add. */
void coalesce_mappings_remove(struct coalesce_mappings *t, u32 i);

#endif
