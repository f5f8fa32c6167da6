/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/reader.h"
#include "tracer/reader_text.h"
#include "tracer/vtab.h"

static int check(sqlite3 *db, unsigned int *minor, char *error)
{
	int64_t id = 0, version = 0, tables = 0;
	int err = sql_number(db, "PRAGMA main.application_id", &id);

	if (!err)
		err = sql_number(db, "PRAGMA main.user_version", &version);
	if (!err)
		err = sql_number(db,
				 "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0 "
				 "AND name IN ('meta', 'device', 'string', 'account', 'chunk')", &tables);
	if (err)
		return trace_fail(error, err, "the main database cannot be read: %s", strerror(-err));
	if (id != SQL_APPLICATION_ID || version < 100 || tables != 5)
		return trace_fail(error, -EINVAL, "the main database is not an egpu trace");
	if (version / 100 != TRACE_FORMAT_VERSION)
		return trace_fail(error, -EINVAL, "the trace has format %lld.%lld, this extension reads %d.x; use a newer egpu",
				  (long long)version / 100, (long long)version % 100, TRACE_FORMAT_VERSION);
	*minor = (unsigned int)(version % 100);
	return 0;
}

/* a text whose row is damaged is none; rows of format 1.0 had no checksum */
static int prepare_texts(struct trace *t)
{
	bool sums = t->minor >= 1;
	int err = sql_prepare(t->db,
			      sums ? "SELECT name FROM main.device WHERE id = ?1 AND checksum IS " SQL_CRC_DEVICE
				   : "SELECT name FROM main.device WHERE id = ?1", &t->device_names.find);

	if (err)
		return err;
	return sql_prepare(t->db,
			   sums ? "SELECT text FROM main.string WHERE id = ?1 AND checksum IS " SQL_CRC_STRING
				: "SELECT text FROM main.string WHERE id = ?1", &t->strings.find);
}

int vtab_attach(sqlite3 *db, struct trace **out, char *error)
{
	unsigned int minor = 0;
	struct trace *t;
	int err = check(db, &minor, error);

	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return trace_fail(error, -ENOMEM, "no memory for a trace");
	t->db = db;
	t->minor = minor;
	err = prepare_texts(t);
	if (err) {
		vtab_detach(t);
		return trace_fail(error, err, "the trace's tables cannot be read: %s", strerror(-err));
	}
	*out = t;
	return 0;
}

void vtab_detach(struct trace *t)
{
	if (!t)
		return;
	text_cache_free(&t->device_names);
	text_cache_free(&t->strings);
	timemap_free(&t->times);
	free(t);
}
