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
#include <sys/types.h>

#include "tracer/tracer.h"

/**
 * struct feed - where the events come from.
 * @path:    of the trace
 * @follow:  wait for more events as long as the trace is being recorded
 * @trace:   open; another one after each feed_next(), with the same devices and strings
 * @damaged: chunks left out so far
 * The rest is private.
 */
struct feed {
	const char *path;
	bool follow;
	struct trace *trace;
	uint64_t damaged;
	struct trace_cursor *cursor;
	bool skip_damaged;
	uint64_t next_seq;
	dev_t device;
	ino_t inode;
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
