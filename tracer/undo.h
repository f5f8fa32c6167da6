/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * undo.h - which unmap of a chunk ends which of its maps, so that addresses and sizes need not be told twice.
 *
 * Purpose:  req_unmap (6) and unmap (8) say again what a req_map (5) or map (7) said. Where that is in the same chunk, how many maps ago it was is
 *           far less than an address: drivers end most of their mappings in the order in which they made them. The layout is in trace(5), "undo".
 * Compiled: the tracer; private to it. No state but the memory that the caller owns.
 */
#ifndef EGPU_TRACER_UNDO_H
#define EGPU_TRACER_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/chunk.h"

#define UNDO_COLUMN (CHUNK_ARGS_MAX - 1u) /* in the place of an argument's number: the column of references */
#define UNDO_BUCKETS 65536u
#define UNDO_KEYS 3u /* arguments that must be equal: gpa, len, iova */

/** undo_kind() - Return: whether events of @kind undo those of @kind - 1. */
bool undo_kind(unsigned int kind);

/** undo_arg() - Return: whether argument @arg of such a @kind is as it was, by and large. */
bool undo_arg(unsigned int kind, unsigned int arg);

/** struct undo - memory for undo_find(): maps that are live, by their arguments; row + 1, 0 ends. */
struct undo {
	uint32_t bucket[UNDO_BUCKETS], next[CHUNK_EVENTS_MAX];
};

/**
 * undo_find() - for each event of @kind the newest live one of @kind - 1 before it with the same gpa, len and iova.
 * @kinds:         of all @n events
 * @maps, @unmaps: arguments of the events of @kind - 1 and of @kind
 * @refs:          receives, for each event of @kind, how many of @kind - 1 ago that was, 1 being the last; 0: there is none
 *
 * Return: how many are not 0.
 */
uint32_t undo_find(struct undo *u, unsigned int kind, const uint64_t *kinds, uint32_t n, const uint64_t *const maps[UNDO_KEYS],
		   const uint64_t *const unmaps[UNDO_KEYS], uint64_t *refs);

/**
 * undo_resolve() - turn @refs as undo_find() makes them into rows of @kind - 1: row + 1, or 0.
 * Return: false if one refers to what is not there.
 */
bool undo_resolve(unsigned int kind, const uint64_t *kinds, uint32_t n, uint64_t *refs);

/**
 * undo_gather() - @values of @n rows to @out: first those of rows without a reference, then the others less what they refer to.
 * @rows: as from undo_resolve(); @undone: the same argument of the events of the kind before; NULL for a gather of the former alone
 *
 * Return: how many have none.
 */
uint32_t undo_gather(const uint64_t *rows, uint32_t n, const uint64_t *values, const uint64_t *undone, uint64_t *out);

/** undo_scatter() - the other way round; @first: how many rows have no reference. */
void undo_scatter(const uint64_t *rows, uint32_t n, const uint64_t *gathered, uint32_t first, const uint64_t *undone, uint64_t *values);

#endif
