/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cover.h - the union of what is live, as runs of granules and the gaps between them.
 *
 * Purpose:  keeps how many granules are covered and how long the gaps are while spans come and go, for the bound.
 * Cost:     O(log n) per span beside the ends of other live spans that lie inside it; memory goes with what is live.
 * Owner:    one array that grows. A span is cut up only where the number of spans over it changes, so nothing depends on its length.
 */
#ifndef EGPU_REPLAY_COVER_H
#define EGPU_REPLAY_COVER_H

#include "runtime/core/env.h"

#define COVER_LEVELS 12u     /* of the skip list, each with a quarter of the nodes of the one below */
#define COVER_CLASS_LOG2 5u  /* gaps shorter than 2^6 granules are told apart exactly, longer ones to a 32nd of their length */
#define COVER_CLASSES (1u << COVER_CLASS_LOG2)
#define COVER_OCTAVES (64u - COVER_CLASS_LOG2)

struct cover_node; /* where the number of spans changes */

/** struct cover_gaps - how many gaps, and their length together. */
struct cover_gaps {
	u64 count, granules;
};

/**
 * struct cover - the union.
 * @covered: granules in it
 * @all:     gaps between its runs; there is one run more than gaps, unless nothing is covered
 * @octave:  sums of @class
 * @class:   gaps by length
 */
struct cover {
	struct cover_node *nodes;
	u32 capacity, taken, free;
	u64 random;
	u64 covered;
	struct cover_gaps all;
	struct cover_gaps octave[COVER_OCTAVES];
	struct cover_gaps class[COVER_OCTAVES][COVER_CLASSES];
};

/** cover_init() - nothing is covered. Return: 0 or -ENOMEM. */
int cover_init(struct cover *c);
void cover_destroy(struct cover *c); /* all zero is allowed */

/** cover_clear() - nothing is covered again. */
void cover_clear(struct cover *c);

/** cover_add() - granules [@first, @end) are live once more; @first < @end. Return: 0; -ENOMEM, and nothing has changed. */
int cover_add(struct cover *c, u64 first, u64 end);

/** cover_remove() - takes back one cover_add() of the same granules. Return: as there. */
int cover_remove(struct cover *c, u64 first, u64 end);

/** cover_runs() - runs of covered granules. */
u64 cover_runs(const struct cover *c);

/**
 * cover_closable() - how many gaps @granules can fill, smallest first.
 * Return: never less than the truth; more than it only by gaps of one class, which are taken as being as short as their class allows
 */
u64 cover_closable(const struct cover *c, u64 granules);

/** cover_fill() - granules that the @n smallest gaps take, at most @c->all.count. Return: never more than the truth, likewise. */
u64 cover_fill(const struct cover *c, u64 n);

#endif
