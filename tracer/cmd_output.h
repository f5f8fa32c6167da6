/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_output.h - a trace made from other traces.
 *
 * Purpose:  writes under PATH-new and moves it to PATH when it is whole, so that a command that fails or is interrupted leaves no half
 *           trace, and the older one, if there was one, in place. Devices and strings get their numbers in the new trace.
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_CMD_OUTPUT_H
#define EGPU_TRACER_CMD_OUTPUT_H

#include "tracer/store_file.h"
#include "tracer/tracer.h"

/**
 * struct cmd_output - the new trace.
 * @file:    its name and lock
 * @part:    where it is written
 * @emitted: events so far
 * @err:     the first negative errno of a device or text that found no place
 */
struct cmd_output {
	struct store_file file;
	char part[STORE_PATH_BYTES];
	bool overwrite;
	struct tracer *t;
	struct tracer_ring *ring;
	uint64_t emitted;
	int err;
};

/** struct cmd_remap - numbers of a source in the new trace, by number in the source; 0: not asked for yet. */
struct cmd_remap {
	struct trace *source;
	uint16_t *device;
	unsigned int devices;
	uint32_t *string;
	unsigned int strings;
};

/**
 * cmd_output_open() - begin the trace @path.
 * @sources: paths of the traces it is made from, none of which it may replace; @n of them
 *
 * Return: 0 or negative errno with @error filled.
 */
int cmd_output_open(struct cmd_output *o, const char *path, bool overwrite, char *const *sources, int n, char *error);

/** cmd_output_finish() - write the rest and move it into place. Return: 0 or negative errno with @error filled; nothing is left then. */
int cmd_output_finish(struct cmd_output *o, char *error);
void cmd_output_abort(struct cmd_output *o);

/** cmd_output_meta() - copy a source's meta table, all but what says whether it is complete. Return: 0 or negative errno. */
int cmd_output_meta(struct cmd_output *o, struct trace *source);

/** cmd_output_account() - set @what to @count; events_dropped, which is the new trace's own, becomes source_events_dropped. */
int cmd_output_account(struct cmd_output *o, const char *what, uint64_t count, const char *note);

/** cmd_remap_init() - give all devices of @source their numbers. Return: 0 or negative errno. */
int cmd_remap_init(struct cmd_remap *r, struct cmd_output *o, struct trace *source);
void cmd_remap_free(struct cmd_remap *r);

/** cmd_output_emit() - write @event of a source. */
void cmd_output_emit(struct cmd_output *o, struct cmd_remap *r, const struct trace_event *event);

/** cmd_interrupted() - true after SIGINT, SIGTERM or SIGHUP, once an output is open. */
bool cmd_interrupted(void);

/** cmd_progress() - now and then, on a terminal: how much of @total is done. */
void cmd_progress(uint64_t done, uint64_t total);

/** cmd_progress_count() - the same where the total is not known. @what: of which it is so many, in the plural */
void cmd_progress_count(uint64_t n, const char *what);
void cmd_progress_end(void);

#endif
