/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * split.h - rows of a column by classes: by the kind of their event, by the register that a value is of.
 *
 * Purpose:  what differs by class - how far times lie apart, whether a register counts or is random - is cheap to tell where each class is
 *           encoded by itself. The layout is in trace(5), "split".
 * Compiled: the tracer; private to it. No state.
 */
#ifndef EGPU_TRACER_SPLIT_H
#define EGPU_TRACER_SPLIT_H

#include <stdint.h>

#define SPLIT_CLASSES 256u
#define SPLIT_BY_KIND 255u /* in the place of an argument's number */
#define SPLIT_CLASSES_AT 3u /* where a body says what its classes take, behind steps, other and shift */

/** struct split - @start[c] … @start[c + 1] - 1 are the places of class c where rows lie by class. */
struct split {
	const uint64_t *other;
	unsigned int shift;
	uint32_t start[SPLIT_CLASSES + 1];
};

/** split_init() - row i of @n is of class (@other[i] >> @shift) mod SPLIT_CLASSES; @other stays the caller's. */
void split_init(struct split *s, const uint64_t *other, uint32_t n, unsigned int shift);

/**
 * split_gather() - @n @values to @out, by class.
 * @steps: instead of a value the sum, over rows of its class until then, of the differences to the row before (of the first row to 0)
 */
void split_gather(const struct split *s, const uint64_t *values, uint32_t n, int steps, uint64_t *out);

/** split_scatter() - the other way round: @n values that lie by class back to their rows. */
void split_scatter(const struct split *s, const uint64_t *by_class, uint32_t n, int steps, uint64_t *out);

#endif
