/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/results.h"

#include <limits.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLICATION_ID 0x45475052 /* "EGPR" */
#define LAYOUT_VERSION 2
#define BUSY_MS 30000
#define SQL_BYTES 4096

struct results {
	sqlite3 *db;
	sqlite3_stmt *find, *put;
};

/* the columns that are whole numbers */
#define COLUMN(name, field) { name, offsetof(struct result, field) }
static const struct {
	const char *name;
	size_t at;
} columns[] = {
	COLUMN("requests", row.requests),
	COLUMN("hits", row.hits),
	COLUMN("failures", row.failures),
	COLUMN("peak_requests", row.peak_requests),
	COLUMN("peak_request_bytes", row.peak_request_bytes),
	COLUMN("peak_granted_bytes", row.peak_granted_bytes),
	COLUMN("peak_mappings", row.peak_mappings),
	COLUMN("peak_mapped_bytes", row.peak_mapped_bytes),
	COLUMN("host_maps", row.host_maps),
	COLUMN("host_unmaps", row.host_unmaps),
	COLUMN("host_failures", row.host_failures),
	COLUMN("lifetime_unknown", row.lifetime_unknown),
	COLUMN("skipped_unmaps", row.skipped_unmaps),
	COLUMN("unmatched_unmaps", row.unmatched_unmaps),
	COLUMN("align_wanted", row.align_wanted),
	COLUMN("align_downgraded", row.align_downgraded),
	COLUMN("align_missed", row.align_missed),
	COLUMN("end_mappings", row.end_mappings),
	COLUMN("copied_bytes", row.copied_bytes),
	COLUMN("exposure_byte_s", row.exposure_byte_s),
	COLUMN("first_failure_request", row.first.request),
	COLUMN("first_failure_t_ns", row.first.t_ns),
	COLUMN("bound_mappings", bound.mappings),
	COLUMN("bound_mappings_t_ns", bound.mappings_t_ns),
	COLUMN("bound_bytes", bound.bytes),
	COLUMN("bound_bytes_t_ns", bound.bytes_t_ns),
	COLUMN("misfit_t_ns", bound.misfit_t_ns),
	COLUMN("start_ns", start_ns),
	COLUMN("lost_events", lost_events),
	COLUMN("damaged_chunks", damaged_chunks),
	COLUMN("policy_changes", policy_changes),
};

#define COLUMNS ((int)(sizeof(columns) / sizeof(columns[0])))

/* of the key, in the order of the parameters of both statements */
enum { KEY_FINGERPRINT = 1, KEY_DEVICE, KEY_SOURCE, KEY_POLICY, KEY_ALIGN, KEY_LIMITS, KEY_VERSION, KEYS = KEY_VERSION };
enum { TEXT_TRACE = KEYS + 1, TEXT_PROVENANCE, VERDICT, FIRST_STATUS, FIRST_PHASE, REASONS, OTHERS = REASONS };

#define KEY_NAMES "fingerprint, device, source, policy, align, limits, version"
#define OTHER_NAMES "trace, provenance, bound_verdict, first_failure_status, first_failure_phase, failures_by_status"

/* ", a, b, …" of the number columns */
static void list_columns(char *text, size_t n, const char *type)
{
	size_t at = 0;
	int i;

	for (i = 0; i < COLUMNS && at < n; i++)
		at += (size_t)snprintf(text + at, n - at, ", %s%s", columns[i].name, type);
}

static int as_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_ERROR:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static sqlite3_int64 pragma(sqlite3 *db, const char *sql)
{
	sqlite3_int64 value = -1;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static int make_table(sqlite3 *db)
{
	char numbers[SQL_BYTES / 2], sql[SQL_BYTES];

	list_columns(numbers, sizeof(numbers), " INTEGER NOT NULL");
	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS result(fingerprint INTEGER NOT NULL, device TEXT NOT NULL, source TEXT NOT NULL, "
		 "policy TEXT NOT NULL, align TEXT NOT NULL, limits TEXT NOT NULL, version TEXT NOT NULL, trace TEXT NOT NULL, "
		 "provenance TEXT NOT NULL, bound_verdict INTEGER NOT NULL, first_failure_status INTEGER NOT NULL, "
		 "first_failure_phase TEXT NOT NULL, failures_by_status TEXT NOT NULL%s, PRIMARY KEY(" KEY_NAMES ")) WITHOUT ROWID; "
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 numbers, APPLICATION_ID, LAYOUT_VERSION);
	return as_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int prepare(struct results *r)
{
	char numbers[SQL_BYTES / 2], marks[(KEYS + 6 + COLUMNS) * 3] = "?1", sql[SQL_BYTES];
	size_t at = 2;
	int i, code;

	list_columns(numbers, sizeof(numbers), "");
	for (i = 1; i < OTHERS + COLUMNS; i++)
		at += (size_t)snprintf(marks + at, sizeof(marks) - at, ",?");
	snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO result(" KEY_NAMES ", " OTHER_NAMES "%s) VALUES(%s)", numbers, marks);
	code = sqlite3_prepare_v2(r->db, sql, -1, &r->put, NULL);
	if (code != SQLITE_OK)
		return as_errno(code);
	snprintf(sql, sizeof(sql),
		 "SELECT " KEY_NAMES ", " OTHER_NAMES "%s FROM result WHERE fingerprint = ?1 AND device = ?2 AND source = ?3 "
		 "AND (policy = ?4 OR source = 'measured') AND align = ?5 AND limits = ?6 AND version = ?7", numbers);
	return as_errno(sqlite3_prepare_v2(r->db, sql, -1, &r->find, NULL));
}

static int open_file(struct results *r, const char *path, char *error)
{
	int rc = as_errno(sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
	sqlite3_int64 id;

	if (rc)
		goto out_error;
	sqlite3_busy_timeout(r->db, BUSY_MS);
	id = pragma(r->db, "PRAGMA application_id");
	if (id == 0 && pragma(r->db, "SELECT count(*) FROM sqlite_schema") == 0)
		rc = make_table(r->db);
	else if (id != APPLICATION_ID || pragma(r->db, "PRAGMA user_version") != LAYOUT_VERSION)
		rc = -EINVAL;
	if (rc == 0)
		rc = prepare(r);
out_error:
	if (rc == -EINVAL)
		snprintf(error, TRACE_ERROR_BYTES, "%.180s is no results file of this egpu: give another name", path);
	else if (rc)
		snprintf(error, TRACE_ERROR_BYTES, "%.180s: %s", path, strerror(-rc));
	return rc;
}

int results_open(const char *path, struct results **out, char *error)
{
	struct results *r = calloc(1, sizeof(*r));
	char name[PATH_MAX];
	int rc;

	if (!r) {
		snprintf(error, TRACE_ERROR_BYTES, "out of memory");
		return -ENOMEM;
	}
	/* a name that SQLite gives a meaning of its own must stay a file's name */
	snprintf(name, sizeof(name), "%s%s", path[0] == '/' ? "" : "./", path);
	rc = open_file(r, name, error);
	if (rc) {
		results_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void results_close(struct results *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->find);
	sqlite3_finalize(r->put);
	sqlite3_close(r->db);
	free(r);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text ? text : "", -1, SQLITE_TRANSIENT);
}

static void bind_key(sqlite3_stmt *stmt, u64 fingerprint, const struct result *r)
{
	char limits[DART_TEXT_BYTES];

	dart_format(&r->limits, limits, sizeof(limits));
	sqlite3_bind_int64(stmt, KEY_FINGERPRINT, (sqlite3_int64)fingerprint);
	bind_text(stmt, KEY_DEVICE, r->device);
	bind_text(stmt, KEY_SOURCE, r->row.measured ? "measured" : "replayed");
	bind_text(stmt, KEY_POLICY, r->row.policy);
	bind_text(stmt, KEY_ALIGN, align_shim_name(r->shim));
	bind_text(stmt, KEY_LIMITS, limits);
	bind_text(stmt, KEY_VERSION, EGPU_VERSION);
}

/* "-28:17,-122:3" */
static void format_reasons(const struct row *row, char *text, size_t n)
{
	size_t at = 0;
	u32 i;

	text[0] = '\0';
	for (i = 0; i < row->reasons && at < n; i++)
		at += (size_t)snprintf(text + at, n - at, "%s%d:%llu", i ? "," : "", row->reason[i].status,
				       (unsigned long long)row->reason[i].count);
}

static void parse_reasons(struct row *row, const char *text)
{
	unsigned long long count;
	int status, used;

	for (row->reasons = 0; row->reasons < ROW_REASONS_MAX && sscanf(text, "%d:%llu%n", &status, &count, &used) == 2; row->reasons++) {
		row->reason[row->reasons].status = status;
		row->reason[row->reasons].count = count;
		text += used + (text[used] == ',');
	}
}

static const char *text_of(sqlite3_stmt *stmt, int parameter)
{
	return (const char *)sqlite3_column_text(stmt, parameter - 1) ?: "";
}

static void take(sqlite3_stmt *stmt, struct result *io)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		*(u64 *)((char *)io + columns[i].at) = (u64)sqlite3_column_int64(stmt, OTHERS + i);
	snprintf(io->row.policy, sizeof(io->row.policy), "%s", text_of(stmt, KEY_POLICY));
	snprintf(io->row.first.phase, sizeof(io->row.first.phase), "%s", text_of(stmt, FIRST_PHASE));
	io->row.first.status = sqlite3_column_int(stmt, FIRST_STATUS - 1);
	io->bound.verdict = (enum bound_verdict)sqlite3_column_int(stmt, VERDICT - 1);
	parse_reasons(&io->row, text_of(stmt, REASONS));
}

int results_find(struct results *r, u64 fingerprint, struct result *io)
{
	int code, rc;

	bind_key(r->find, fingerprint, io);
	code = sqlite3_step(r->find);
	rc = as_errno(code);
	if (code == SQLITE_ROW) {
		take(r->find, io);
		rc = 1;
	}
	sqlite3_reset(r->find);
	return rc;
}

static int put_one(struct results *r, u64 fingerprint, const struct result *one)
{
	char reasons[ROW_REASONS_MAX * 40];
	int i, code;

	bind_key(r->put, fingerprint, one);
	format_reasons(&one->row, reasons, sizeof(reasons));
	bind_text(r->put, TEXT_TRACE, one->trace);
	bind_text(r->put, TEXT_PROVENANCE, one->provenance);
	sqlite3_bind_int(r->put, VERDICT, (int)one->bound.verdict);
	sqlite3_bind_int(r->put, FIRST_STATUS, one->row.first.status);
	bind_text(r->put, FIRST_PHASE, one->row.first.phase);
	bind_text(r->put, REASONS, reasons);
	for (i = 0; i < COLUMNS; i++)
		sqlite3_bind_int64(r->put, OTHERS + 1 + i, (sqlite3_int64) * (const u64 *)((const char *)one + columns[i].at));
	code = sqlite3_step(r->put);
	sqlite3_reset(r->put);
	return as_errno(code);
}

int results_put(struct results *r, u64 fingerprint, const struct result *list, u32 n)
{
	int rc = as_errno(sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	u32 i;

	if (rc)
		return rc;
	for (i = 0; i < n && rc == 0; i++)
		rc = put_one(r, fingerprint, &list[i]);
	if (rc == 0)
		rc = as_errno(sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL));
	if (rc)
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
