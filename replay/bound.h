/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bound.h - what no policy can beat: the fewest mappings and the fewest bytes that the live requests of a trace allow.
 *
 * Model:    a mapping is one contiguous span of guest memory in whole granules. Each live request lies inside one live mapping, and it is
 *           served. The bytes of all live mappings count, those of overlapping ones twice, and so do they in the aperture.
 * Relaxed:  a mapping may change while requests live in it, and a request may lie across two that touch; both allow policies more than
 *           they can do, so a bound for them holds for all, offline ones included.
 * Proof:    let the granules that live requests touch at a moment be L granules in R runs, and let a policy have k mappings of b bytes then.
 *           The union of the mappings covers all runs, has at most k pieces and at most b bytes. Between the first and the last run lie R-1
 *           gaps. Each piece that holds two neighbouring runs holds the gap between them, so at least R-k gaps are filled, and
 *           b >= L + (the R-k smallest gaps). So (1) k >= R - (most gaps that fit into the byte limit less L, smallest first), and (2) with
 *           k at most the mapping limit, b >= L + (the smallest R - limit gaps). A peak is at least the value of any moment: the highest of
 *           (1) and of (2) over time bound the peaks. If L passes the byte limit or (1) passes the mapping limit, nothing fits.
 * Moments:  more live requests never lower (1) or (2), so only the moments before an unmap, and the end, are looked at; and
 *           each map past the mapping or byte limit until the first that cannot fit.
 * Exact:    for each moment, but for the last gaps to be filled where they are 64 granules or longer: those count as at most a 32nd too
 *           short, which lowers the bound and keeps it true.
 */
#ifndef EGPU_REPLAY_BOUND_H
#define EGPU_REPLAY_BOUND_H

#include "replay/block.h"
#include "replay/cover.h"
#include "runtime/dart/dart.h"

enum bound_verdict { BOUND_FITS, BOUND_BYTES, BOUND_MAPPINGS };

/**
 * struct bound_found - the bound.
 * @mappings: peak mappings of a policy that keeps the byte limit are never fewer; @mappings_t_ns: where. If @verdict is BOUND_BYTES, of
 *            the moments at which what is live is within the byte limit
 * @bytes:    peak bytes of a policy that keeps the mapping limit are never fewer; @bytes_t_ns: where
 * @verdict:  BOUND_FITS says that the bound allows it, not that a policy can; else which limit no policy can keep
 * @misfit_t_ns: the map request from which on that is so
 */
struct bound_found {
	u64 mappings, mappings_t_ns;
	u64 bytes, bytes_t_ns;
	enum bound_verdict verdict;
	u64 misfit_t_ns;
};

/** struct bound - the bound @found so far; @limits are those it is for. */
struct bound {
	struct bound_found found;
	struct dart_limits limits;
	struct cover cover;
	u64 max_granules;
	u64 t_ns;
	bool grown; /* since the last look */
};

/** bound_init() - Return: 0 or -ENOMEM. */
int bound_init(struct bound *b, const struct dart_limits *limits);
void bound_destroy(struct bound *b); /* all zero is allowed */

/** bound_map() - a request becomes live; one that is empty or wraps is left out. Return: 0 or -ENOMEM. */
int bound_map(struct bound *b, struct span gpa, u64 t_ns);

/** bound_unmap() - a live request ends. Return: 0 or -ENOMEM. */
int bound_unmap(struct bound *b, struct span gpa);

/** bound_look() - take what is live now into account; at the end of a trace. */
void bound_look(struct bound *b);

/** bound_reset() - all requests end. */
void bound_reset(struct bound *b);

/** bound_run() - go on by a block; items with slot SLOTS_NONE were never live. Return: 0 or -ENOMEM. */
int bound_run(struct bound *b, const struct block *block);

/** bound_serves() - true if the bound for limits @a is that for @b too. */
bool bound_serves(const struct dart_limits *a, const struct dart_limits *b);

#endif
