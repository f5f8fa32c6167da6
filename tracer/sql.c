/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/sql.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <endian.h>
#include <zlib.h>

static int cannot_open(sqlite3 *db)
{
	int os = db ? sqlite3_system_errno(db) : 0;

	return os ? -os : -ENOENT;
}

static int io_error(sqlite3 *db)
{
	int os = db ? sqlite3_system_errno(db) : 0;

	return os == ENOSPC || os == EDQUOT || os == EFBIG ? -os : -EIO;
}

int sql_error(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_CANTOPEN: return cannot_open(db);
	case SQLITE_IOERR: return io_error(db);
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_NOTADB: return -EINVAL;
	case SQLITE_CORRUPT: return -EBADMSG;
	case SQLITE_TOOBIG: return -E2BIG;
	case SQLITE_INTERRUPT: return -EINTR;
	}
	return -EIO;
}

int sql_open(const char *path, int flags, sqlite3 **out)
{
	int code = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	return sql_error(*out, code);
}

int sql_exec(sqlite3 *db, const char *sql)
{
	return sql_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return sql_error(db, sqlite3_prepare_v2(db, sql, -1, out, NULL));
}

int sql_run(sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return sql_error(sqlite3_db_handle(stmt), code);
}

int sql_number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt;
	int code, err = sql_prepare(db, sql, &stmt);

	if (err)
		return err;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	err = code == SQLITE_DONE ? -ENODATA : sql_error(db, code);
	sqlite3_finalize(stmt);
	return err;
}

static uint32_t crc_tagged(uint32_t crc, uint8_t type, uint64_t number)
{
	uint8_t bytes[9] = { type };

	number = htole64(number);
	memcpy(bytes + 1, &number, 8);
	return (uint32_t)crc32(crc, bytes, sizeof(bytes));
}

static void row_crc(sqlite3_context *context, int n, sqlite3_value **value)
{
	static const uint8_t none = 0;
	uint32_t crc = (uint32_t)crc32(0, NULL, 0);

	for (int i = 0; i < n; i++) {
		int type = sqlite3_value_type(value[i]);

		if (type == SQLITE_INTEGER) {
			crc = crc_tagged(crc, 1, (uint64_t)sqlite3_value_int64(value[i]));
		} else if (type == SQLITE_TEXT) {
			const uint8_t *text = sqlite3_value_text(value[i]);
			int bytes = sqlite3_value_bytes(value[i]);

			crc = crc_tagged(crc, 2, (uint64_t)bytes);
			crc = (uint32_t)crc32(crc, text, (uInt)bytes);
		} else {
			/* other types than these never stand in a trace; taken as NULL they do not match */
			crc = (uint32_t)crc32(crc, &none, 1);
		}
	}
	sqlite3_result_int64(context, crc);
}

int sql_add_row_crc(sqlite3 *db)
{
	return sql_error(db, sqlite3_create_function(db, "row_crc", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, row_crc, NULL, NULL));
}
