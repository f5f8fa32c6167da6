/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sql.h - what writer and reader share of SQLite.
 *
 * Compiled: the tracer; private to store.c and the reader. Everywhere else a trace is not known to be a database.
 */
#ifndef EGPU_TRACER_SQL_H
#define EGPU_TRACER_SQL_H

#include <stdint.h>

#include <sqlite3.h>

#define SQL_APPLICATION_ID 0x45475054u    /* "EGPT", also in schema.sql */
#define SQL_APPLICATION_ID_OFFSET 68      /* in the file's header, big-endian */
#define SQL_FORMAT_MINOR 4                /* user_version is 100 * TRACE_FORMAT_VERSION + minor */
#define SQL_TEXT_BYTES_MAX (1u << 20)     /* longest text of any table */
#define SQL_STRINGS_MAX 1048575           /* ids of the string table are 1 to here */
#define SQL_ROW_BYTES_MAX (24u << 20)     /* a chunk's row, with room */

/** sql_error() - @code (an SQLite result of @db, which may be NULL) as a negative errno; 0 for SQLITE_OK, _ROW and _DONE. */
int sql_error(sqlite3 *db, int code);

/** sql_open() - Return: 0 or negative errno; *@out is to be closed in either case, and may be NULL. */
int sql_open(const char *path, int flags, sqlite3 **out);

/** sql_exec() - run statements that return nothing of interest. Return: 0 or negative errno. */
int sql_exec(sqlite3 *db, const char *sql);

/** sql_prepare() - Return: 0 or negative errno; *@out is NULL on error. */
int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);

/** sql_run() - step a statement that returns no rows, and reset it. Return: 0 or negative errno. */
int sql_run(sqlite3_stmt *stmt);

/**
 * sql_add_row_crc() - give @db the function row_crc(…): CRC-32 of its arguments, each with its type; what trace(5) calls a row's checksum.
 * Return: 0 or negative errno.
 */
int sql_add_row_crc(sqlite3 *db);

/* what the checksum of a row is taken over */
#define SQL_CRC_META "row_crc(key, value)"
#define SQL_CRC_DEVICE "row_crc(id, name, identity)"
#define SQL_CRC_STRING "row_crc(id, text)"
#define SQL_CRC_ACCOUNT "row_crc(what, count, note)"
#define SQL_CRC_CHUNK "row_crc(id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum)"
#define SQL_CRC_CHECKPOINT \
	"row_crc(id, parts, until_ns, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum)"

/** sql_number() - the first column of the first row of @sql. Return: 0; -ENODATA if there is no row; other negative errno. */
int sql_number(sqlite3 *db, const char *sql, int64_t *out);

#endif
