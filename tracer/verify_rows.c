/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/reader.h"
#include "tracer/store.h"

/* rows whose checksum is wrong, of each table, by what names them */
static const struct {
	const char *table, *damaged;
} checks[] = {
	{ "meta", "SELECT key FROM meta WHERE checksum IS NOT " SQL_CRC_META },
	{ "device", "SELECT id FROM device WHERE checksum IS NOT " SQL_CRC_DEVICE },
	{ "string", "SELECT id FROM string WHERE checksum IS NOT " SQL_CRC_STRING },
	{ "account", "SELECT what FROM account WHERE checksum IS NOT " SQL_CRC_ACCOUNT },
	{ "chunk", "SELECT id FROM chunk WHERE head_checksum IS NOT " SQL_CRC_CHUNK },
	{ "checkpoint", "SELECT id FROM checkpoint WHERE head_checksum IS NOT " SQL_CRC_CHECKPOINT },
};

/* SQLite has one word for a file that is damaged and for a disk that cannot read it */
static const char unreadable[] = "the rest of the table cannot be read: the file is damaged or its disk fails";

struct verify {
	void (*report)(void *ctx, const char *table, const char *key, const char *why);
	void *ctx;
	int64_t damaged;
};

static void found(struct verify *v, const char *table, const char *key, const char *why)
{
	v->damaged++;
	if (v->report)
		v->report(v->ctx, table, key ? key : "", why);
}

static int check_table(struct trace *t, struct verify *v, const char *table, const char *sql)
{
	sqlite3_stmt *stmt;
	int code, err = sql_prepare(t->db, sql, &stmt);

	if (!err) {
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			found(v, table, (const char *)sqlite3_column_text(stmt, 0), "the checksum of its row is wrong");
		err = sql_error(t->db, code);
		sqlite3_finalize(stmt);
	}
	if (err == -ENOMEM || err == -EBUSY)
		return err;
	if (err)
		found(v, table, "", unreadable);
	return 0;
}

/* the tree of pages: where it no longer leads to a page that is in use, rows are missing that nothing else tells of */
static int check_structure(struct trace *t, struct verify *v)
{
	sqlite3_stmt *stmt;
	int code, err = sql_prepare(t->db, "PRAGMA main.quick_check(10)", &stmt);

	if (err)
		return err == -ENOMEM || err == -EBUSY ? err : 0;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);

		if (said && strcmp(said, "ok") != 0)
			found(v, "file", "structure", said);
	}
	err = sql_error(t->db, code);
	sqlite3_finalize(stmt);
	if (err == -EBADMSG || err == -EIO)
		found(v, "file", "structure", "it cannot be read: the file is damaged or its disk fails");
	return err == -EBADMSG || err == -EIO ? 0 : err;
}

/* their data: the rows have been looked at before */
static int check_checkpoints(struct trace *t, struct verify *v)
{
	struct chunk_decoder *d = chunk_decoder_new();
	const struct trace_event *events;
	struct chunk_row row;
	sqlite3_stmt *stmt;
	int code, err = d ? sql_prepare(t->db, READER_CHECKPOINT_SQL " ORDER BY id", &stmt) : -ENOMEM;

	if (err) {
		chunk_decoder_free(d);
		return err == -ENOMEM ? err : 0;
	}
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *why;

		err = reader_checkpoint_part(stmt, d, &row, &events, &why);
		if (err && reader_row_intact(stmt))
			found(v, "checkpoint", (const char *)sqlite3_column_text(stmt, 0), why);
	}
	err = sql_error(t->db, code);
	sqlite3_finalize(stmt);
	chunk_decoder_free(d);
	if (err == -EBADMSG || err == -EIO)
		found(v, "checkpoint", "", unreadable);
	return err == -EBADMSG || err == -EIO ? 0 : err;
}

int64_t trace_verify_rows(struct trace *t, void (*report)(void *ctx, const char *table, const char *key, const char *why), void *ctx)
{
	struct verify v = { report, ctx, 0 };
	int err = check_structure(t, &v);

	if (t->minor < 1)
		return err ? err : v.damaged;
	for (size_t i = 0; !err && i < sizeof(checks) / sizeof(checks[0]); i++)
		err = check_table(t, &v, checks[i].table, checks[i].damaged);
	if (!err)
		err = check_checkpoints(t, &v);
	return err ? err : v.damaged;
}
