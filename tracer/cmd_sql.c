/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/cmd_output.h"
#include "tracer/cmd_sql_out.h"
#include "tracer/reader.h"
#include "tracer/vtab.h"

static const char help[] =
	"usage: egpu-trace sql [--csv | --json] FILE 'SELECT ...'\n"
	"       egpu-trace sql --views\n\n"
	"Asks a trace in SQL (SQLite's). The events are the table \"event\": seq, t_ns, t_s, kind, device, status, and a column for each\n"
	"argument of an event, NULL where its kind has none. Ready-made views: live_mappings, live_requests, frames, map_sizes, bar_top,\n"
	"irqs, faults, phases. The file is only read, whatever the SQL says.\n\n"
	"  --csv     comma-separated values with a header\n"
	"  --json    a JSON object a row\n"
	"  --views   print how the views are made\n\n"
	"\"-\" in place of the SQL reads it from standard input.\n";

#define SQL_STDIN_BYTES_MAX (1u << 20)
#define PROGRESS_STEPS 100000 /* of SQLite's machine */

static sqlite3 *interruptible;

static void on_interrupt(int number)
{
	(void)number;
	sqlite3_interrupt(interruptible);
}

/* introspection is all that a PRAGMA may be used for */
static int may_pragma(const char *name, const char *argument)
{
	static const char *const harmless[] = {
		"table_info", "table_xinfo", "table_list", "index_list", "index_info", "database_list", "function_list", "pragma_list",
		"module_list", "collation_list", "compile_options",
	};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (sqlite3_stricmp(name, harmless[i]) == 0)
			return SQLITE_OK;
	}
	/* the table itself asks for these */
	if (!argument && (strcmp(name, "application_id") == 0 || strcmp(name, "user_version") == 0))
		return SQLITE_OK;
	return SQLITE_DENY;
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *database, const char *trigger)
{
	(void)ctx;
	(void)database;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		return may_pragma(a, b);
	}
	return SQLITE_DENY;
}

static int fail(sqlite3 *db, const char *path, int code)
{
	int column = sqlite3_error_offset(db);

	if (code == SQLITE_INTERRUPT)
		return cmd_failed("interrupted");
	if (code == SQLITE_AUTH)
		return cmd_failed("%s: only reading is allowed: a SELECT", path);
	if (column >= 0)
		return cmd_failed("%s: in the SQL, at its character %d: %s", path, column + 1, sqlite3_errmsg(db));
	return cmd_failed("%s: %s", path, sqlite3_errmsg(db));
}

/* one statement; whatever stands behind it is an error, not silently left out */
static int prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out)
{
	const char *rest;
	sqlite3_stmt *more = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, out, &rest);

	if (code != SQLITE_OK)
		return fail(db, path, code);
	if (!*out)
		return cmd_misused("sql", "the SQL is empty");
	code = sqlite3_prepare_v2(db, rest, -1, &more, NULL);
	sqlite3_finalize(more);
	if (code == SQLITE_OK && !more)
		return CMD_DONE;
	return cmd_misused("sql", "give one statement; behind its end there is: %.40s", rest);
}

static int show_progress(void *counter)
{
	cmd_progress_count(((const struct vtab_counter *)counter)->chunks, "chunks read");
	return 0;
}

/* Return: SQLite's result of the last step */
static int print_rows(sqlite3 *db, sqlite3_stmt *stmt, struct sql_out *out)
{
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && !ferror(stdout)) {
		/* lines and progress on the same terminal would be in each other's way */
		if (isatty(STDOUT_FILENO)) {
			cmd_progress_end();
			sqlite3_progress_handler(db, 0, NULL, NULL);
		}
		sql_out_row(out, stmt);
	}
	cmd_progress_end();
	return code;
}

static int run(sqlite3 *db, const struct vtab_counter *counter, const char *path, const char *sql, enum sql_out_form form)
{
	struct sigaction on_int = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };
	struct sql_out *out;
	sqlite3_stmt *stmt = NULL;
	int code, status = prepare(db, path, sql, &stmt);

	if (status != CMD_DONE)
		goto out_stmt;
	out = sql_out_new(form, stmt);
	if (!out) {
		status = cmd_failed("no memory for the output");
		goto out_stmt;
	}
	interruptible = db;
	sqlite3_progress_handler(db, PROGRESS_STEPS, show_progress, (void *)counter);
	sigaction(SIGINT, &on_int, NULL);
	code = print_rows(db, stmt, out);
	sql_out_end(out);
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		status = fail(db, path, code);
out_stmt:
	sqlite3_finalize(stmt);
	return status;
}

/* all of standard input, which is to be freed; NULL with a message */
static char *read_stdin(void)
{
	char *sql = malloc(SQL_STDIN_BYTES_MAX + 1);
	size_t n = sql ? fread(sql, 1, SQL_STDIN_BYTES_MAX + 1, stdin) : 0;

	if (!sql || n > SQL_STDIN_BYTES_MAX || ferror(stdin)) {
		free(sql);
		cmd_failed("the SQL on standard input cannot be read, or is longer than %u bytes", SQL_STDIN_BYTES_MAX);
		return NULL;
	}
	sql[n] = '\0';
	return sql;
}

/* the table, once, before the authorizer, which cannot tell its making from a CREATE TABLE of the user's */
static int make_table(sqlite3 *db, const struct vtab_counter **counter, char **why)
{
	int code = vtab_register(db, counter, why);

	return code == SQLITE_OK ? sqlite3_exec(db, "SELECT 1 FROM event LIMIT 0", NULL, NULL, why) : code;
}

static int ask(const char *path, const char *sql, enum sql_out_form form)
{
	char error[TRACE_ERROR_BYTES], *why = NULL;
	const struct vtab_counter *counter;
	struct trace *t;
	int status;

	if (trace_open(path, &t, error) != 0)
		return cmd_failed("%s", error);
	if (make_table(t->db, &counter, &why) != SQLITE_OK) {
		status = cmd_failed("%s: the table of events cannot be made: %s", path, why ? why : sqlite3_errmsg(t->db));
		sqlite3_free(why);
	} else {
		sqlite3_set_authorizer(t->db, authorize, NULL);
		status = run(t->db, counter, path, sql, form);
	}
	trace_close(t);
	return status;
}

int cmd_sql(int argc, char **argv)
{
	static const struct option options[] = {
		{ "csv", no_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' }, { "views", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	enum sql_out_form form = SQL_OUT_TABLE;
	char *sql = NULL;
	int c, status, flushed;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'c': form = SQL_OUT_CSV; break;
		case 'j': form = SQL_OUT_JSON; break;
		case 'h':
		case 'v':
			printf("%s", c == 'h' ? help : vtab_views);
			return cmd_flush();
		default:
			return cmd_misused("sql", "unknown option");
		}
	}
	if (optind + 2 != argc)
		return cmd_misused("sql", "give a trace file and one SQL statement, in quotes");
	if (strcmp(argv[optind + 1], "-") == 0 && !(sql = read_stdin()))
		return CMD_FAILED;
	status = ask(argv[optind], sql ? sql : argv[optind + 1], form);
	free(sql);
	flushed = cmd_flush();
	return status == CMD_DONE ? flushed : status;
}
