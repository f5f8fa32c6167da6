/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/csv.h"
#include "tracer/import/frames.h"

#define ELAPSED_NS_MAX 9e18
#define SAMPLED_RATIO 1.5 /* a log of every frame spends about the sum of its frame times */

struct mangohud {
	struct import base;
	struct frames frames;
	bool header_seen;
	int elapsed, frametime;
	double first_ns, last_ns, frametime_ms;
};

/* "PROGRAM_2026-08-19_20-14-16.csv" is local time, to the second, when logging began */
static bool name_date(const char *path, int64_t *ns)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char date[20];

	for (const char *p = name; *p; p++) {
		if (*p != '_' || strlen(p + 1) < sizeof(date) - 1)
			continue;
		memcpy(date, p + 1, sizeof(date) - 1);
		date[sizeof(date) - 1] = '\0';
		if (strspn(date, "0123456789-_") == sizeof(date) - 1 && frames_date(date, ns) &&
		    (p[sizeof(date)] == '.' || p[sizeof(date)] == '\0'))
			return true;
	}
	return false;
}

static bool take_header(struct mangohud *m, const struct csv *row)
{
	int fps = csv_column(row, "fps");

	m->frametime = csv_column(row, "frametime");
	m->elapsed = csv_column(row, "elapsed");
	return fps >= 0 && m->frametime >= 0 && m->elapsed >= 0;
}

static int on_row(struct mangohud *m, const struct csv *row)
{
	double elapsed, frametime;
	struct frames_item item = { 0 };

	if (!csv_number(row, m->elapsed, &elapsed) || !csv_number(row, m->frametime, &frametime) || elapsed < 0 ||
	    elapsed > ELAPSED_NS_MAX || frametime < 0) {
		m->frames.lines_malformed++;
		return 0;
	}
	if (m->frames.n == 0)
		m->first_ns = elapsed;
	else
		m->frametime_ms += frametime;
	m->last_ns = elapsed;
	item.t_ns = (int64_t)elapsed;
	return frames_add(&m->frames, &item);
}

static int on_line(struct import *base, char *line)
{
	struct mangohud *m = (struct mangohud *)base;
	struct csv row;

	/* system information stands before the header; its values are not quoted and may hold commas */
	if (!csv_split(line, &row)) {
		m->frames.lines_malformed++;
	} else if (m->header_seen) {
		return on_row(m, &row);
	} else if (take_header(m, &row)) {
		m->header_seen = true;
	} else {
		m->frames.lines_unknown++;
	}
	return 0;
}

static int check(struct mangohud *m)
{
	const char *path = m->base.args->path;
	size_t len = strlen(path);

	if (!m->header_seen && len > 12 && strcmp(path + len - 12, "_summary.csv") == 0)
		return trace_fail(m->base.error, -EINVAL, "%s is a summary, which holds no frames; import the log beside it", path);
	if (!m->header_seen)
		return trace_fail(m->base.error, -ENODATA, "%s is no log of MangoHud: no line names the columns fps, frametime and elapsed",
				  path);
	if (m->frames.n > 2 && m->last_ns - m->first_ns > SAMPLED_RATIO * m->frametime_ms * 1e6)
		return trace_fail(m->base.error, -EINVAL,
				  "%s holds samples, not every frame (%.0f ms of frames in %.0f ms): record it with log_interval=0", path,
				  m->frametime_ms, (m->last_ns - m->first_ns) / 1e6);
	return 0;
}

int mangohud_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct mangohud *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = import_begin(&m->base, args, out, report, error);
	if (!err)
		err = import_lines(&m->base, on_line);
	if (!err)
		err = check(m);
	m->frames.absolute = name_date(args->path, &m->frames.zero_ns);
	if (!err && m->frames.absolute && !args->offset_given)
		import_assume(&m->base, "the log began at the time in its file's name, to the second, in this machine's time zone");
	if (!err)
		err = frames_put(&m->base, &m->frames, "MangoHud");
	import_end(&m->base);
	frames_free(&m->frames);
	free(m);
	return err;
}
