/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * pairing.h - what is live at a moment of a trace: requests, mappings of the IOMMU, guest memory.
 *
 * Purpose:  fed with the events in order of the file, pairs each end with its beginning. Ends match by device, addresses and length;
 *           which of several equal ones ends is left open.
 * Compiled: egpu-trace, egpu-report.
 * Memory:   the set's own, at most PAIRING_MAX entries.
 */
#ifndef EGPU_TRACER_PAIRING_H
#define EGPU_TRACER_PAIRING_H

#include "tracer/tracer.h"

#define PAIRING_MAX (4u << 20)

enum pairing_class {
	PAIRING_REQUEST,
	PAIRING_MAPPING,
	PAIRING_RAM,
	PAIRING_CLASSES,
};

/**
 * struct pairing_count - of one class.
 * @unmatched: ends of what never began in this trace
 * @by_reset:  requests that a reset of the companion ended
 */
struct pairing_count {
	uint64_t live, bytes, peak, peak_ns, peak_bytes, peak_bytes_ns, unmatched, by_reset;
};

struct pairing;

/** pairing_kinds() - the kinds that pairing_event() looks at, as a mask. */
uint64_t pairing_kinds(void);

/** pairing_class() - the class that events of @kind begin or end; PAIRING_CLASSES: none. */
enum pairing_class pairing_class(unsigned int kind);

struct pairing *pairing_new(struct trace *t); /* NULL without memory */
void pairing_free(struct pairing *l);         /* NULL is allowed */

/**
 * pairing_event() - the next event; those of other kinds and those that failed change nothing.
 * @seq:   its number
 * @ended: receives the event that began what it ends
 *
 * Return: 1 if *@ended is set, 0 if not; -E2BIG too much is live; -ENOMEM.
 */
int pairing_event(struct pairing *l, const struct trace_event *event, uint64_t seq, struct trace_event *ended);

const struct pairing_count *pairing_count(const struct pairing *l, enum pairing_class class);

/**
 * pairing_list() - the beginnings of all that is live, in order of the file.
 * Return: an array to be freed, *@n long; NULL without memory.
 */
struct trace_event *pairing_list(const struct pairing *l, size_t *n);

#endif
