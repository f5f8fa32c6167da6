/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/reader_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int copy_text(sqlite3_stmt *stmt, int column, char **out)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	*out = NULL;
	if (!text)
		return 0;
	if (sqlite3_column_bytes(stmt, column) > (int)SQL_TEXT_BYTES_MAX)
		return -E2BIG;
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int add_row(struct text_table *table, sqlite3_stmt *stmt)
{
	struct text_row *rows = realloc(table->rows, (table->n + 1) * sizeof(*rows)), *row;
	int err;

	if (!rows)
		return -ENOMEM;
	table->rows = rows;
	table->text_bytes += (size_t)sqlite3_column_bytes(stmt, 0) + (size_t)sqlite3_column_bytes(stmt, 1);
	if (table->text_bytes > READER_TEXT_MAX)
		return -E2BIG;
	row = &rows[table->n];
	err = copy_text(stmt, 0, &row->first);
	if (err || !row->first)
		return err ? err : -EBADMSG;
	err = copy_text(stmt, 1, &row->second);
	if (err) {
		free(row->first);
		return err;
	}
	row->count = (uint64_t)sqlite3_column_int64(stmt, 2);
	table->n++;
	return 0;
}

int text_table_load(struct text_table *table, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	int code = SQLITE_DONE, err = sql_prepare(db, sql, &stmt);

	if (err)
		return err;
	while (!err && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!sqlite3_column_int(stmt, 3)) {
			table->damaged++;
			continue;
		}
		err = table->n < READER_META_MAX ? add_row(table, stmt) : -E2BIG;
	}
	if (!err)
		err = sql_error(db, code);
	sqlite3_finalize(stmt);
	return err;
}

void text_table_free(struct text_table *table)
{
	for (unsigned int i = 0; i < table->n; i++) {
		free(table->rows[i].first);
		free(table->rows[i].second);
	}
	free(table->rows);
}

static bool cache_reserve(struct text_cache *cache, unsigned int id)
{
	unsigned int room = cache->room ? cache->room : 64;
	char **text;

	if (id < cache->room)
		return true;
	while (room <= id)
		room *= 2;
	text = realloc(cache->text, room * sizeof(*text));
	if (!text)
		return false;
	memset(text + cache->room, 0, (room - cache->room) * sizeof(*text));
	cache->text = text;
	cache->room = room;
	return true;
}

const char *text_cache_get(struct text_cache *cache, unsigned int id)
{
	char *text = NULL;

	if (id == 0)
		return NULL;
	if (id < cache->room && cache->text[id])
		return cache->text[id];
	sqlite3_bind_int64(cache->find, 1, id);
	if (sqlite3_step(cache->find) == SQLITE_ROW)
		copy_text(cache->find, 0, &text);
	sqlite3_reset(cache->find);
	if (!text || !cache_reserve(cache, id)) {
		free(text);
		return NULL;
	}
	cache->text[id] = text;
	return text;
}

void text_cache_free(struct text_cache *cache)
{
	for (unsigned int i = 0; i < cache->room; i++)
		free(cache->text[i]);
	free(cache->text);
	sqlite3_finalize(cache->find);
}
