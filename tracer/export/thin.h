/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * thin.h - a curve with fewer points and the same peaks.
 *
 * Purpose:  time is cut into steps; of the points in one step the first, the lowest, the highest and the last are kept, each with its own time.
 *           So a curve has at most four points a step, and its extremes are exact.
 * Compiled: the Perfetto exporter. No memory but the struct's.
 */
#ifndef EGPU_TRACER_EXPORT_THIN_H
#define EGPU_TRACER_EXPORT_THIN_H

#include <stdint.h>

struct thin_point {
	uint64_t t_ns;
	int64_t value;
	uint64_t seq; /* counts the points of the curve from 1 */
};

/** struct thin - a curve; zeroed it is empty. @step: the one that the points kept lie in. */
struct thin {
	uint64_t step, seq;
	struct thin_point first, lowest, highest, last;
};

/**
 * thin_add() - the curve's next point.
 * @step: number of its step; one below the current one counts as the current one
 * @keep: receives the points of the step that this one ends, in order, at most 4
 * Return: their number.
 */
unsigned int thin_add(struct thin *c, uint64_t step, uint64_t t_ns, int64_t value, struct thin_point keep[4]);

/** thin_end() - the same for what is left. */
unsigned int thin_end(struct thin *c, struct thin_point keep[4]);

#endif
