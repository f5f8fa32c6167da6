/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * timemap.h - which chunks hold which times and numbers, so that entering a trace in the middle looks at few rows.
 *
 * Purpose:  the chunk table is in the order of the file, and chunks of several threads overlap in time. Of each chunk the map keeps the highest
 *           time up to it and the lowest from it on; both only grow, so that a range's first and last chunk are found by halving. The map is
 *           made when first asked for and grows with a trace that is being recorded.
 * Compiled: the tracer; private to the reader.
 */
#ifndef EGPU_TRACER_TIMEMAP_H
#define EGPU_TRACER_TIMEMAP_H

#include <stdint.h>

#include <sqlite3.h>

#define TIMEMAP_ROWS_MAX (1u << 20) /* chunks behind these are looked at one by one */

struct trace;

/**
 * struct timemap_row - a chunk. One whose row cannot be believed may hold any time and number.
 * @until_ns, @until_seq: highest time, and highest number of the event behind it, of this chunk and all before
 * @from_ns:  lowest time of this chunk and all behind
 * @next_seq: number of the event behind this chunk; UINT64_MAX if that is not known
 */
struct timemap_row {
	int64_t id;
	uint64_t t_min_ns, until_ns, from_ns, until_seq, next_seq;
};

struct timemap {
	struct timemap_row *rows;
	unsigned int n, room;
	sqlite3_stmt *heads;
	uint64_t looked; /* rows of the chunk table read so far */
};

/** timemap_update() - take in the chunks of @t that are new. Without memory, and where a row cannot be read, the map ends early. */
void timemap_update(struct trace *t);

/**
 * timemap_pass() - how many chunks can be passed by.
 * @last_id: the chunk read last
 * @from_ns, @last_ns: times that are wanted, both included; @from_seq: so is every event from this number on
 *
 * Return: the last row of those that hold nothing wanted and follow @last_id without a break; NULL if there is none.
 */
const struct timemap_row *timemap_pass(const struct timemap *m, int64_t last_id, uint64_t from_ns, uint64_t last_ns, uint64_t from_seq);

void timemap_free(struct timemap *m);

#endif
