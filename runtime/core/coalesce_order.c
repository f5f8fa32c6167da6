/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_order.h"

#include "runtime/core/coalesce_hash.h"

u64 coalesce_order_bytes(u32 max)
{
	return (u64)max * sizeof(struct coalesce_node);
}

void coalesce_order_init(struct coalesce_order *o, void *mem, const struct coalesce_mapping *items)
{
	o->items = items;
	o->nodes = mem;
	o->root = COALESCE_NONE;
}

static u64 start_of(const struct coalesce_order *o, u32 i)
{
	return o->items[i].gpa.start;
}

/* what the links below @i say of its reach */
static void measure(struct coalesce_order *o, u32 i)
{
	struct coalesce_node *n = &o->nodes[i];

	n->reach_gpa = span_last(o->items[i].gpa);
	if (n->left != COALESCE_NONE && o->nodes[n->left].reach_gpa > n->reach_gpa)
		n->reach_gpa = o->nodes[n->left].reach_gpa;
	if (n->right != COALESCE_NONE && o->nodes[n->right].reach_gpa > n->reach_gpa)
		n->reach_gpa = o->nodes[n->right].reach_gpa;
}

/* the link that leads to @i */
static u32 *link_to(struct coalesce_order *o, u32 i)
{
	u32 up = o->nodes[i].up;

	if (up == COALESCE_NONE)
		return &o->root;
	return o->nodes[up].left == i ? &o->nodes[up].left : &o->nodes[up].right;
}

/* @i takes the place of the node above it, which goes below @i; the order stays */
static void rotate(struct coalesce_order *o, u32 i)
{
	struct coalesce_node *n = &o->nodes[i];
	u32 up = n->up;
	struct coalesce_node *p = &o->nodes[up];
	u32 moved;

	*link_to(o, up) = i;
	n->up = p->up;
	if (p->left == i) {
		moved = p->left = n->right;
		n->right = up;
	} else {
		moved = p->right = n->left;
		n->left = up;
	}
	p->up = i;
	if (moved != COALESCE_NONE)
		o->nodes[moved].up = up;
	measure(o, up);
	measure(o, i);
}

static bool above(u32 a, u32 b)
{
	return coalesce_shuffle(a) > coalesce_shuffle(b);
}

void coalesce_order_add(struct coalesce_order *o, u32 i)
{
	u64 start = start_of(o, i), last = span_last(o->items[i].gpa);
	u32 *link = &o->root, up = COALESCE_NONE;

	while (*link != COALESCE_NONE) {
		up = *link;
		if (o->nodes[up].reach_gpa < last)
			o->nodes[up].reach_gpa = last;
		link = start < start_of(o, up) ? &o->nodes[up].left : &o->nodes[up].right;
	}
	*link = i;
	o->nodes[i] = (struct coalesce_node){ .reach_gpa = last, .up = up, .left = COALESCE_NONE, .right = COALESCE_NONE };
	while (o->nodes[i].up != COALESCE_NONE && above(i, o->nodes[i].up))
		rotate(o, i);
}

void coalesce_order_remove(struct coalesce_order *o, u32 i)
{
	struct coalesce_node *n = &o->nodes[i];
	u32 up;

	while (n->left != COALESCE_NONE || n->right != COALESCE_NONE) {
		if (n->right == COALESCE_NONE || (n->left != COALESCE_NONE && above(n->left, n->right)))
			rotate(o, n->left);
		else
			rotate(o, n->right);
	}
	*link_to(o, i) = COALESCE_NONE;
	for (up = n->up; up != COALESCE_NONE; up = o->nodes[up].up)
		measure(o, up);
}

/* a mapping in the subtree of @i that reaches @last; there is one */
static u32 find_reaching(const struct coalesce_order *o, u32 i, u64 last)
{
	while (span_last(o->items[i].gpa) < last) {
		u32 left = o->nodes[i].left;

		i = left != COALESCE_NONE && o->nodes[left].reach_gpa >= last ? left : o->nodes[i].right;
	}
	return i;
}

u32 coalesce_order_find(const struct coalesce_order *o, struct span gpa)
{
	u64 last = span_last(gpa);
	u32 i = o->root;

	while (i != COALESCE_NONE && o->nodes[i].reach_gpa >= last) {
		u32 left = o->nodes[i].left;

		if (start_of(o, i) > gpa.start) {
			i = left;
			continue;
		}
		/* all to the left start low enough as well */
		if (span_last(o->items[i].gpa) >= last)
			return i;
		if (left != COALESCE_NONE && o->nodes[left].reach_gpa >= last)
			return find_reaching(o, left, last);
		i = o->nodes[i].right;
	}
	return COALESCE_NONE;
}

u32 coalesce_order_before(const struct coalesce_order *o, u64 gpa, u64 *reach_gpa)
{
	u32 i = o->root, found = COALESCE_NONE;
	u64 reach = 0;

	while (i != COALESCE_NONE) {
		u32 left = o->nodes[i].left;

		if (start_of(o, i) > gpa) {
			i = left;
			continue;
		}
		found = i;
		if (span_last(o->items[i].gpa) > reach)
			reach = span_last(o->items[i].gpa);
		if (left != COALESCE_NONE && o->nodes[left].reach_gpa > reach)
			reach = o->nodes[left].reach_gpa;
		i = o->nodes[i].right;
	}
	if (found != COALESCE_NONE)
		*reach_gpa = reach;
	return found;
}

u32 coalesce_order_first(const struct coalesce_order *o)
{
	u32 i = o->root;

	while (i != COALESCE_NONE && o->nodes[i].left != COALESCE_NONE)
		i = o->nodes[i].left;
	return i;
}

u32 coalesce_order_next(const struct coalesce_order *o, u32 i)
{
	u32 up;

	if (o->nodes[i].right != COALESCE_NONE) {
		for (i = o->nodes[i].right; o->nodes[i].left != COALESCE_NONE;)
			i = o->nodes[i].left;
		return i;
	}
	for (up = o->nodes[i].up; up != COALESCE_NONE && o->nodes[up].right == i; up = o->nodes[up].up)
		i = up;
	return up;
}

u32 coalesce_order_prev(const struct coalesce_order *o, u32 i)
{
	u32 up;

	if (o->nodes[i].left != COALESCE_NONE) {
		for (i = o->nodes[i].left; o->nodes[i].right != COALESCE_NONE;)
			i = o->nodes[i].right;
		return i;
	}
	for (up = o->nodes[i].up; up != COALESCE_NONE && o->nodes[up].left == i; up = o->nodes[up].up)
		i = up;
	return up;
}
