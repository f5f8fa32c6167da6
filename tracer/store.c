/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/error.h"
#include "tracer/sql.h"
#include "tracer/store_file.h"
#include "tracer/tracer.h"

#define BUSY_MS 10000 /* readers hold locks for moments only */
#define SINGLE_FILE_TRIES 25
#define SINGLE_FILE_WAIT_MS 40

#define STRINGIFY(x) STRINGIFY_(x)
#define STRINGIFY_(x) #x

static const char schema[] =
#include "tracer/schema.sql.inc"
	;

enum store_statement {
	STORE_META_SET,
	STORE_META_REMOVE,
	STORE_DEVICE_ADD,
	STORE_DEVICE_FIND,
	STORE_STRING_ADD,
	STORE_STRING_FIND,
	STORE_ACCOUNT_SET,
	STORE_CHUNK_ADD,
	STORE_CHECKPOINT_ADD,
	STORE_STATEMENTS,
};

static const char *const statements[STORE_STATEMENTS] = {
	[STORE_META_SET] = "INSERT INTO meta(key, value, checksum) VALUES(?1, ?2, row_crc(?1, ?2)) "
			   "ON CONFLICT(key) DO UPDATE SET value = ?2, checksum = row_crc(?1, ?2)",
	[STORE_META_REMOVE] = "DELETE FROM meta WHERE key = ?1",
	[STORE_DEVICE_ADD] = "INSERT INTO device(id, name, identity, checksum) SELECT id, ?1, ?2, row_crc(id, ?1, ?2) "
			     "FROM (SELECT coalesce(max(id), 0) + 1 AS id FROM device) WHERE id <= " STRINGIFY(TRACE_DEVICES_MAX),
	[STORE_DEVICE_FIND] = "SELECT id FROM device WHERE name = ?1",
	[STORE_STRING_ADD] = "INSERT INTO string(id, text, checksum) SELECT id, ?1, row_crc(id, ?1) "
			     "FROM (SELECT coalesce(max(id), 0) + 1 AS id FROM string) WHERE id <= " STRINGIFY(SQL_STRINGS_MAX),
	[STORE_STRING_FIND] = "SELECT id FROM string WHERE text = ?1",
	[STORE_ACCOUNT_SET] = "INSERT INTO account(what, count, note, checksum) VALUES(?1, ?2, ?3, row_crc(?1, ?2, ?3)) "
			      "ON CONFLICT(what) DO UPDATE SET count = ?2, note = coalesce(?3, note), "
			      "checksum = row_crc(?1, ?2, coalesce(?3, note))",
	[STORE_CHUNK_ADD] = "INSERT INTO chunk(id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum, data, "
			    "head_checksum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, row_crc(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))",
	[STORE_CHECKPOINT_ADD] = "INSERT INTO checkpoint(id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, "
				 "checksum, data, parts, until_ns, head_checksum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
				 "row_crc(?1, ?11, ?12, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))",
};

struct store {
	struct store_file file;
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *stmt[STORE_STATEMENTS];
};

/* ---- making the file ---- */

static int make_new(const struct store_file *file, unsigned int page_bytes)
{
	char path[STORE_PATH_BYTES], page_size[64];
	sqlite3 *db = NULL;
	int err;

	store_file_sibling(file, "-new", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	snprintf(page_size, sizeof(page_size), "PRAGMA page_size = %u", page_bytes);
	err = sql_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
	if (!err)
		err = sql_exec(db, page_size);
	if (!err)
		err = sql_exec(db, schema);
	/* here, so that the change needs no rollback journal under the final name */
	if (!err)
		err = sql_exec(db, "PRAGMA journal_mode = WAL");
	sqlite3_close(db);
	if (err)
		unlink(path);
	return err;
}

static int open_db(struct store *s)
{
	int err = sql_open(s->file.path, SQLITE_OPEN_READWRITE, &s->db);

	if (!err)
		err = sql_error(s->db, sqlite3_busy_timeout(s->db, BUSY_MS));
	if (!err)
		err = sql_exec(s->db, "PRAGMA synchronous = NORMAL");
	if (!err)
		err = sql_add_row_crc(s->db);
	for (int i = 0; !err && i < STORE_STATEMENTS; i++)
		err = sql_prepare(s->db, statements[i], &s->stmt[i]);
	return err;
}

static void store_free(struct store *s)
{
	for (int i = 0; i < STORE_STATEMENTS; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
	store_file_unlock(&s->file);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int store_create(const char *path, bool overwrite, unsigned int page_bytes, struct store **out, char *error)
{
	struct store *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return trace_fail(error, -ENOMEM, "no memory for a trace");
	pthread_mutex_init(&s->lock, NULL);
	err = store_file_lock(&s->file, path, error);
	if (!err)
		err = store_file_may_replace(&s->file, overwrite, error);
	if (err)
		goto out_free;
	err = make_new(&s->file, page_bytes);
	if (!err)
		err = store_file_install(&s->file, overwrite);
	if (!err)
		err = open_db(s);
	if (err) {
		trace_fail(error, err, "cannot make the trace %s: %s", path, strerror(-err));
		goto out_free;
	}
	*out = s;
	return 0;
out_free:
	store_free(s);
	return err;
}

/* ---- rows ---- */

/* all texts come through here, so that none is longer than a reader accepts */
static int bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	size_t bytes = text ? strlen(text) : 0;

	if (bytes > SQL_TEXT_BYTES_MAX)
		return -E2BIG;
	if (!text)
		return sql_error(NULL, sqlite3_bind_null(stmt, at));
	return sql_error(NULL, sqlite3_bind_text(stmt, at, text, (int)bytes, SQLITE_STATIC));
}

static int bind_texts(sqlite3_stmt *stmt, const char *first, const char *second)
{
	int err = bind_text(stmt, 1, first);

	if (!err && second)
		err = bind_text(stmt, 2, second);
	else if (!err && sqlite3_bind_parameter_count(stmt) > 1)
		err = bind_text(stmt, 2, NULL);
	return err;
}

int store_meta(struct store *s, const char *key, const char *value)
{
	sqlite3_stmt *stmt = s->stmt[value ? STORE_META_SET : STORE_META_REMOVE];
	int err;

	pthread_mutex_lock(&s->lock);
	err = bind_texts(stmt, key, value);
	if (!err)
		err = sql_run(stmt);
	sqlite3_clear_bindings(stmt);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* Return: the id of the row that @find finds for @text, 0 if there is none, or negative errno */
static int64_t find_id(struct store *s, enum store_statement find, const char *text)
{
	sqlite3_stmt *stmt = s->stmt[find];
	int err = bind_text(stmt, 1, text);
	int64_t id = 0;
	int code;

	if (err)
		return err;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		id = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	err = sql_error(s->db, code);
	return err ? err : id;
}

static int64_t find_or_add(struct store *s, enum store_statement find, enum store_statement add, const char *text, const char *more)
{
	int64_t id;
	int err;

	pthread_mutex_lock(&s->lock);
	id = find_id(s, find, text);
	if (id == 0) {
		err = bind_texts(s->stmt[add], text, more);
		if (!err)
			err = sql_run(s->stmt[add]);
		if (!err && sqlite3_changes(s->db) == 0)
			err = -ENOSPC;
		sqlite3_clear_bindings(s->stmt[add]);
		id = err ? err : sqlite3_last_insert_rowid(s->db);
	}
	pthread_mutex_unlock(&s->lock);
	return id;
}

int store_device(struct store *s, const char *name, const char *identity)
{
	return (int)find_or_add(s, STORE_DEVICE_FIND, STORE_DEVICE_ADD, name, identity);
}

int64_t store_string(struct store *s, const char *text)
{
	return find_or_add(s, STORE_STRING_FIND, STORE_STRING_ADD, text, NULL);
}

static int put_numbered(struct store *s, const char *sql, unsigned int id, const char *text, const char *more)
{
	sqlite3_stmt *stmt;
	int err;

	pthread_mutex_lock(&s->lock);
	err = sql_prepare(s->db, sql, &stmt);
	if (!err)
		err = bind_texts(stmt, text, more);
	if (!err)
		err = sql_error(s->db, sqlite3_bind_int64(stmt, 3, id));
	if (!err)
		err = sql_run(stmt);
	sqlite3_finalize(stmt);
	pthread_mutex_unlock(&s->lock);
	return err;
}

int store_put_device(struct store *s, unsigned int id, const char *name, const char *more)
{
	return put_numbered(s, "INSERT INTO device(id, name, identity, checksum) VALUES(?3, ?1, ?2, row_crc(?3, ?1, ?2))", id, name, more);
}

int store_put_string(struct store *s, unsigned int id, const char *text, const char *more)
{
	return put_numbered(s, "INSERT INTO string(id, text, checksum) VALUES(?3, ?1, row_crc(?3, ?1))", id, text, more);
}

static int set_account(struct store *s, const char *what, uint64_t count, const char *note)
{
	sqlite3_stmt *stmt = s->stmt[STORE_ACCOUNT_SET];
	int err = bind_text(stmt, 1, what);

	if (!err)
		err = bind_text(stmt, 3, note);
	if (!err)
		err = sql_error(s->db, sqlite3_bind_int64(stmt, 2, (sqlite3_int64)count));
	if (!err)
		err = sql_run(stmt);
	sqlite3_clear_bindings(stmt);
	return err;
}

int store_account(struct store *s, const char *what, uint64_t count, const char *note)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = set_account(s, what, count, note);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* the columns that a chunk and a part of a checkpoint share */
static int bind_row(sqlite3_stmt *stmt, const struct chunk_row *row)
{
	const uint64_t number[] = { (uint64_t)row->id, row->first_seq, row->events, row->t_min_ns, row->t_max_ns };
	int err = 0;

	for (int i = 0; !err && i < 5; i++)
		err = sql_error(NULL, sqlite3_bind_int64(stmt, i + 1, (sqlite3_int64)number[i]));
	if (!err)
		err = bind_text(stmt, 6, row->kind_events);
	if (!err)
		err = sql_error(NULL, sqlite3_bind_int64(stmt, 7, row->codec));
	if (!err)
		err = sql_error(NULL, sqlite3_bind_int64(stmt, 8, (sqlite3_int64)row->raw_bytes));
	if (!err)
		err = sql_error(NULL, sqlite3_bind_int64(stmt, 9, row->checksum));
	if (!err)
		err = sql_error(NULL, sqlite3_bind_blob(stmt, 10, row->data, (int)row->data_bytes, SQLITE_STATIC));
	return err;
}

static int add_row(sqlite3_stmt *stmt, const struct chunk_row *row)
{
	int err = bind_row(stmt, row);

	if (!err)
		err = sql_run(stmt);
	sqlite3_clear_bindings(stmt);
	return err;
}

static int begin(struct store *s)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = sql_exec(s->db, "BEGIN IMMEDIATE");
	if (err)
		pthread_mutex_unlock(&s->lock);
	return err;
}

static int end(struct store *s, int err)
{
	if (!err)
		err = sql_exec(s->db, "COMMIT");
	/* a failed COMMIT may have rolled back by itself; then this one says so and changes nothing */
	if (err)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&s->lock);
	return err;
}

int store_chunk(struct store *s, const struct chunk_row *row, uint64_t dropped)
{
	int err = begin(s);

	if (err)
		return err;
	err = add_row(s->stmt[STORE_CHUNK_ADD], row);
	if (!err)
		err = set_account(s, "events_dropped", dropped, NULL);
	return end(s, err);
}

int store_checkpoint_begin(struct store *s)
{
	return begin(s);
}

int store_checkpoint_part(struct store *s, const struct chunk_row *row, uint64_t parts, uint64_t until_ns)
{
	sqlite3_stmt *stmt = s->stmt[STORE_CHECKPOINT_ADD];

	sqlite3_bind_int64(stmt, 11, (sqlite3_int64)parts);
	sqlite3_bind_int64(stmt, 12, (sqlite3_int64)until_ns);
	return add_row(stmt, row);
}

int store_checkpoint_end(struct store *s, int err)
{
	return end(s, err);
}

uint64_t store_bytes(struct store *s)
{
	char wal[STORE_PATH_BYTES];
	struct stat st;
	uint64_t bytes = 0;

	store_file_sibling(&s->file, "-wal", wal);
	if (stat(s->file.path, &st) == 0)
		bytes += (uint64_t)st.st_size;
	if (stat(wal, &st) == 0)
		bytes += (uint64_t)st.st_size;
	return bytes;
}

/* ---- the end ---- */

/*
 * One file remains: the log goes into it and is removed. While a reader has the file open SQLite cannot leave the log's mode; most readers
 * are soon done. With one that stays, the log stays, empty, and nothing is lost.
 */
static int single_file(struct store *s)
{
	int err;

	sqlite3_busy_timeout(s->db, SINGLE_FILE_WAIT_MS);
	for (int tries = 0; tries < SINGLE_FILE_TRIES; tries++) {
		err = sql_error(s->db, sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
		if (!err)
			err = sql_exec(s->db, "PRAGMA journal_mode = DELETE");
		if (err != -EBUSY)
			return err;
		usleep(SINGLE_FILE_WAIT_MS * 1000);
	}
	return 0;
}

/* SQLite does not tell of a log that did not reach the disk while recording; a trace is complete when all of it has */
static int mark_complete(struct store *s)
{
	int err = sql_error(s->db, sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));

	return err && err != -EBUSY ? err : store_meta(s, TRACE_META_COMPLETE, "yes");
}

int store_close(struct store *s, bool complete)
{
	int err = 0, finish;

	if (!s)
		return 0;
	if (complete)
		err = mark_complete(s);
	for (int i = 0; i < STORE_STATEMENTS; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	finish = single_file(s);
	store_free(s);
	return err ? err : finish;
}
