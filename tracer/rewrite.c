/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/error.h"
#include "tracer/reader.h"
#include "tracer/salvage.h"
#include "tracer/store.h"
#include "tracer/store_file.h"
#include "tracer/writer.h"

#define SUFFIX "-rewrite"
#define SALVAGE_SUFFIX "-salvage"

struct rewrite {
	const struct rewrite_options *options;
	struct rewrite_report *report;
	struct trace *in;
	struct store *out;
	struct writer writer;
	uint64_t all;        /* events that the input states */
	uint64_t next_seq;   /* in the input */
	uint64_t last_ns;
	char name[STORE_PATH_BYTES]; /* of the new file until it is complete */
};

/* ---- small tables ---- */

static int copy_numbered(struct rewrite *r, const char *sql, int (*put)(struct store *, unsigned int, const char *, const char *))
{
	sqlite3_stmt *stmt;
	int code, err = sql_prepare(r->in->db, sql, &stmt);

	if (err)
		return err;
	while (!err && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 1), *more = (const char *)sqlite3_column_text(stmt, 2);
		int64_t id = sqlite3_column_int64(stmt, 0);

		if (!text || id < 1 || id > SQL_STRINGS_MAX || !sqlite3_column_int(stmt, 3))
			r->report->rows_lost++;
		else
			err = put(r->out, (unsigned int)id, text, more);
	}
	if (!err)
		err = sql_error(r->in->db, code);
	sqlite3_finalize(stmt);
	if (err == -EBADMSG && r->options->repair) {
		r->report->rows_lost++;
		return 0;
	}
	return err;
}

static int copy_names(struct rewrite *r)
{
	bool sums = r->in->minor >= 1;
	int err = copy_numbered(r, sums ? "SELECT id, name, identity, checksum IS " SQL_CRC_DEVICE " FROM device"
					: "SELECT id, name, identity, 1 FROM device", store_put_device);

	if (err)
		return err;
	return copy_numbered(r, sums ? "SELECT id, text, NULL, checksum IS " SQL_CRC_STRING " FROM string"
				     : "SELECT id, text, NULL, 1 FROM string", store_put_string);
}

static int copy_meta(struct rewrite *r)
{
	const char *key, *value;
	unsigned int row = 0;
	int err = 0;

	while (!err && trace_meta_next(r->in, &row, &key, &value)) {
		bool complete = strcmp(key, TRACE_META_COMPLETE) == 0;

		if (!complete || (r->report->chunks_lost == 0 && r->report->events_lost == 0 && r->report->chunks_salvaged == 0))
			err = store_meta(r->out, key, value);
	}
	r->report->rows_lost += r->in->meta.damaged + r->in->account.damaged;
	return err;
}

/* counts of a repair add up, should a repaired trace be damaged again */
static uint64_t account_count(struct trace *t, const char *wanted)
{
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count;

	while (trace_account_next(t, &row, &what, &count, &note)) {
		if (strcmp(what, wanted) == 0)
			return count;
	}
	return 0;
}

static int copy_account(struct rewrite *r)
{
	const struct { const char *what; uint64_t count; const char *note; } lost[] = {
		{ "chunks_lost", r->report->chunks_lost, "damaged chunks that a repair left out" },
		{ "events_lost", r->report->events_lost, "events of chunks that a repair left out, as far as their number is known; each hole is a gap" },
		{ "chunks_salvaged", r->report->chunks_salvaged, "chunks that a repair found page by page; others may be missing unseen" },
		{ "rows_lost", r->report->rows_lost, "damaged rows of other tables that a repair left out" },
	};
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count;
	int err = 0;

	while (!err && trace_account_next(r->in, &row, &what, &count, &note))
		err = store_account(r->out, what, count, note);
	for (size_t i = 0; !err && r->options->repair && i < sizeof(lost) / sizeof(lost[0]); i++)
		err = store_account(r->out, lost[i].what, lost[i].count + account_count(r->in, lost[i].what), lost[i].note);
	return err;
}

/* ---- events ---- */

static void put_hole(struct rewrite *r, const struct trace_event *next, uint64_t lost)
{
	struct trace_event gap = { .t_ns = r->next_seq ? r->last_ns : next->t_ns, .kind = TRACE_GAP, .arg = { lost } };

	r->report->events_lost += lost;
	writer_put(&r->writer, &gap, 1);
}

static int copy_events(struct rewrite *r, struct trace_cursor *c, char *error)
{
	const struct trace_event *events;
	const char *why;
	uint64_t n, seq;
	int got;

	while ((got = cursor_next_chunk(c, &events, &n, &seq, &why)) != 0) {
		if (got < 0 && (got != -EBADMSG || !r->options->repair))
			return trace_fail(error, got, "%s: a chunk is damaged: %s; \"egpu-trace repair\" keeps the rest", r->options->in, why);
		if (got < 0) {
			r->report->chunks_lost++;
			continue;
		}
		if (seq > r->next_seq)
			put_hole(r, events, seq - r->next_seq);
		writer_put(&r->writer, events, n);
		r->next_seq = seq + n;
		r->last_ns = events[n - 1].t_ns;
		r->report->events += n;
		if (r->options->progress)
			r->options->progress(r->report->events, r->all);
	}
	return 0;
}

static int copy_chunks(struct rewrite *r, char *error)
{
	struct trace_cursor *c;
	int err = trace_cursor_open(r->in, false, &c);

	if (!err)
		err = writer_init(&r->writer, r->out, r->options->thorough);
	if (err) {
		trace_cursor_close(c);
		return trace_fail(error, err, "%s: cannot be rewritten: %s", r->options->in, strerror(-err));
	}
	err = copy_events(r, c, error);
	trace_cursor_close(c);
	if (!err) {
		err = writer_finish(&r->writer);
		if (err)
			trace_fail(error, err, "%s: cannot be written: %s", r->options->out, strerror(-err));
	}
	writer_free(&r->writer);
	return err;
}

/* ---- files ---- */

static uint64_t bytes_of(const char *path, const char *suffix)
{
	char name[STORE_PATH_BYTES];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int check_files(struct rewrite *r, char *error)
{
	const struct rewrite_options *o = r->options;
	struct stat a, b;
	bool same = stat(o->in, &a) == 0 && stat(o->out, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	int n = snprintf(r->name, sizeof(r->name), "%s%s", o->out, SUFFIX);

	if (n < 0 || (size_t)n + 16 >= sizeof(r->name))
		return trace_fail(error, -ENAMETOOLONG, "the trace's file name is too long");
	if (trace_recording(o->in))
		return trace_fail(error, -EBUSY, "%s is being recorded; wait until its recorder has ended", o->in);
	if (same && o->repair)
		return trace_fail(error, -EINVAL, "%s: a repair needs another file for what it keeps", o->in);
	if (same && (bytes_of(o->in, "-wal") || bytes_of(o->in, "-journal")))
		return trace_fail(error, -EBUSY, "%s: its recorder died and left a log beside it; give another file with -o", o->in);
	if (!same && !o->overwrite && access(o->out, F_OK) == 0)
		return trace_fail(error, -EEXIST, "%s exists; choose another name, or give --force if it is a trace that may go", o->out);
	if (!same && o->overwrite && access(o->out, F_OK) == 0 &&
	    !store_file_is_trace(o->out))
		return trace_fail(error, -EEXIST, "%s is not an egpu trace and will not be replaced", o->out);
	return 0;
}

static void remove_new(const struct rewrite *r)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
	char name[STORE_PATH_BYTES + 16];

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", r->name, suffix[i]);
		unlink(name);
	}
}

static int sync_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		err = -errno;
	close(fd);
	return err;
}

static int install(struct rewrite *r)
{
	char folder[STORE_PATH_BYTES];
	int err = sync_file(r->name, O_RDONLY);

	if (err)
		return err;
	if (rename(r->name, r->options->out) != 0)
		return -errno;
	snprintf(folder, sizeof(folder), "%s", r->options->out);
	sync_file(dirname(folder), O_RDONLY | O_DIRECTORY);
	return 0;
}

static int copy_all(struct rewrite *r, char *error)
{
	struct trace_summary summary;
	int err;

	if (trace_summary(r->in, &summary) == 0)
		r->all = summary.events;
	err = copy_chunks(r, error);
	if (err)
		return err;
	err = copy_names(r);
	if (!err)
		err = copy_meta(r);
	if (!err && r->report->rows_lost && !r->options->repair)
		return trace_fail(error, -EBADMSG, "%s: rows beside its events are damaged; \"egpu-trace repair\" keeps the rest", r->options->in);
	if (!err)
		err = copy_account(r);
	return err ? trace_fail(error, err, "%s: cannot be rewritten: %s", r->options->in, strerror(-err)) : 0;
}

/* the same as rewrite_trace(), out of the file @from, if that gives more than @but_more_than events. Return: as that; -ENODATA if not */
static int rewrite_from(struct rewrite *r, const char *from, int64_t but_more_than, char *error)
{
	int closed, err = trace_open(from, &r->in, error);

	if (err)
		return err;
	r->report->bytes_before = bytes_of(r->options->in, "") + bytes_of(r->options->in, "-wal");
	err = store_create(r->name, true, r->options->thorough ? STORE_PAGE_BYTES_PACKED : STORE_PAGE_BYTES, &r->out, error);
	if (err)
		goto out_in;
	err = copy_all(r, error);
	closed = store_close(r->out, false);
	if (!err && closed)
		err = trace_fail(error, closed, "%s: cannot be written: %s", r->options->out, strerror(-closed));
	r->report->bytes_after = bytes_of(r->name, "");
	if (!err && (int64_t)r->report->events <= but_more_than)
		err = -ENODATA;
	if (!err) {
		err = install(r);
		if (err)
			trace_fail(error, err, "%s: cannot be written: %s", r->options->out, strerror(-err));
	}
	if (err)
		remove_new(r);
out_in:
	trace_close(r->in);
	return err;
}

/* what SQLite finds is not all, or it finds nothing: @err. Whichever way gives more events is taken */
static int repair_by_pages(const struct rewrite *first, int err, struct rewrite_report *report, char *error)
{
	struct rewrite_report more = { 0 };
	struct rewrite r = { .options = first->options, .report = &more };
	char name[STORE_PATH_BYTES + 16], why[TRACE_ERROR_BYTES];
	uint64_t events;
	int got;

	snprintf(name, sizeof(name), "%s%s", first->options->out, SALVAGE_SUFFIX);
	memcpy(r.name, first->name, sizeof(r.name));
	unlink(name);
	got = salvage_rows(first->options->in, name, &events, &more.chunks_salvaged);
	if (!got) {
		got = rewrite_from(&r, name, err ? 0 : (int64_t)report->events, why);
		unlink(name);
	}
	if (!got)
		*report = more;
	if (!got || !err)
		return 0;
	return trace_fail(error, err, "%s: nothing can be kept: SQLite cannot read it, and no page of it holds a whole chunk of format 1.1 or later",
			  first->options->in);
}

int rewrite_trace(const struct rewrite_options *options, struct rewrite_report *report, char *error)
{
	struct rewrite r = { .options = options, .report = report };
	int err;

	memset(report, 0, sizeof(*report));
	err = check_files(&r, error);
	if (err)
		return err;
	err = rewrite_from(&r, options->in, -1, error);
	if (!options->repair || (!err && !report->chunks_lost) || (err && err != -EINVAL && err != -EBADMSG && err != -EIO))
		return err;
	return repair_by_pages(&r, err, report, error);
}
