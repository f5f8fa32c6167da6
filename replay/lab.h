/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * lab.h - the cells that a replay feeds, the bounds they are held to, and the threads that run them.
 *
 * Purpose:  any number of cells (policy x parameters x limits) from one decode of a trace, on all processors.
 * Result:   each cell sees the whole trace in order and nothing of the others, so it does not depend on the number of threads.
 * Memory:   two blocks, and what the cells set aside, which goes with what is live.
 */
#ifndef EGPU_REPLAY_LAB_H
#define EGPU_REPLAY_LAB_H

#include "replay/bound.h"
#include "replay/cell.h"
#include "replay/crew.h"

/**
 * struct lab - the cells.
 * @bounds:    one for all cells whose limits make no difference to it
 * @bound_rc:  of each, 0 or -ENOMEM
 * @block:     @block[@filling] is filled while the other is run
 */
struct lab {
	struct cell *cells;
	u32 cells_n;
	struct bound *bounds;
	int *bound_rc;
	u32 bounds_n;
	struct block block[2];
	u32 filling;
	struct crew *crew;
};

/**
 * lab_init() - set all memory aside.
 * @slots:    most requests live at once
 * @foreseen: as for cell_init()
 *
 * Return: 0; -EINVAL if the policy of cell @l->cells_n does not go with its granule; -ENOMEM. To be destroyed in any case.
 */
int lab_init(struct lab *l, const struct cell_spec *specs, u32 n, u32 threads, u32 slots, const struct foreseen *foreseen);
void lab_destroy(struct lab *l); /* all zero is allowed */

/** lab_add(), lab_reset() - the next batch; the host ended all mappings. Return: 0; -ENOMEM, of an earlier batch. */
int lab_add(struct lab *l, const struct batch *batch, const char *phase);
int lab_reset(struct lab *l, u64 t_ns);

/** lab_finish() - the trace has ended: run what is left and complete all rows and bounds. Return: as lab_add(). */
int lab_finish(struct lab *l);

#endif
