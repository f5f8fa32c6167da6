/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * series.h - quantities over time, in a fixed number of bins; each bin keeps the extreme (the shortest longest hole, else the
 *            maximum), so that no peak is lost.
 */
#ifndef EGPU_REPLAY_SERIES_H
#define EGPU_REPLAY_SERIES_H

#include <stdio.h>

#include "runtime/dart/dart.h"

#define SERIES_BINS_DEFAULT 1000u
#define SERIES_BINS_MAX 1000000u

/** struct series_point - the quantities; @space is that of the simulated DART, and all zero for what a live run recorded. */
struct series_point {
	u64 live_requests, live_request_bytes, live_mappings, mapped_bytes, host_calls, failures;
	struct dart_space space;
};

/**
 * struct series - the bins.
 * @width_ns: of a bin
 * @at:       bin of the last point; the ones before it are complete
 * @last:     the last point, which holds until the next
 */
struct series {
	struct series_point *points;
	u32 bins;
	u32 at;
	u64 start_ns, width_ns;
	struct series_point last;
};

/** series_init() - @bins bins over [@start_ns, @end_ns], which begin with @first. Return: 0 or -ENOMEM. */
int series_init(struct series *s, u32 bins, u64 start_ns, u64 end_ns, const struct series_point *first);
void series_destroy(struct series *s); /* never initialised (all zero) is allowed */

/** series_add() - at @t_ns the quantities are @p. A time before the last counts as the last. A series never initialised takes nothing. */
void series_add(struct series *s, u64 t_ns, const struct series_point *p);

/** series_header(), series_write() - CSV. The rest of the bins holds the last point. */
void series_header(FILE *out);
void series_write(struct series *s, const char *policy, FILE *out);

#endif
