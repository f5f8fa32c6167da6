/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * feed.h - the events of one trace for an exporter, to its end or for as long as it is being recorded.
 *
 * Compiled: the exporters. One thread.
 */
#ifndef EGPU_TRACER_EXPORT_FEED_H
#define EGPU_TRACER_EXPORT_FEED_H

#include <stdbool.h>
#include <stdio.h>

#include "tracer/tracer.h"

/**
 * struct feed - where the events come from.
 * @path:    of the trace
 * @trace:   open; the caller's
 * @follow:  wait for more events as long as the trace is being recorded
 * @damaged: chunks left out so far
 */
struct feed {
	const char *path;
	struct trace *trace;
	struct trace_cursor *cursor;
	bool follow;
	uint64_t damaged;
};

/** feed_open() - @feed has path and follow set; opens the rest. Return: 0 or negative errno, @error filled. */
int feed_open(struct feed *feed, bool skip_damaged, char *error);
void feed_close(struct feed *feed);

/**
 * feed_next() - the next event. When following, @out is flushed before waiting.
 * Return: 1; 0 at the end; -EPIPE if @out's reader went away while we waited; other negative errno; @error filled.
 */
int feed_next(struct feed *feed, struct trace_event *event, FILE *out, char *error);

#endif
