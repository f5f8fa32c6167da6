/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * reader_text.h - small tables of texts from a trace file.
 *
 * Compiled: the tracer; private to the reader.
 */
#ifndef EGPU_TRACER_READER_TEXT_H
#define EGPU_TRACER_READER_TEXT_H

#include "tracer/reader.h"

/** text_table_load() - the rows of @sql (text, text or NULL, number, whether it is intact), at most READER_META_MAX. Return: 0 or negative errno. */
int text_table_load(struct text_table *table, sqlite3 *db, const char *sql);
void text_table_free(struct text_table *table);

/** text_cache_get() - Return: the text of @id; NULL if there is none, as for 0, which means none. Asked again later if it was not there: a recorder may add it. */
const char *text_cache_get(struct text_cache *cache, unsigned int id);
void text_cache_free(struct text_cache *cache);

#endif
