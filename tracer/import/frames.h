/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * frames.h - logs of frames (MangoHud, PresentMon, CapFrameX), put onto an existing trace.
 *
 * Purpose:  a log's reader fills a struct frames; frames_put() copies the trace with a FRAME event for each of them, by time.
 * Compiled: the importers; shared by the readers of frame logs.
 *
 * Time: with --offset the log's time 0 is there on the trace's clock. Without it the log must have an absolute time, and so must the trace:
 * its clock is CLOCK_REALTIME, or it says when it started, which is then taken to be the time of its first event.
 */
#ifndef EGPU_TRACER_IMPORT_FRAMES_H
#define EGPU_TRACER_IMPORT_FRAMES_H

#include "tracer/import/import.h"

#define FRAMES_MAX (4u << 20)
#define FRAMES_STREAMS_MAX 64
#define FRAMES_STREAM_BYTES 128

/**
 * struct frames_item - a frame.
 * @t_ns:     since the log's time 0
 * @stream:   which process presented it
 * @dropped:  it was never shown
 */
struct frames_item {
	int64_t t_ns;
	uint16_t stream;
	bool dropped;
};

/**
 * struct frames - a log in memory.
 * @absolute: @zero_ns is known
 * @zero_ns:  the log's time 0, ns since 1970, UTC
 */
struct frames {
	struct frames_item *item;
	size_t n, room;
	char stream[FRAMES_STREAMS_MAX][FRAMES_STREAM_BYTES];
	unsigned int streams;
	bool absolute;
	int64_t zero_ns;
	uint64_t lines_unknown, lines_malformed, streams_other;
};

/** frames_add() - Return: 0; -ENOMEM; -E2BIG more than FRAMES_MAX. */
int frames_add(struct frames *frames, const struct frames_item *item);

/** frames_stream() - the number of the stream called @name. Return: its number; FRAMES_STREAMS_MAX if there are too many. */
unsigned int frames_stream(struct frames *frames, const char *name);

/** frames_put() - write the trace args->onto with @frames, and what is to be said of them, into @im's trace. Return: 0 or -errno. */
int frames_put(struct import *im, struct frames *frames, const char *what);
void frames_free(struct frames *frames);

/** frames_date() - "2026-09-18 08:57:43.386354900" of this machine's time zone, or "…Z" of UTC. Return: false if it is none. */
bool frames_date(const char *text, int64_t *ns);

/* the readers: see import_format */
int mangohud_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);
int presentmon_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);

#endif
