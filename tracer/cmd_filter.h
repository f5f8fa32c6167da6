/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_filter.h - which events a command works on: --kind, --device, --from, --to, --region, --range.
 *
 * Purpose:  several commands take the same options; here they are read, checked against the trace, and applied. Times and kinds choose
 *           chunks (see trace_cursor_seek_time()), the rest is looked at event by event.
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_CMD_FILTER_H
#define EGPU_TRACER_CMD_FILTER_H

#include <getopt.h>

#include "tracer/tracer.h"

#define CMD_FILTER_DEVICES_MAX 64

/**
 * struct cmd_filter - the events that are wanted.
 * @kinds:       TRACE_KIND_BIT() of each
 * @device:      names as given; @device_id in the trace; none: all
 * @to_ns:       exclusive; UINT64_MAX: no end
 * @region:      -1: any
 * @range_first, @range_last: addresses, inclusive, if @some_range
 */
struct cmd_filter {
	uint64_t kinds;
	bool some_kinds;
	const char *device[CMD_FILTER_DEVICES_MAX];
	unsigned int device_id[CMD_FILTER_DEVICES_MAX];
	unsigned int devices;
	uint64_t from_ns, to_ns;
	int region;
	bool some_range;
	uint64_t range_first, range_last;
};

/* for the tables of long options; the values are those cmd_filter_option() takes */
#define CMD_FILTER_KIND { "kind", required_argument, NULL, 'k' }
#define CMD_FILTER_DEVICE { "device", required_argument, NULL, 'd' }
#define CMD_FILTER_FROM { "from", required_argument, NULL, 'f' }
#define CMD_FILTER_TO { "to", required_argument, NULL, 't' }
#define CMD_FILTER_REGION { "region", required_argument, NULL, 'r' }
#define CMD_FILTER_RANGE { "range", required_argument, NULL, 'a' }

void cmd_filter_init(struct cmd_filter *f);

/** cmd_filter_option() - take option @c of @command, its value in optarg. Return: an exit status, after a message if it is not CMD_DONE. */
int cmd_filter_option(struct cmd_filter *f, const char *command, int c);

/** cmd_filter_resolve() - find the devices in @t. Return: an exit status. */
int cmd_filter_resolve(struct cmd_filter *f, struct trace *t, const char *path);

/** cmd_filter_seek() - let @c pass by what is not wanted. Return: 0 or negative errno. */
int cmd_filter_seek(const struct cmd_filter *f, struct trace_cursor *c);

/** cmd_filter_wants() - true if @event, which came from a cursor so prepared, is wanted. */
bool cmd_filter_wants(const struct cmd_filter *f, const struct trace_event *event);

/** cmd_parse_seconds() - "5.25" in ns. Return: false if it is no number of seconds that a trace can hold. */
bool cmd_parse_seconds(const char *text, uint64_t *ns);

#endif
