/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/cover.h"

#include <stdlib.h>

#define START 1024u
#define HEAD 0u /* before every granule; as a link, the end of the list */

/* from @at to the next node, @depth spans lie over each granule; neighbours differ in depth */
struct cover_node {
	u64 at;
	u32 depth;
	u32 levels;
	u32 next[COVER_LEVELS];
};

int cover_init(struct cover *c)
{
	memset(c, 0, sizeof(*c));
	c->capacity = START;
	c->nodes = malloc(START * sizeof(*c->nodes));
	if (!c->nodes)
		return -ENOMEM;
	cover_clear(c);
	return 0;
}

void cover_destroy(struct cover *c)
{
	free(c->nodes);
	memset(c, 0, sizeof(*c));
}

void cover_clear(struct cover *c)
{
	memset(&c->nodes[HEAD], 0, sizeof(c->nodes[HEAD]));
	memset(&c->all, 0, sizeof(c->all));
	memset(c->octave, 0, sizeof(c->octave));
	memset(c->class, 0, sizeof(c->class));
	c->taken = 1;
	c->free = HEAD;
	c->covered = 0;
	c->random = 1;
}

/* room for the two nodes that a span may need */
static int reserve(struct cover *c)
{
	struct cover_node *nodes;

	if (c->taken + 2 <= c->capacity)
		return 0;
	if (c->capacity > UINT32_MAX / 2)
		return -ENOMEM;
	nodes = realloc(c->nodes, (size_t)c->capacity * 2 * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	c->nodes = nodes;
	c->capacity *= 2;
	return 0;
}

static u32 random_levels(struct cover *c)
{
	u32 levels = 1;
	u64 bits;

	c->random = c->random * 6364136223846793005ULL + 1442695040888963407ULL;
	for (bits = c->random >> 33; (bits & 3) == 0 && levels < COVER_LEVELS; bits >>= 2)
		levels++;
	return levels;
}

/* @path: on each level the last node before @at; in: all zero, or of a place before */
static void find(const struct cover *c, u64 at, u32 *path)
{
	u32 level, node = HEAD;

	for (level = COVER_LEVELS; level-- > 0;) {
		u32 next;

		if (c->nodes[path[level]].at >= c->nodes[node].at)
			node = path[level];
		next = c->nodes[node].next[level];
		while (next != HEAD && c->nodes[next].at < at) {
			node = next;
			next = c->nodes[node].next[level];
		}
		path[level] = node;
	}
}

static u32 cut(struct cover *c, u64 at, const u32 *path)
{
	struct cover_node *n;
	u32 level, node;

	node = c->nodes[path[0]].next[0];
	if (node != HEAD && c->nodes[node].at == at)
		return node;
	node = c->free;
	if (node != HEAD)
		c->free = c->nodes[node].next[0];
	else
		node = c->taken++;
	n = &c->nodes[node];
	*n = (struct cover_node){ .at = at, .depth = c->nodes[path[0]].depth, .levels = random_levels(c) };
	for (level = 0; level < n->levels; level++) {
		n->next[level] = c->nodes[path[level]].next[level];
		c->nodes[path[level]].next[level] = node;
	}
	return node;
}

/* a node that changes nothing goes */
static void join(struct cover *c, const u32 *path)
{
	u32 level, node = c->nodes[path[0]].next[0];

	if (c->nodes[node].depth != c->nodes[path[0]].depth)
		return;
	for (level = 0; level < c->nodes[node].levels; level++)
		c->nodes[path[level]].next[level] = c->nodes[node].next[level];
	c->nodes[node].next[0] = c->free;
	c->free = node;
}

static void class_of(u64 length, u32 *octave, u32 *class)
{
	u32 log2 = 63u - (u32)__builtin_clzll(length);

	*octave = log2 < COVER_CLASS_LOG2 ? 0 : log2 - COVER_CLASS_LOG2 + 1;
	*class = (u32)(length >> (*octave ? *octave - 1 : 0)) & (COVER_CLASSES - 1);
}

static u64 class_shortest(u32 octave, u32 class)
{
	return octave ? (u64)(COVER_CLASSES + class) << (octave - 1) : class;
}

/* @sign is 1 or all ones: modulo 2^64 it adds or takes back */
static void count_gap(struct cover_gaps *g, u64 length, u64 sign)
{
	g->count += sign;
	g->granules += sign * length;
}

/* what lies between the nodes from @node to the last one not behind @end */
static void account(struct cover *c, u32 node, u64 end, u64 sign)
{
	u32 next, octave, class;

	for (; (next = c->nodes[node].next[0]) != HEAD; node = next) {
		u64 length = c->nodes[next].at - c->nodes[node].at;

		if (node != HEAD && c->nodes[node].at > end)
			return;
		if (c->nodes[node].depth) {
			c->covered += sign * length;
		} else if (node != HEAD) {
			class_of(length, &octave, &class);
			count_gap(&c->all, length, sign);
			count_gap(&c->octave[octave], length, sign);
			count_gap(&c->class[octave][class], length, sign);
		}
	}
}

static int change(struct cover *c, u64 first, u64 end, u32 by)
{
	u32 before_first[COVER_LEVELS] = { HEAD };
	u32 before_end[COVER_LEVELS];
	u32 node, last;
	int rc = reserve(c);

	if (rc)
		return rc;
	find(c, first, before_first);
	account(c, before_first[0], end, ~0ULL);
	node = cut(c, first, before_first);
	memcpy(before_end, before_first, sizeof(before_end));
	find(c, end, before_end);
	last = cut(c, end, before_end);
	for (; node != last; node = c->nodes[node].next[0])
		c->nodes[node].depth += by;
	/* in this order: the node at @first may be on the path to @end */
	join(c, before_end);
	join(c, before_first);
	account(c, before_first[0], end, 1);
	return 0;
}

int cover_add(struct cover *c, u64 first, u64 end)
{
	return change(c, first, end, 1);
}

int cover_remove(struct cover *c, u64 first, u64 end)
{
	return change(c, first, end, ~0u);
}

u64 cover_runs(const struct cover *c)
{
	return c->all.count + (c->covered != 0);
}

u64 cover_closable(const struct cover *c, u64 granules)
{
	u32 octave, class;
	u64 n = 0;

	for (octave = 0; octave < COVER_OCTAVES && c->octave[octave].granules <= granules; octave++) {
		granules -= c->octave[octave].granules;
		n += c->octave[octave].count;
	}
	for (class = 0; octave < COVER_OCTAVES && class < COVER_CLASSES; class++) {
		const struct cover_gaps *g = &c->class[octave][class];

		if (g->granules > granules) {
			u64 most = granules / class_shortest(octave, class);

			return n + (most < g->count ? most : g->count);
		}
		granules -= g->granules;
		n += g->count;
	}
	return n;
}

u64 cover_fill(const struct cover *c, u64 n)
{
	u32 octave, class;
	u64 granules = 0;

	for (octave = 0; octave < COVER_OCTAVES && c->octave[octave].count <= n; octave++) {
		granules += c->octave[octave].granules;
		n -= c->octave[octave].count;
	}
	for (class = 0; octave < COVER_OCTAVES && n && class < COVER_CLASSES; class++) {
		const struct cover_gaps *g = &c->class[octave][class];

		if (g->count > n)
			return granules + n * class_shortest(octave, class);
		granules += g->granules;
		n -= g->count;
	}
	return granules;
}
