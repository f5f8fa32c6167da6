/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/cmd_sql_out.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#define HELD_ROWS 500
#define WIDTH_MAX 60
#define CELL_BYTES_MAX 1024

/**
 * struct sql_out - an output.
 * @held: cells of the first rows of a table, until the widths are known; @rows of them
 */
struct sql_out {
	enum sql_out_form form;
	int columns;
	char **name;
	int *width;
	bool *number;
	char **held;
	int rows;
	bool flowing;
};

/* ---- table ---- */

/* bytes that begin a character: those a terminal makes room for */
static int text_width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static char *blob_text(const unsigned char *data, int bytes)
{
	int shown = bytes > CELL_BYTES_MAX ? CELL_BYTES_MAX : bytes;
	char *text = malloc(2 * (size_t)shown + 8), *at = text;

	if (!text)
		return NULL;
	at += sprintf(at, "x'");
	for (int i = 0; i < shown; i++)
		at += sprintf(at, "%02x", data[i]);
	strcpy(at, shown < bytes ? "..." : "'");
	return text;
}

/* a cell as people read it; to be freed */
static char *cell_text(sqlite3_stmt *stmt, int i)
{
	char number[40];
	char *text;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL: return strdup("");
	case SQLITE_BLOB: return blob_text(sqlite3_column_blob(stmt, i), sqlite3_column_bytes(stmt, i));
	case SQLITE_FLOAT:
		snprintf(number, sizeof(number), "%.15g", sqlite3_column_double(stmt, i));
		return strdup(number);
	}
	text = sqlite3_column_text(stmt, i) ? strdup((const char *)sqlite3_column_text(stmt, i)) : NULL;
	for (char *at = text; at && *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	return text;
}

static void pad(int n)
{
	for (; n > 0; n--)
		putchar(' ');
}

static void table_cell(const struct sql_out *o, int i, const char *text)
{
	int room = o->width[i] - text_width(text);
	bool last = i == o->columns - 1;

	if (o->number[i])
		pad(room);
	fputs(text, stdout);
	if (!o->number[i] && !last)
		pad(room);
	fputs(last ? "\n" : "  ", stdout);
}

static void table_flow(struct sql_out *o)
{
	o->flowing = true;
	for (int i = 0; i < o->columns; i++)
		table_cell(o, i, o->name[i]);
	for (int i = 0; i < o->columns; i++) {
		for (int n = 0; n < o->width[i]; n++)
			putchar('-');
		fputs(i == o->columns - 1 ? "\n" : "  ", stdout);
	}
	for (int n = 0; n < o->rows * o->columns; n++) {
		table_cell(o, n % o->columns, o->held[n] ? o->held[n] : "");
		free(o->held[n]);
	}
	o->rows = 0;
}

static void table_row(struct sql_out *o, sqlite3_stmt *stmt)
{
	for (int i = 0; i < o->columns; i++) {
		int type = sqlite3_column_type(stmt, i), width;
		char *text = cell_text(stmt, i);

		if (o->flowing) {
			table_cell(o, i, text ? text : "");
			free(text);
			continue;
		}
		width = text ? text_width(text) : 0;
		if (width > o->width[i])
			o->width[i] = width < WIDTH_MAX ? width : WIDTH_MAX;
		if (type == SQLITE_TEXT || type == SQLITE_BLOB)
			o->number[i] = false;
		o->held[o->rows * o->columns + i] = text;
	}
	if (!o->flowing && ++o->rows == HELD_ROWS)
		table_flow(o);
}

/* ---- CSV ---- */

static void csv_text(const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		fputs(s, stdout);
		return;
	}
	putchar('"');
	for (; *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void csv_cell(sqlite3_stmt *stmt, int i)
{
	const unsigned char *data;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_FLOAT:
		printf("%.17g", sqlite3_column_double(stmt, i));
		return;
	case SQLITE_BLOB:
		data = sqlite3_column_blob(stmt, i);
		for (int n = 0; n < sqlite3_column_bytes(stmt, i); n++)
			printf("%02x", data[n]);
		return;
	case SQLITE_NULL:
		return;
	}
	data = sqlite3_column_text(stmt, i);
	csv_text(data ? (const char *)data : "");
}

static void csv_row(const struct sql_out *o, sqlite3_stmt *stmt)
{
	for (int i = 0; i < o->columns; i++) {
		if (i)
			putchar(',');
		csv_cell(stmt, i);
	}
	putchar('\n');
}

/* ---- JSON ---- */

static void json_text(const char *s)
{
	struct json_object *o = json_object_new_string(s);

	fputs(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
	json_object_put(o);
}

static void json_cell(sqlite3_stmt *stmt, int i)
{
	const char *text;
	double x;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		printf("%lld", sqlite3_column_int64(stmt, i));
		return;
	case SQLITE_FLOAT:
		x = sqlite3_column_double(stmt, i);
		if (isfinite(x))
			printf("%.17g", x);
		else
			fputs("null", stdout);
		return;
	case SQLITE_NULL:
		fputs("null", stdout);
		return;
	case SQLITE_BLOB:
		putchar('"');
		csv_cell(stmt, i);
		putchar('"');
		return;
	}
	text = (const char *)sqlite3_column_text(stmt, i);
	json_text(text ? text : "");
}

static void json_row(const struct sql_out *o, sqlite3_stmt *stmt)
{
	for (int i = 0; i < o->columns; i++) {
		putchar(i ? ',' : '{');
		json_text(o->name[i]);
		putchar(':');
		json_cell(stmt, i);
	}
	fputs("}\n", stdout);
}

/* ---- all ---- */

static void sql_out_free(struct sql_out *o)
{
	for (int i = 0; o->name && i < o->columns; i++)
		free(o->name[i]);
	free(o->name);
	free(o->width);
	free(o->number);
	free(o->held);
	free(o);
}

struct sql_out *sql_out_new(enum sql_out_form form, sqlite3_stmt *stmt)
{
	struct sql_out *o = calloc(1, sizeof(*o));
	size_t n = (size_t)sqlite3_column_count(stmt);

	if (!o)
		return NULL;
	o->form = form;
	o->columns = (int)n;
	o->name = calloc(n + 1, sizeof(*o->name));
	o->width = calloc(n + 1, sizeof(*o->width));
	o->number = calloc(n + 1, sizeof(*o->number));
	o->held = calloc(n * HELD_ROWS + 1, sizeof(*o->held));
	if (!o->name || !o->width || !o->number || !o->held) {
		sql_out_free(o);
		return NULL;
	}
	for (int i = 0; i < o->columns; i++) {
		const char *name = sqlite3_column_name(stmt, i);

		o->name[i] = strdup(name ? name : "");
		if (!o->name[i]) {
			sql_out_free(o);
			return NULL;
		}
		o->width[i] = text_width(o->name[i]);
		o->number[i] = true;
	}
	for (int i = 0; form == SQL_OUT_CSV && i < o->columns; i++) {
		if (i)
			putchar(',');
		csv_text(o->name[i]);
	}
	if (form == SQL_OUT_CSV)
		putchar('\n');
	return o;
}

void sql_out_row(struct sql_out *o, sqlite3_stmt *stmt)
{
	if (o->form == SQL_OUT_CSV)
		csv_row(o, stmt);
	else if (o->form == SQL_OUT_JSON)
		json_row(o, stmt);
	else
		table_row(o, stmt);
}

void sql_out_end(struct sql_out *o)
{
	if (o->form == SQL_OUT_TABLE && !o->flowing)
		table_flow(o);
	sql_out_free(o);
}
