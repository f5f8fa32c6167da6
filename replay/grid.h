/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * grid.h - lists of policies, from texts in which a parameter may be a range: "window:log2=16..22", "grow:evidence=150..200/10".
 */
#ifndef EGPU_REPLAY_GRID_H
#define EGPU_REPLAY_GRID_H

#include "runtime/core/coalesce.h"

#define GRID_MAX 100000u

/** struct grid - a list that grows; starts as all zero. */
struct grid {
	struct coalesce_config *configs;
	u32 n, capacity;
};

/** grid_add() - one more. Return: 0; -E2BIG past GRID_MAX; -ENOMEM. */
int grid_add(struct grid *g, const struct coalesce_config *config);

/**
 * grid_expand() - add every policy that @spec stands for; the last range goes round fastest.
 * A range A..B or A..B/STEP begins with A and does not pass B.
 *
 * Return: 0; as coalesce_parse() and grid_add(); -EINVAL also for B < A and a step of 0.
 */
int grid_expand(struct grid *g, const char *spec);

void grid_destroy(struct grid *g);

#endif
