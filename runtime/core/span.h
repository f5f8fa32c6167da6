/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * span.h - the one type for a range of addresses.
 *
 * Compiled: everywhere. Which address space a span lies in is said by the name of the variable (…_gpa, …_iova).
 */
#ifndef EGPU_CORE_SPAN_H
#define EGPU_CORE_SPAN_H

#include "runtime/core/env.h"

/**
 * struct span - a range of addresses.
 * @start: first byte
 * @len:   bytes; 0 means empty
 */
struct span {
	u64 start;
	u64 len;
};

/** span_valid() - true if the span is not empty and does not wrap past 2^64. */
static inline bool span_valid(struct span s)
{
	return s.len != 0 && s.len - 1 <= ~0ULL - s.start;
}

/** span_last() - last byte of a valid span (an end could be 2^64). */
static inline u64 span_last(struct span s)
{
	return s.start + (s.len - 1);
}

/** span_holds() - true if valid span @outer contains all of valid span @inner. */
static inline bool span_holds(struct span outer, struct span inner)
{
	return inner.start >= outer.start && span_last(inner) <= span_last(outer);
}

/** span_overlaps() - true if two valid spans share a byte. */
static inline bool span_overlaps(struct span a, struct span b)
{
	return a.start <= span_last(b) && b.start <= span_last(a);
}

/** span_equal() - same start and length. */
static inline bool span_equal(struct span a, struct span b)
{
	return a.start == b.start && a.len == b.len;
}

#endif
