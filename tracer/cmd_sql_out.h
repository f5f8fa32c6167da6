/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_sql_out.h - rows of a query on standard output.
 *
 * Purpose:  a table for people, CSV, or JSON lines. The table's columns are as wide as its first rows ask for, so memory stays bounded
 *           and long results flow.
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_CMD_SQL_OUT_H
#define EGPU_TRACER_CMD_SQL_OUT_H

#include <sqlite3.h>

enum sql_out_form {
	SQL_OUT_TABLE,
	SQL_OUT_CSV,
	SQL_OUT_JSON,
};

struct sql_out;

/** sql_out_new() - begin the output of @stmt's rows. Return: NULL without memory. */
struct sql_out *sql_out_new(enum sql_out_form form, sqlite3_stmt *stmt);

/** sql_out_row() - the row that @stmt has now. */
void sql_out_row(struct sql_out *o, sqlite3_stmt *stmt);

/** sql_out_end() - print what is still held back, and free. */
void sql_out_end(struct sql_out *o);

#endif
