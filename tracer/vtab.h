/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * vtab.h - the events of a trace as an SQL table.
 *
 * Purpose:  a virtual table "event" over the chunks of the main file of a database connection, through the same reader as everything else,
 *           and views.sql as temporary views. Serves the loadable extension (vtab_extension.c) and egpu-trace sql.
 * Compiled: the tracer, once for libegpu.a and once for the extension, where each call of SQLite goes through the loading program's
 *           copy of it (vtab_api.h).
 * Locks:    none of its own; as the connection.
 */
#ifndef EGPU_TRACER_VTAB_H
#define EGPU_TRACER_VTAB_H

#include <stdint.h>

#include "tracer/sql.h"
#include "tracer/tracer.h"

/* columns of the table that all kinds share; behind them one for each name of an argument */
enum vtab_column {
	VTAB_SEQ,
	VTAB_T_NS,
	VTAB_T_S,
	VTAB_KIND,
	VTAB_DEVICE,
	VTAB_STATUS,
	VTAB_FIRST_ARG,
};

#define VTAB_NAMES_MAX (TRACE_KINDS * TRACE_ARGS_MAX)

/**
 * struct vtab_columns - the argument columns, made from the table of events.
 * @name:   of column VTAB_FIRST_ARG + i
 * @arg:    by kind and column: index of the argument, or -1
 */
struct vtab_columns {
	const char *name[VTAB_NAMES_MAX];
	int8_t arg[TRACE_KINDS][VTAB_NAMES_MAX];
	unsigned int n;
};

/** struct vtab_counter - what egpu_chunks_decoded() tells. One for each connection. */
struct vtab_counter {
	uint64_t chunks;
};

/**
 * struct vtab - one connection's table.
 * @trace:   a view of the connection's main file; NULL until it is found to be a trace
 */
struct vtab {
	sqlite3_vtab base;
	sqlite3 *db;
	struct trace *trace;
	struct vtab_columns columns;
	struct vtab_counter *counter;
};

/*
 * The plan: idxNum says which constraints xBestIndex found, in the order in which xFilter gets their values; all bounds are inclusive.
 * idxStr begins with the mask of the columns that are used, in hexadecimal; the rest is for people, in EXPLAIN QUERY PLAN.
 */
enum vtab_bound {
	VTAB_SEQ_FROM,
	VTAB_SEQ_TO,
	VTAB_T_FROM,
	VTAB_T_TO,
	VTAB_S_FROM,
	VTAB_S_TO,
	VTAB_KIND_IS,
	VTAB_BOUNDS,
};

#define VTAB_SAME(bound) (1 << (VTAB_BOUNDS + (bound))) /* in a plan: its value is that of the bound before it */
#define VTAB_KIND_LIST (1 << 2 * VTAB_BOUNDS)           /* in a plan: kind IN (…), all at once */

/**
 * struct vtab_wanted - what a scan is to give at least; SQLite checks each event again.
 * @nothing: a bound that no event meets, such as NULL
 */
struct vtab_wanted {
	uint64_t seq_from, seq_to, from_ns, to_ns;
	uint64_t kinds; /* TRACE_KIND_BIT() of each */
	bool nothing;
};

/** vtab_wanted() - from the plan that vtab_best_index() made and its values. Return: an SQLite result. */
int vtab_wanted(int plan, sqlite3_value **argv, struct vtab_wanted *w);

/** vtab_best_index() - xBestIndex: the bounds and an estimate from the chunk table. */
int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info);

/**
 * vtab_attach() - see the main file of @db, which somebody else has opened, as a trace.
 * Return: 0; -EINVAL if it is none; other negative errno; @error filled.
 */
int vtab_attach(sqlite3 *db, struct trace **out, char *error);
void vtab_detach(struct trace *t); /* the connection stays open; NULL is allowed */

/**
 * vtab_register() - give @db the table, egpu_chunks_decoded() and the views.
 * @counter: receives what counts the chunks that @db decodes, as long as @db is open; may be NULL
 * Return: an SQLite result; *@error is a text to be freed with sqlite3_free(), or NULL.
 */
int vtab_register(sqlite3 *db, const struct vtab_counter **counter, char **error);

extern const char vtab_views[]; /* views.sql */

#endif
