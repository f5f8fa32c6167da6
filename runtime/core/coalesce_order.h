/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_order.h - the live mappings in the order of the guest memory they map; a part of the coalescer.
 *
 * Purpose:  lets a policy see what is mapped around a request, and lets a request share any mapping that holds it. A treap over the indexes of
 *           the table of mappings: a tree ordered by start, kept flat by a hash of the index, in which each node knows how far its
 *           subtree reaches (mappings may overlap).
 * Owner:    memory from the caller, as for coalesce.h; policies may read it, only the engine changes it.
 * Cost:     O(log n) expected for everything but the last two, which are O(1) amortised.
 */
#ifndef EGPU_CORE_COALESCE_ORDER_H
#define EGPU_CORE_COALESCE_ORDER_H

#include "runtime/core/coalesce_mapping.h"

/**
 * struct coalesce_node - of mapping number i, at place i.
 * @reach_gpa: the last byte that a mapping of this subtree maps
 */
struct coalesce_node {
	u64 reach_gpa;
	u32 up, left, right;
};

struct coalesce_order {
	const struct coalesce_mapping *items;
	struct coalesce_node *nodes;
	u32 root;
};

/** coalesce_order_bytes() - memory for @max mappings, 1 <= @max <= 2^30. */
u64 coalesce_order_bytes(u32 max);

/** coalesce_order_init() - an empty order over the table @items, in @mem. */
void coalesce_order_init(struct coalesce_order *o, void *mem, const struct coalesce_mapping *items);

/** coalesce_order_add(), coalesce_order_remove() - mapping @i, whose gpa stays as it is in between. */
void coalesce_order_add(struct coalesce_order *o, u32 i);
void coalesce_order_remove(struct coalesce_order *o, u32 i);

/** coalesce_order_find() - Return: a mapping that holds all of @gpa, or COALESCE_NONE. */
u32 coalesce_order_find(const struct coalesce_order *o, struct span gpa);

/**
 * coalesce_order_before() - the last mapping that starts at or below @gpa.
 * @reach_gpa: receives the last byte that any mapping starting there or below maps; unchanged if there is none
 *
 * Return: its index, or COALESCE_NONE.
 */
u32 coalesce_order_before(const struct coalesce_order *o, u64 gpa, u64 *reach_gpa);

/** coalesce_order_first() - Return: the mapping that starts lowest, or COALESCE_NONE. */
u32 coalesce_order_first(const struct coalesce_order *o);

/** coalesce_order_next(), coalesce_order_prev() - Return: the neighbour of mapping @i in the order, or COALESCE_NONE. */
u32 coalesce_order_next(const struct coalesce_order *o, u32 i);
u32 coalesce_order_prev(const struct coalesce_order *o, u32 i);

#endif
