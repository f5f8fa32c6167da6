/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/error.h"
#include "tracer/reader_text.h"

#define BUSY_MS 10000

/* ---- opening ---- */

static bool file_bytes(const char *path, const char *suffix, uint64_t *bytes)
{
	char name[READER_PATH_BYTES + 8];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (stat(name, &st) != 0)
		return false;
	*bytes = (uint64_t)st.st_size;
	return true;
}

/* PATH as a URI that tells SQLite that nobody writes it; @uri has 3 * READER_PATH_BYTES + 32 */
static void immutable_uri(const char *path, char *uri)
{
	static const char hex[] = "0123456789abcdef";
	char *at = stpcpy(uri, "file:");

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("/._-", c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	strcpy(at, "?immutable=1");
}

static int try_open(struct trace *t, const char *path, int flags)
{
	int64_t id;
	int err = sql_open(path, flags, &t->db);

	if (!err) {
		sqlite3_busy_timeout(t->db, BUSY_MS);
		sqlite3_limit(t->db, SQLITE_LIMIT_LENGTH, SQL_ROW_BYTES_MAX);
		sqlite3_db_config(t->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(t->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		err = sql_exec(t->db, "PRAGMA cell_size_check = ON");
		if (!err)
			err = sql_add_row_crc(t->db);
	}
	/* the first read is where a log that cannot be opened shows */
	if (!err)
		err = sql_number(t->db, "SELECT count(*) FROM sqlite_schema", &id);
	if (err) {
		sqlite3_close(t->db);
		t->db = NULL;
	}
	return err;
}

/*
 * A recorder that was killed in the very moment it left the log's mode has left a rollback journal; SQLite uses it only if it may write.
 */
static int roll_back(struct trace *t, const char *path)
{
	uint64_t bytes;
	int err;

	if (!file_bytes(path, "-journal", &bytes))
		return -EROFS;
	err = try_open(t, path, SQLITE_OPEN_READWRITE);
	if (err)
		return err;
	sqlite3_close(t->db);
	t->db = NULL;
	return try_open(t, path, SQLITE_OPEN_READONLY);
}

/*
 * A trace that is being recorded, or whose recorder died, has a log beside it, and SQLite must be able to make or open the log's index.
 * Where it cannot (a read-only folder) the file alone is enough if there is no log; if there is one, reading without it would silently
 * leave the newest events out.
 */
static int open_file(struct trace *t, const char *path, char *error)
{
	char uri[3 * READER_PATH_BYTES + 32];
	uint64_t bytes, wal_bytes = 0;
	int err;

	if (!file_bytes(path, "", &bytes))
		return trace_fail(error, -errno, "%s: %s", path, strerror(errno));
	if (access(path, R_OK) != 0)
		return trace_fail(error, -errno, "%s: %s", path, strerror(errno));
	err = try_open(t, path, SQLITE_OPEN_READONLY);
	if (err == -EROFS)
		err = roll_back(t, path);
	if (!err || err == -EINVAL || err == -EBUSY || err == -ENOMEM)
		return err;
	if (file_bytes(path, "-wal", &wal_bytes) && wal_bytes)
		return trace_fail(error, err, "%s: its recorder died or still runs, and its newest events are in %s-wal, which cannot be "
				  "used here (%s); copy both to a folder that you may write to", path, path, strerror(-err));
	if (file_bytes(path, "-journal", &bytes) && bytes)
		return trace_fail(error, err, "%s: its recorder died, and %s-journal is needed to read it but cannot be used here (%s); copy both "
				  "to a folder that you may write to", path, path, strerror(-err));
	immutable_uri(path, uri);
	return try_open(t, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

/* our tables must be tables: a crafted view or virtual table could run for ever */
static int check_schema(struct trace *t, const char *path, char *error)
{
	int64_t id = 0, version = 0, tables = 0;
	int err = sql_number(t->db, "PRAGMA application_id", &id);

	if (!err)
		err = sql_number(t->db, "PRAGMA user_version", &version);
	if (err)
		return trace_fail(error, err, "%s: %s", path, strerror(-err));
	if (id != SQL_APPLICATION_ID || version < 100)
		return trace_fail(error, -EINVAL, "%s is not an egpu trace", path);
	if (version / 100 != TRACE_FORMAT_VERSION)
		return trace_fail(error, -EINVAL, "%s has trace format %lld.%lld, this egpu reads %d.x; use a newer egpu", path,
				  (long long)version / 100, (long long)version % 100, TRACE_FORMAT_VERSION);
	t->minor = (unsigned int)(version % 100);
	err = sql_number(t->db,
			 "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 "
			 "AND name IN ('meta', 'device', 'string', 'account', 'chunk')", &tables);
	if (err || tables != 5)
		return trace_fail(error, -EINVAL, "%s is not an egpu trace: its tables are missing or damaged", path);
	return 0;
}

/* each query asks whether the row's checksum is right, or, as 1.0 had none, says so */
static int prepare_text(struct trace *t, const char *sql, const char *condition, sqlite3_stmt **out)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s%s", sql, t->minor >= 1 ? " AND checksum IS " : "", t->minor >= 1 ? condition : "");
	return sql_prepare(t->db, full, out);
}

static int open_tables(struct trace *t)
{
	bool sums = t->minor >= 1;
	int err = text_table_load(&t->meta, t->db,
				  sums ? "SELECT key, value, 0, checksum IS " SQL_CRC_META " FROM meta ORDER BY key"
				       : "SELECT key, value, 0, 1 FROM meta ORDER BY key");

	if (!err)
		err = text_table_load(&t->account, t->db,
				      sums ? "SELECT what, note, count, checksum IS " SQL_CRC_ACCOUNT " FROM account ORDER BY what"
					   : "SELECT what, note, count, 1 FROM account ORDER BY what");
	if (!err)
		err = prepare_text(t, "SELECT name FROM device WHERE id = ?1", SQL_CRC_DEVICE, &t->device_names.find);
	if (!err)
		err = prepare_text(t, "SELECT identity FROM device WHERE id = ?1", SQL_CRC_DEVICE, &t->device_identities.find);
	if (!err)
		err = prepare_text(t, "SELECT text FROM string WHERE id = ?1", SQL_CRC_STRING, &t->strings.find);
	return err;
}

int trace_open(const char *path, struct trace **out, char *error)
{
	char name[READER_PATH_BYTES];
	struct trace *t;
	int n, err;

	/* a name that SQLite gives a meaning of its own (":memory:", "") must stay a file's name */
	n = snprintf(name, sizeof(name), "%s%s", path[0] == '/' ? "" : "./", path);
	if (n < 0 || (size_t)n >= sizeof(name))
		return trace_fail(error, -ENAMETOOLONG, "the trace's file name is too long");
	t = calloc(1, sizeof(*t));
	if (!t)
		return trace_fail(error, -ENOMEM, "no memory for a trace");
	trace_fail(error, 0, "%s", "");
	err = open_file(t, name, error);
	if (!err)
		err = check_schema(t, path, error);
	if (!err)
		err = open_tables(t);
	if (err) {
		trace_close(t);
		if (error && error[0] == '\0' && err == -EINVAL)
			trace_fail(error, err, "%s is not an egpu trace", path);
		else if (error && error[0] == '\0')
			trace_fail(error, err, "%s: cannot be read: %s", path, strerror(-err));
		return err;
	}
	*out = t;
	return 0;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	text_table_free(&t->meta);
	text_table_free(&t->account);
	text_cache_free(&t->device_names);
	text_cache_free(&t->device_identities);
	text_cache_free(&t->strings);
	timemap_free(&t->times);
	sqlite3_close(t->db);
	free(t);
}

/* ---- what it says about itself ---- */

const char *trace_meta(struct trace *t, const char *key)
{
	for (unsigned int i = 0; i < t->meta.n; i++) {
		if (strcmp(t->meta.rows[i].first, key) == 0)
			return t->meta.rows[i].second;
	}
	return NULL;
}

bool trace_meta_next(struct trace *t, unsigned int *row, const char **key, const char **value)
{
	if (*row >= t->meta.n)
		return false;
	*key = t->meta.rows[*row].first;
	*value = t->meta.rows[*row].second ? t->meta.rows[*row].second : "";
	(*row)++;
	return true;
}

bool trace_account_next(struct trace *t, unsigned int *row, const char **what, uint64_t *count, const char **note)
{
	if (*row >= t->account.n)
		return false;
	*what = t->account.rows[*row].first;
	*count = t->account.rows[*row].count;
	*note = t->account.rows[*row].second;
	(*row)++;
	return true;
}

const char *trace_device_name(struct trace *t, unsigned int device)
{
	return device <= TRACE_DEVICES_MAX ? text_cache_get(&t->device_names, device) : NULL;
}

const char *trace_device_identity(struct trace *t, unsigned int device)
{
	return device <= TRACE_DEVICES_MAX ? text_cache_get(&t->device_identities, device) : NULL;
}

const char *trace_string(struct trace *t, uint64_t id)
{
	return id <= SQL_STRINGS_MAX ? text_cache_get(&t->strings, (unsigned int)id) : NULL;
}

unsigned int trace_devices(struct trace *t)
{
	int64_t id;

	if (sql_number(t->db, "SELECT max(id) FROM device", &id) || id < 0 || id > TRACE_DEVICES_MAX)
		return 0;
	return (unsigned int)id;
}

/* ---- summary ---- */

#define CHUNK_COLUMNS "id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum"

const char *reader_chunk_columns(const struct trace *t)
{
	return t->minor >= 1 ? CHUNK_COLUMNS ", head_checksum IS " SQL_CRC_CHUNK : CHUNK_COLUMNS ", 1";
}

bool reader_row_intact(sqlite3_stmt *stmt)
{
	return sqlite3_column_int(stmt, READER_CHUNK_COLUMNS - 1);
}

int reader_chunk_row(sqlite3_stmt *stmt, struct chunk_row *row, const char **why)
{
	for (int i = 0; i < 9; i++) {
		int want = i == 5 ? SQLITE_TEXT : SQLITE_INTEGER;

		*why = "a column of its row has the wrong type";
		if (sqlite3_column_type(stmt, i) != want)
			return -EBADMSG;
	}
	row->id = sqlite3_column_int64(stmt, 0);
	row->first_seq = (uint64_t)sqlite3_column_int64(stmt, 1);
	row->events = (uint64_t)sqlite3_column_int64(stmt, 2);
	row->t_min_ns = (uint64_t)sqlite3_column_int64(stmt, 3);
	row->t_max_ns = (uint64_t)sqlite3_column_int64(stmt, 4);
	row->kind_events = (const char *)sqlite3_column_text(stmt, 5);
	*why = "a number in its row is out of range";
	if (sqlite3_column_int64(stmt, 6) < 0 || sqlite3_column_int64(stmt, 6) > UINT32_MAX || sqlite3_column_int64(stmt, 8) < 0 ||
	    sqlite3_column_int64(stmt, 8) > UINT32_MAX)
		return -EBADMSG;
	row->codec = (uint32_t)sqlite3_column_int64(stmt, 6);
	row->raw_bytes = (uint64_t)sqlite3_column_int64(stmt, 7);
	row->checksum = (uint32_t)sqlite3_column_int64(stmt, 8);
	return row->kind_events ? 0 : -ENOMEM;
}

static void summary_add(struct trace_summary *s, const struct chunk_row *row)
{
	uint32_t counts[CHUNK_KINDS_MAX];

	s->chunks++;
	s->events += row->events;
	s->fingerprint = (s->fingerprint ^ row->checksum ^ (uint64_t)row->events << 32) * 0x9e3779b97f4a7c15ULL;
	s->fingerprint ^= s->fingerprint >> 29;
	if (s->chunks == 1 || row->t_min_ns < s->t_first_ns)
		s->t_first_ns = row->t_min_ns;
	if (row->t_max_ns > s->t_last_ns)
		s->t_last_ns = row->t_max_ns;
	if (chunk_parse_kinds(row->kind_events, counts))
		return;
	for (unsigned int k = 0; k < TRACE_KINDS; k++)
		s->kind_events[k] += counts[k];
}

int trace_summary(struct trace *t, struct trace_summary *out)
{
	char sql[512];
	sqlite3_stmt *stmt;
	struct chunk_row row;
	const char *why;
	int code, err;

	memset(out, 0, sizeof(*out));
	snprintf(sql, sizeof(sql), "SELECT %s, length(data) FROM main.chunk ORDER BY id", reader_chunk_columns(t));
	err = sql_prepare(t->db, sql, &stmt);
	if (err)
		return err;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (reader_chunk_row(stmt, &row, &why) || !reader_row_intact(stmt) || row.events > CHUNK_EVENTS_MAX) {
			out->chunks++;
			continue;
		}
		summary_add(out, &row);
		out->stored_bytes += (uint64_t)sqlite3_column_int64(stmt, READER_CHUNK_COLUMNS);
	}
	err = sql_error(t->db, code);
	sqlite3_finalize(stmt);
	return err;
}
