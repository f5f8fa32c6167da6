/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * liveset.h - which requests and mappings are live after a run of events.
 *
 * Purpose:  req_map and map add an event, req_unmap and unmap take away the newest of the same device, addresses and size; failed ones and
 *           all other kinds change nothing. Addresses may repeat. Memory is bounded: above LIVESET_MAX the set gives up.
 * Compiled: the tracer; private to it.
 */
#ifndef EGPU_TRACER_LIVESET_H
#define EGPU_TRACER_LIVESET_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/event.h"

#define LIVESET_MAX 262144u

struct liveset_entry {
	struct trace_event event;
	uint64_t number; /* order of insertion */
	uint32_t next;   /* in its bucket, or in the list of free entries; index + 1, 0 ends */
};

/** struct liveset - all zeros is an empty set. @given_up: it was too large, or memory ran out; it is empty and stays so. */
struct liveset {
	struct liveset_entry *entries;
	uint32_t *buckets;
	uint32_t room, used, free, n;
	uint64_t inserted;
	bool given_up;
};

void liveset_free(struct liveset *s);

/** liveset_apply() - one event. */
void liveset_apply(struct liveset *s, const struct trace_event *event);

/** liveset_add() - put an event of a checkpoint in, whatever its kind. */
void liveset_add(struct liveset *s, const struct trace_event *event);

/** liveset_copy() - the live events in the order in which they came. @out: room for @s->n. Return: false without memory. */
bool liveset_copy(const struct liveset *s, struct trace_event *out);

/** LIVESET_KINDS - TRACE_KIND_BIT() of the kinds that change a set. */
#define LIVESET_KINDS \
	(TRACE_KIND_BIT(TRACE_REQ_MAP) | TRACE_KIND_BIT(TRACE_REQ_UNMAP) | TRACE_KIND_BIT(TRACE_MAP) | TRACE_KIND_BIT(TRACE_UNMAP))

#endif
