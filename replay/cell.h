/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cell.h - one simulation: one policy in front of one simulated DART.
 *
 * Purpose:  makes the very calls of core that the guest module makes, in front of the DART that the runtime uses, so that what it counts is
 *           what a live run counts.
 */
#ifndef EGPU_REPLAY_CELL_H
#define EGPU_REPLAY_CELL_H

#include "replay/batch.h"
#include "replay/row.h"
#include "replay/series.h"
#include "runtime/dart/dart.h"

/**
 * struct cell - the simulation.
 * @row:       what it found; counters that core keeps are filled in by cell_finish()
 * @slot_iova: what each live request (see slots.h) was given; ~0 if it failed
 */
struct cell {
	struct row row;
	struct series series;
	struct coalesce *coalesce;
	struct dart *dart;
	u64 *slot_iova;
	void *state;
	struct companion_entry *entries;
	struct coalesce_request *requests;
};

/**
 * cell_init() - @config says policy, parameters and shim; sizes are set here.
 * @slots: most requests live at once
 *
 * Return: 0; -EINVAL if the policy does not go with the DART's granule; -ENOMEM.
 */
int cell_init(struct cell *cell, const struct coalesce_config *config, const struct dart_limits *limits, u32 slots);
void cell_destroy(struct cell *cell); /* half-built or all zero is allowed */

/** cell_run() - one batch. An item with slot SLOTS_NONE had no lifetime when recorded: a map is released at once, an unmap skipped. */
void cell_run(struct cell *cell, const struct batch *batch, const char *phase);

/** cell_reset() - the host ended all mappings. */
void cell_reset(struct cell *cell, u64 t_ns);

/** cell_finish() - complete @cell->row. */
void cell_finish(struct cell *cell);

#endif
