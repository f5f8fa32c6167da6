/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * onto.h - a copy of a trace, event by event, for importers that add to one.
 *
 * Compiled: the importers.
 */
#ifndef EGPU_TRACER_IMPORT_ONTO_H
#define EGPU_TRACER_IMPORT_ONTO_H

#include "tracer/import/import.h"

/** struct onto - the trace that is copied. @device: the copy's id of each of its devices. */
struct onto {
	struct trace *trace;
	struct trace_cursor *cursor;
	struct trace_summary summary;
	uint16_t *device;
	unsigned int devices;
};

/** onto_open() - open args->onto, which must not be recorded right now. Return: 0 or -errno, error filled; onto_close() in either case. */
int onto_open(struct onto *onto, struct import *im);

/** onto_next() - the next event, with ids of the copy. Return: 1; 0 at the end; -errno, error filled. */
int onto_next(struct onto *onto, struct import *im, struct trace_event *event);

/** onto_describe() - what the trace says about itself, and what was added (@what at @zero_ns). Return: 0 or -errno, error filled. */
int onto_describe(struct onto *onto, struct import *im, const char *what, int64_t zero_ns);
void onto_close(struct onto *onto);

#endif
