/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_live.h - what is live at a moment of a trace: requests, mappings of the IOMMU, guest memory.
 *
 * Purpose:  fed with the events in order of the file, pairs each end with its beginning. Ends match by device, addresses and length;
 *           which of several equal ones ends is left open.
 * Compiled: egpu-trace.
 * Memory:   the set's own, at most CMD_LIVE_MAX entries.
 */
#ifndef EGPU_TRACER_CMD_LIVE_H
#define EGPU_TRACER_CMD_LIVE_H

#include "tracer/tracer.h"

#define CMD_LIVE_MAX (4u << 20)

enum cmd_live_class {
	CMD_LIVE_REQUEST,
	CMD_LIVE_MAPPING,
	CMD_LIVE_RAM,
	CMD_LIVE_CLASSES,
};

/**
 * struct cmd_live_count - of one class.
 * @unmatched: ends of what never began in this trace
 * @by_reset:  requests that a reset of the companion ended
 */
struct cmd_live_count {
	uint64_t live, bytes, peak, peak_ns, peak_bytes, peak_bytes_ns, unmatched, by_reset;
};

struct cmd_live;

/** cmd_live_kinds() - the kinds that cmd_live_event() looks at, as a mask. */
uint64_t cmd_live_kinds(void);

/** cmd_live_class() - the class that events of @kind begin or end; CMD_LIVE_CLASSES: none. */
enum cmd_live_class cmd_live_class(unsigned int kind);

struct cmd_live *cmd_live_new(struct trace *t); /* NULL without memory */
void cmd_live_free(struct cmd_live *l);         /* NULL is allowed */

/**
 * cmd_live_event() - the next event; those of other kinds and those that failed change nothing.
 * @seq:   its number
 * @ended: receives the event that began what it ends
 *
 * Return: 1 if *@ended is set, 0 if not; -E2BIG too much is live; -ENOMEM.
 */
int cmd_live_event(struct cmd_live *l, const struct trace_event *event, uint64_t seq, struct trace_event *ended);

const struct cmd_live_count *cmd_live_count(const struct cmd_live *l, enum cmd_live_class class);

/**
 * cmd_live_list() - the beginnings of all that is live, in order of the file.
 * Return: an array to be freed, *@n long; NULL without memory.
 */
struct trace_event *cmd_live_list(const struct cmd_live *l, size_t *n);

#endif
