/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * foreseen.h - all memory that a trace ever asks for, as runs; what a policy that looks ahead knows.
 *
 * Memory: an array of runs, twice as many as there are at the most.
 */
#ifndef EGPU_REPLAY_FORESEEN_H
#define EGPU_REPLAY_FORESEEN_H

#include "runtime/core/span.h"

/** struct foreseen - @runs_gpa[0 … @n - 1]; in order and apart only after foreseen_settle(). */
struct foreseen {
	struct span *runs_gpa;
	u32 n, capacity;
};

/** foreseen_add() - @gpa is asked for; an invalid span is passed over. Return: 0 or -ENOMEM. */
int foreseen_add(struct foreseen *f, struct span gpa);

/** foreseen_settle() - bring the runs in order, joined where they touch. */
void foreseen_settle(struct foreseen *f);

/** foreseen_join() - @out: the runs of settled @f in whole granules, joined across gaps shorter than @gap_bytes. Return: 0 or -ENOMEM. */
int foreseen_join(const struct foreseen *f, u32 granule_log2, u64 gap_bytes, struct foreseen *out);

/** foreseen_find() - Return: the run of settled @f that holds @gpa; NULL if none does. */
const struct span *foreseen_find(const struct foreseen *f, struct span gpa);

void foreseen_destroy(struct foreseen *f); /* all zero is allowed */

#endif
