/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/vtab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char vtab_views[] =
#include "tracer/views.sql.inc"
	;

static const char *const common_names[VTAB_FIRST_ARG] = { "seq", "t_ns", "t_s", "kind", "device", "status" };
static const char *const common_types[VTAB_FIRST_ARG] = { "INTEGER", "INTEGER", "REAL", "TEXT", "TEXT", "INTEGER" };

/**
 * struct vtab_cursor - a scan.
 * @seq_to: of the last event that is wanted
 * @seen:   chunks that its reader had decoded when they were last added to the connection's counter
 */
struct vtab_cursor {
	sqlite3_vtab_cursor base;
	struct trace_cursor *reader;
	struct trace_event event;
	uint64_t seq_to, seen;
	bool end;
};

/* ---- connecting ---- */

static unsigned int column_of(struct vtab_columns *c, const char *name)
{
	for (unsigned int i = 0; i < c->n; i++) {
		if (strcmp(c->name[i], name) == 0)
			return i;
	}
	c->name[c->n] = name;
	return c->n++;
}

static void columns_init(struct vtab_columns *c)
{
	c->n = 0;
	memset(c->arg, -1, sizeof(c->arg));
	for (unsigned int k = 1; k < TRACE_KINDS; k++) {
		const struct trace_event_info *info = trace_event_info(k);

		for (int i = 0; info && i < TRACE_ARGS_MAX; i++) {
			if (info->arg_form[i] != TRACE_UNUSED)
				c->arg[k][column_of(c, info->arg_name[i])] = (int8_t)i;
		}
	}
}

/* an argument that is called as one of the common columns gets a name of its own */
static const char *clash_prefix(const char *name)
{
	for (int i = 0; i < VTAB_FIRST_ARG; i++) {
		if (strcmp(common_names[i], name) == 0)
			return "arg_";
	}
	return "";
}

static int declare(struct vtab *v)
{
	sqlite3_str *sql = sqlite3_str_new(v->db);
	char *text;
	int code;

	sqlite3_str_appendall(sql, "CREATE TABLE event(");
	for (int i = 0; i < VTAB_FIRST_ARG; i++)
		sqlite3_str_appendf(sql, "%s%s %s", i ? ", " : "", common_names[i], common_types[i]);
	for (unsigned int i = 0; i < v->columns.n; i++) {
		const char *name = v->columns.name[i];

		sqlite3_str_appendf(sql, ", \"%w%w\" %s", clash_prefix(name), name, strcmp(name, "text") == 0 ? "TEXT" : "INTEGER");
	}
	sqlite3_str_appendall(sql, ")");
	text = sqlite3_str_finish(sql);
	if (!text)
		return SQLITE_NOMEM;
	code = sqlite3_declare_vtab(v->db, text);
	sqlite3_free(text);
	return code;
}

static int connect_table(sqlite3 *db, void *counter, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
	char why[TRACE_ERROR_BYTES];
	struct vtab *v = calloc(1, sizeof(*v));
	int code;

	(void)argc;
	(void)argv;
	if (!v)
		return SQLITE_NOMEM;
	v->db = db;
	v->counter = counter;
	columns_init(&v->columns);
	code = declare(v);
	if (code == SQLITE_OK && vtab_attach(db, &v->trace, why) != 0) {
		*error = sqlite3_mprintf("%s", why);
		code = SQLITE_ERROR;
	}
	if (code == SQLITE_OK)
		code = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (code != SQLITE_OK) {
		vtab_detach(v->trace);
		free(v);
		return code;
	}
	*out = &v->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *base)
{
	struct vtab *v = (struct vtab *)base;

	vtab_detach(v->trace);
	free(v);
	return SQLITE_OK;
}

/* ---- scanning ---- */

/* what the reader is to unpack for the columns that a statement uses; bit 63 of @used stands for all columns from the 64th on */
static uint32_t projection(const struct vtab *v, uint64_t used)
{
	uint32_t columns = 0;

	if (used & 1ull << VTAB_DEVICE)
		columns |= TRACE_COLUMN_DEVICE;
	if (used & 1ull << VTAB_STATUS)
		columns |= TRACE_COLUMN_STATUS;
	for (unsigned int i = 0; i < v->columns.n; i++) {
		unsigned int bit = VTAB_FIRST_ARG + i < 63 ? VTAB_FIRST_ARG + i : 63;

		for (unsigned int k = 1; (used & 1ull << bit) && k < TRACE_KINDS; k++) {
			if (v->columns.arg[k][i] >= 0)
				columns |= TRACE_COLUMN_ARG(v->columns.arg[k][i]);
		}
	}
	return columns;
}

/* a reader that gives at least what is wanted; it is kept from scan to scan */
static int start(struct vtab_cursor *c, struct vtab *v, const struct vtab_wanted *w, uint64_t used)
{
	int err = c->reader ? 0 : trace_cursor_open(v->trace, false, &c->reader);

	if (err)
		return err;
	trace_cursor_filter(c->reader, w->kinds);
	trace_cursor_project(c->reader, projection(v, used));
	c->seq_to = w->seq_to;
	if (w->seq_from > 0)
		return trace_cursor_seek_seq(c->reader, w->seq_from);
	return trace_cursor_seek_time(c->reader, w->from_ns, w->to_ns == UINT64_MAX ? w->to_ns : w->to_ns + 1);
}

static int fail(struct vtab_cursor *c, int err, const char *why)
{
	if (err == -ENOMEM)
		return SQLITE_NOMEM;
	if (err == -EINTR)
		return SQLITE_INTERRUPT;
	sqlite3_free(c->base.pVtab->zErrMsg);
	c->base.pVtab->zErrMsg = sqlite3_mprintf("%s", why);
	return err == -EBADMSG ? SQLITE_CORRUPT_VTAB : SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct vtab_cursor *c = calloc(1, sizeof(*c));

	(void)base;
	if (!c)
		return SQLITE_NOMEM;
	*out = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;

	trace_cursor_close(c->reader);
	free(c);
	return SQLITE_OK;
}

static int next_event(sqlite3_vtab_cursor *base)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;
	struct vtab *v = (struct vtab *)base->pVtab;
	char error[TRACE_ERROR_BYTES];
	int got = trace_next(c->reader, &c->event, error);
	uint64_t decoded = trace_cursor_decoded(c->reader);

	v->counter->chunks += decoded - c->seen;
	c->seen = decoded;
	if (got < 0)
		return fail(c, got, error);
	c->end = got == 0 || trace_cursor_seq(c->reader) > c->seq_to;
	return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **argv)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;
	struct vtab_wanted w;
	int err, code = vtab_wanted(plan, argv, &w);

	(void)argc;
	if (code != SQLITE_OK)
		return code;
	c->end = w.nothing || w.kinds == 0;
	if (c->end)
		return SQLITE_OK;
	err = start(c, (struct vtab *)base->pVtab, &w, strtoull(text, NULL, 16));
	return err ? fail(c, err, strerror(-err)) : next_event(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return ((struct vtab_cursor *)base)->end;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)trace_cursor_seq(((struct vtab_cursor *)base)->reader);
	return SQLITE_OK;
}

/* ---- values ---- */

static void result_text(sqlite3_context *ctx, const char *text)
{
	if (text)
		sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void result_kind(sqlite3_context *ctx, unsigned int kind)
{
	const struct trace_event_info *info = trace_event_info(kind);
	char number[16];

	if (info) {
		sqlite3_result_text(ctx, info->name, -1, SQLITE_STATIC);
		return;
	}
	snprintf(number, sizeof(number), "kind%u", kind);
	sqlite3_result_text(ctx, number, -1, SQLITE_TRANSIENT);
}

/* a time that SQLite's integers cannot hold must stay behind all others */
static void result_time(sqlite3_context *ctx, uint64_t t_ns)
{
	if (t_ns <= INT64_MAX)
		sqlite3_result_int64(ctx, (sqlite3_int64)t_ns);
	else
		sqlite3_result_double(ctx, (double)t_ns);
}

static void result_arg(struct vtab *v, const struct trace_event *event, unsigned int i, sqlite3_context *ctx)
{
	int arg = event->kind < TRACE_KINDS && i < v->columns.n ? v->columns.arg[event->kind][i] : -1;

	if (arg < 0)
		return;
	if (trace_event_info(event->kind)->arg_form[arg] == TRACE_STRING)
		result_text(ctx, trace_string(v->trace, event->arg[arg]));
	else
		sqlite3_result_int64(ctx, (sqlite3_int64)event->arg[arg]);
}

static int value(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;
	struct vtab *v = (struct vtab *)base->pVtab;
	const struct trace_event *event = &c->event;

	switch (column) {
	case VTAB_SEQ: sqlite3_result_int64(ctx, (sqlite3_int64)trace_cursor_seq(c->reader)); break;
	case VTAB_T_NS: result_time(ctx, event->t_ns); break;
	case VTAB_T_S: sqlite3_result_double(ctx, (double)event->t_ns / 1e9); break;
	case VTAB_KIND: result_kind(ctx, event->kind); break;
	case VTAB_DEVICE: result_text(ctx, trace_device_name(v->trace, event->device)); break;
	case VTAB_STATUS: sqlite3_result_int(ctx, event->status); break;
	default: result_arg(v, event, (unsigned int)(column - VTAB_FIRST_ARG), ctx);
	}
	return SQLITE_OK;
}

/* ---- registering ---- */

static void chunks_decoded(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct vtab_counter *counter = sqlite3_user_data(ctx);

	(void)argc;
	(void)argv;
	sqlite3_result_int64(ctx, (sqlite3_int64)counter->chunks);
}

/* without xCreate the table is there by its name alone, in every connection; without xUpdate it cannot be written */
static const sqlite3_module module = {
	.iVersion = 2,
	.xConnect = connect_table,
	.xBestIndex = vtab_best_index,
	.xDisconnect = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next_event,
	.xEof = at_end,
	.xColumn = value,
	.xRowid = row_id,
};

int vtab_register(sqlite3 *db, const struct vtab_counter **out, char **error)
{
	struct vtab_counter *counter = calloc(1, sizeof(*counter));
	int code;

	*error = NULL;
	if (!counter)
		return SQLITE_NOMEM;
	/* the module's destructor runs when the connection closes, after the last scan; also if this call fails */
	code = sqlite3_create_module_v2(db, "event", &module, counter, free);
	/* the reader asks for rows' checksums */
	if (code == SQLITE_OK && sql_add_row_crc(db) != 0)
		code = SQLITE_ERROR;
	if (code == SQLITE_OK)
		code = sqlite3_create_function_v2(db, "egpu_chunks_decoded", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, counter, chunks_decoded, NULL,
						  NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, vtab_views, NULL, NULL, error);
	if (code == SQLITE_OK && out)
		*out = counter;
	return code;
}
