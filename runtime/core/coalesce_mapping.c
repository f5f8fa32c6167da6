/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_hash.h"
#include "runtime/core/coalesce_mapping.h"

static u64 buckets_bytes(u32 max)
{
	return ((u64)coalesce_pow2(max) * sizeof(u32) + 7) & ~(u64)7;
}

u64 coalesce_mappings_bytes(u32 max)
{
	return (u64)max * sizeof(struct coalesce_mapping) + buckets_bytes(max);
}

void coalesce_mappings_init(struct coalesce_mappings *t, void *mem, u32 max)
{
	t->items = mem;
	t->buckets = (u32 *)(t->items + max);
	t->bucket_mask = coalesce_pow2(max) - 1;
	t->max = max;
	coalesce_mappings_clear(t);
}

void coalesce_mappings_clear(struct coalesce_mappings *t)
{
	u32 i;

	for (i = 0; i < t->max; i++) {
		t->items[i].refs = 0;
		t->items[i].link = i + 1 < t->max ? i + 1 : COALESCE_NONE;
	}
	for (i = 0; i <= t->bucket_mask; i++)
		t->buckets[i] = COALESCE_NONE;
	t->free = 0;
}

/* spans that differ in length only are few: any odd number tells them apart */
static u32 *bucket_of(const struct coalesce_mappings *t, struct span gpa)
{
	return &t->buckets[coalesce_hash_below(gpa.start + gpa.len * 0xff51afd7ed558ccdull, t->bucket_mask + 1)];
}

u32 coalesce_mappings_ahead(const struct coalesce_mappings *t, struct span gpa)
{
	const u32 *bucket = bucket_of(t, gpa);

	__builtin_prefetch(bucket);
	return (u32)(bucket - t->buckets);
}

u32 coalesce_mappings_find(const struct coalesce_mappings *t, struct span gpa)
{
	u32 i = *bucket_of(t, gpa);

	while (i != COALESCE_NONE && !span_equal(t->items[i].gpa, gpa))
		i = t->items[i].next;
	return i;
}

u32 coalesce_mappings_add(struct coalesce_mappings *t, struct span gpa)
{
	u32 *bucket = bucket_of(t, gpa);
	u32 i = t->free;
	struct coalesce_mapping *m;

	if (i == COALESCE_NONE)
		return COALESCE_NONE;
	m = &t->items[i];
	t->free = m->link;
	m->gpa = gpa;
	m->iova = ~0ULL;
	m->used_bytes = 0;
	m->refs = 0;
	m->own = false;
	m->status = COALESCE_ASKED;
	m->next = *bucket;
	m->link = COALESCE_NONE;
	*bucket = i;
	return i;
}

void coalesce_mappings_remove(struct coalesce_mappings *t, u32 i)
{
	struct coalesce_mapping *m = &t->items[i];
	u32 *at = bucket_of(t, m->gpa);

	while (*at != i)
		at = &t->items[*at].next;
	*at = m->next;
	m->refs = 0;
	m->link = t->free;
	t->free = i;
}
