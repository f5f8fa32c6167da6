/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <assert.h>
#include <stdlib.h>

#include "runtime/dart/extents.h"

#define NODES_START 64
#define NODES_MAX ((u32)1 << 31)

static void update(struct extents *x, u32 t)
{
	struct extent *e = &x->nodes[t];
	const struct extent *l = &x->nodes[e->left];
	const struct extent *r = &x->nodes[e->right];
	u64 longest = e->mapped ? 0 : e->iova.len;

	e->height = (u8)(1 + (l->height > r->height ? l->height : r->height));
	if (l->max_free > longest)
		longest = l->max_free;
	if (r->max_free > longest)
		longest = r->max_free;
	e->max_free = longest;
}

static u32 rotate_right(struct extents *x, u32 t)
{
	u32 up = x->nodes[t].left;

	x->nodes[t].left = x->nodes[up].right;
	x->nodes[up].right = t;
	update(x, t);
	update(x, up);
	return up;
}

static u32 rotate_left(struct extents *x, u32 t)
{
	u32 up = x->nodes[t].right;

	x->nodes[t].right = x->nodes[up].left;
	x->nodes[up].left = t;
	update(x, t);
	update(x, up);
	return up;
}

static int lean(const struct extents *x, u32 t)
{
	return (int)x->nodes[x->nodes[t].left].height - (int)x->nodes[x->nodes[t].right].height;
}

static u32 balance(struct extents *x, u32 t)
{
	struct extent *e = &x->nodes[t];

	update(x, t);
	if (lean(x, t) > 1) {
		if (lean(x, e->left) < 0)
			e->left = rotate_left(x, e->left);
		return rotate_right(x, t);
	}
	if (lean(x, t) < -1) {
		if (lean(x, e->right) > 0)
			e->right = rotate_right(x, e->right);
		return rotate_left(x, t);
	}
	return t;
}

static u32 insert(struct extents *x, u32 t, u32 node)
{
	struct extent *e = &x->nodes[t];

	if (t == EXTENTS_NONE) {
		update(x, node);
		return node;
	}
	if (x->nodes[node].iova.start < e->iova.start)
		e->left = insert(x, e->left, node);
	else
		e->right = insert(x, e->right, node);
	return balance(x, t);
}

static u32 take_first(struct extents *x, u32 t, u32 *first)
{
	struct extent *e = &x->nodes[t];

	if (e->left == EXTENTS_NONE) {
		*first = t;
		return e->right;
	}
	e->left = take_first(x, e->left, first);
	return balance(x, t);
}

/* take the extent that starts at @start out of the tree; nodes keep their indexes */
static u32 take_out(struct extents *x, u32 t, u64 start)
{
	struct extent *e = &x->nodes[t];
	u32 left = e->left, right = e->right, heir;

	assert(t != EXTENTS_NONE);
	if (start < e->iova.start) {
		e->left = take_out(x, left, start);
		return balance(x, t);
	}
	if (start > e->iova.start) {
		e->right = take_out(x, right, start);
		return balance(x, t);
	}
	if (right == EXTENTS_NONE)
		return left;
	right = take_first(x, right, &heir);
	x->nodes[heir].left = left;
	x->nodes[heir].right = right;
	return balance(x, heir);
}

/* bring max_free up to date from the extent that starts at @start to the root */
static void refresh(struct extents *x, u32 t, u64 start)
{
	const struct extent *e = &x->nodes[t];

	if (start < e->iova.start)
		refresh(x, e->left, start);
	else if (start > e->iova.start)
		refresh(x, e->right, start);
	update(x, t);
}

u32 extents_at(const struct extents *x, u64 iova)
{
	u32 t = x->root, floor = EXTENTS_NONE;

	while (t != EXTENTS_NONE) {
		if (x->nodes[t].iova.start > iova) {
			t = x->nodes[t].left;
			continue;
		}
		floor = t;
		t = x->nodes[t].right;
	}
	return floor;
}

static bool node_reserve(struct extents *x)
{
	u32 capacity = x->capacity;
	struct extent *nodes;

	if (x->free != EXTENTS_NONE || x->used < capacity)
		return true;
	if (capacity >= NODES_MAX)
		return false;
	nodes = realloc(x->nodes, (size_t)capacity * 2 * sizeof(*nodes));
	if (!nodes)
		return false;
	x->nodes = nodes;
	x->capacity = capacity * 2;
	return true;
}

/* a node for @iova; node_reserve() has succeeded */
static u32 node_take(struct extents *x, struct span iova)
{
	u32 i = x->free;

	if (i != EXTENTS_NONE)
		x->free = x->nodes[i].left;
	else
		i = x->used++;
	x->nodes[i] = (struct extent){ .iova = iova };
	return i;
}

static void node_give(struct extents *x, u32 i)
{
	x->nodes[i].left = x->free;
	x->free = i;
}

void extents_clear(struct extents *x)
{
	x->nodes[EXTENTS_NONE] = (struct extent){ .height = 0 };
	x->free = EXTENTS_NONE;
	x->used = EXTENTS_NONE + 1;
	x->holes = 1;
	x->root = insert(x, EXTENTS_NONE, node_take(x, x->all_iova));
}

int extents_init(struct extents *x, struct span all_iova)
{
	x->all_iova = all_iova;
	x->capacity = NODES_START;
	x->nodes = malloc(x->capacity * sizeof(*x->nodes));
	if (!x->nodes)
		return -ENOMEM;
	extents_clear(x);
	return 0;
}

void extents_destroy(struct extents *x)
{
	free(x->nodes);
	x->nodes = NULL;
}

u64 extents_longest_free(const struct extents *x)
{
	return x->nodes[x->root].max_free;
}

static void set_mapped(struct extent *e, struct span gpa)
{
	e->mapped = true;
	e->gpa = gpa.start;
	e->used_bytes = gpa.len;
}

/* the hole keeps what lies before @iova; what lies behind it becomes a hole of its own */
static int split_hole(struct extents *x, u32 hole, struct span iova, u32 mapped)
{
	u64 behind_bytes = span_last(x->nodes[hole].iova) - span_last(iova);
	u32 behind = EXTENTS_NONE;

	if (behind_bytes) {
		if (!node_reserve(x))
			return -ENOMEM;
		behind = node_take(x, (struct span){ span_last(iova) + 1, behind_bytes });
		x->holes++;
	}
	x->nodes[hole].iova.len = iova.start - x->nodes[hole].iova.start;
	refresh(x, x->root, x->nodes[hole].iova.start);
	x->root = insert(x, x->root, mapped);
	if (behind != EXTENTS_NONE)
		x->root = insert(x, x->root, behind);
	return 0;
}

int extents_take(struct extents *x, u32 hole, struct span iova, struct span gpa)
{
	struct extent *e;
	u32 node;
	int rc;

	if (span_equal(x->nodes[hole].iova, iova)) {
		set_mapped(&x->nodes[hole], gpa);
		refresh(x, x->root, iova.start);
		x->holes--;
		return 0;
	}
	if (!node_reserve(x))
		return -ENOMEM;
	node = node_take(x, iova);
	set_mapped(&x->nodes[node], gpa);
	e = &x->nodes[hole];
	if (e->iova.start < iova.start) {
		rc = split_hole(x, hole, iova, node);
		if (rc)
			node_give(x, node);
		return rc;
	}
	/* the hole gives up its front; its place in the order stays, and it lies on the new node's way into the tree */
	e->iova.start += iova.len;
	e->iova.len -= iova.len;
	x->root = insert(x, x->root, node);
	return 0;
}

u32 extents_hole(const struct extents *x, struct span iova)
{
	u32 hole = extents_at(x, iova.start);

	return x->nodes[hole].mapped || span_last(x->nodes[hole].iova) < span_last(iova) ? EXTENTS_NONE : hole;
}

u32 extents_find(const struct extents *x, u64 iova)
{
	u32 node = extents_at(x, iova);

	return x->nodes[node].mapped && iova - x->nodes[node].iova.start < x->nodes[node].used_bytes ? node : EXTENTS_NONE;
}

void extents_give(struct extents *x, u32 node)
{
	struct extent *e = &x->nodes[node];
	u64 last = span_last(e->iova);
	u32 next = last < span_last(x->all_iova) ? extents_at(x, last + 1) : EXTENTS_NONE;
	u32 prev = e->iova.start > x->all_iova.start ? extents_at(x, e->iova.start - 1) : EXTENTS_NONE;

	e->mapped = false;
	e->tag = 0;
	x->holes++;
	if (next != EXTENTS_NONE && !x->nodes[next].mapped) {
		x->root = take_out(x, x->root, x->nodes[next].iova.start);
		e->iova.len += x->nodes[next].iova.len;
		node_give(x, next);
		x->holes--;
	}
	if (prev != EXTENTS_NONE && !x->nodes[prev].mapped) {
		x->root = take_out(x, x->root, e->iova.start);
		x->nodes[prev].iova.len += e->iova.len;
		node_give(x, node);
		x->holes--;
		node = prev;
	}
	refresh(x, x->root, x->nodes[node].iova.start);
}
