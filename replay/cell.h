/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cell.h - one simulation: one policy in front of one simulated DART.
 *
 * Purpose:  makes the very calls of core that the guest module makes, in front of the DART that the runtime uses, so that what it counts is
 *           what a live run counts.
 */
#ifndef EGPU_REPLAY_CELL_H
#define EGPU_REPLAY_CELL_H

#include "replay/block.h"
#include "replay/policies.h"
#include "replay/row.h"
#include "replay/series.h"
#include "runtime/dart/dart.h"

struct bound;

/** struct cell_spec - what to simulate: @config says policy, parameters and shim; sizes and what the laboratory knows are set by the cell. */
struct cell_spec {
	struct coalesce_config config;
	struct dart_limits limits;
};

/**
 * struct cell - the simulation.
 * @spec:      as given to cell_init()
 * @bound:     what no policy can beat behind these limits; for the engine
 * @row:       what it found; counters that core keeps are filled in by cell_finish()
 * @kept_bytes: since @kept_t_ns without requests; @kept_byte_ns: sum until then
 * @lab, @lab_state: of a laboratory policy; else NULL
 * @slot_iova: what each live request (see slots.h) was given; ~0 if it failed
 */
struct cell {
	struct cell_spec spec;
	const struct bound *bound;
	struct row row;
	struct series series;
	struct coalesce *coalesce;
	struct dart *dart;
	u64 kept_bytes, kept_t_ns;
	unsigned __int128 kept_byte_ns;
	const struct policy_lab *lab;
	void *lab_state;
	u64 *slot_iova;
	void *state;
	struct companion_entry *entries;
	struct coalesce_request *requests;
};

/**
 * cell_init() - set everything aside.
 * @slots:    most requests live at once
 * @foreseen: settled: all memory that will be asked for, for policies that look ahead
 *
 * Return: 0; -EINVAL if the policy does not go with the DART's granule; -ENOMEM.
 */
int cell_init(struct cell *cell, const struct cell_spec *spec, u32 slots, const struct foreseen *foreseen);
void cell_destroy(struct cell *cell); /* half-built or all zero is allowed */

/** cell_bytes() - memory that cell_init() sets aside, but for the DART, which grows with what is mapped. Return: 0 if the policy does not go. */
u64 cell_bytes(const struct cell_spec *spec, u32 slots);

/** cell_run() - go on by a block. An item with slot SLOTS_NONE had no lifetime when recorded: a map is released at once, an unmap skipped. */
void cell_run(struct cell *cell, const struct block *block);

/** cell_finish() - complete @cell->row. */
void cell_finish(struct cell *cell);

#endif
