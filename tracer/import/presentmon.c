/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/csv.h"
#include "tracer/import/frames.h"

#define TIME_MS_MAX 9e12
#define TIME_S_MAX 9e9

/*
 * Three generations: 1.x (TimeInSeconds), 2.0 to 2.3 (CPUStartTime, FrameTime), and the current one; --date_time writes dates, which have a
 * column of their own since 2.x. A column of counter ticks (QPC) has no known unit and is not taken.
 */
static const char *const date_columns[] = { "CPUStartDateTime", "PresentStartDateTime", "TimeInDateTime", NULL };
static const char *const time_columns[] = { "TimeInSeconds",	"CPUStartTime",	       "CPUStartQPCTime",
					    "PresentStartTime", "PresentStartQPCTime", NULL };
static const char *const length_columns[] = { "MsBetweenPresents", "FrameTime", "MsBetweenAppStart", NULL };

/* @dated: the rows hold dates; @seconds: the time column's name says its unit */
struct presentmon {
	struct import base;
	struct frames frames;
	bool header_seen, dated, seconds;
	int date, time, length, dropped, displayed, application, process;
	double first, last, length_ms;
	unsigned int first_stream;
};

static bool take_header(struct presentmon *m, const struct csv *row)
{
	m->date = csv_first_column(row, date_columns);
	m->time = csv_first_column(row, time_columns);
	m->length = csv_first_column(row, length_columns);
	m->dropped = csv_column(row, "Dropped");
	m->displayed = csv_column(row, "DisplayedTime");
	m->application = csv_column(row, "Application");
	m->process = csv_column(row, "ProcessID");
	m->seconds = m->time >= 0 && m->time == csv_column(row, "TimeInSeconds");
	m->dated = m->date >= 0;
	return m->length >= 0 && (m->date >= 0 || m->time >= 0);
}

static const char *text_of(const struct csv *row, int column)
{
	return column >= 0 && (unsigned int)column < row->n ? row->field[column] : "";
}

/* the time in units of its column; of dates, ns since the first one. --date_time of 1.x writes dates into TimeInSeconds */
static bool take_time(struct presentmon *m, const struct csv *row, double *t, int64_t *date_ns)
{
	const char *text = text_of(row, m->dated && m->date >= 0 ? m->date : m->time);

	if (m->frames.n == 0 && frames_date(text, date_ns))
		m->dated = true;
	if (m->dated)
		return frames_date(text, date_ns);
	return csv_number(row, m->time, t) && fabs(*t) < (m->seconds ? TIME_S_MAX : TIME_MS_MAX);
}

static unsigned int stream_of(struct presentmon *m, const struct csv *row)
{
	char name[FRAMES_STREAM_BYTES];

	snprintf(name, sizeof(name), "%.100s (process %.20s)", text_of(row, m->application), text_of(row, m->process));
	return frames_stream(&m->frames, name);
}

/* sums of the first process alone: they tell the unit of the time column */
static void watch_unit(struct presentmon *m, const struct csv *row, unsigned int stream, double t)
{
	double length;

	if (m->frames.n == 0) {
		m->first = m->last = t;
		m->first_stream = stream;
	} else if (stream == m->first_stream) {
		m->last = t;
		m->length_ms += csv_number(row, m->length, &length) && length > 0 ? length : 0;
	}
}

static int on_row(struct presentmon *m, const struct csv *row)
{
	unsigned int stream = stream_of(m, row);
	struct frames_item item = { .stream = (uint16_t)stream };
	int64_t date_ns = 0;
	double t = 0;

	if (stream == FRAMES_STREAMS_MAX) {
		m->frames.streams_other++;
		return 0;
	}
	if (!take_time(m, row, &t, &date_ns)) {
		m->frames.lines_malformed++;
		return 0;
	}
	if (m->frames.n == 0)
		m->frames.zero_ns = date_ns;
	watch_unit(m, row, stream, t);
	/* of times without a known unit, millionths until it is known */
	item.t_ns = m->dated ? date_ns - m->frames.zero_ns : (int64_t)llround(t * (m->seconds ? 1e9 : 1e6));
	item.dropped = strcmp(text_of(row, m->dropped), "1") == 0 || strncmp(text_of(row, m->displayed), "N", 1) == 0;
	return frames_add(&m->frames, &item);
}

static int on_line(struct import *base, char *line)
{
	struct presentmon *m = (struct presentmon *)base;
	struct csv row;

	if (!csv_split(line, &row))
		m->frames.lines_malformed++;
	else if (m->header_seen)
		return on_row(m, &row);
	else if (take_header(m, &row))
		m->header_seen = true;
	else
		m->frames.lines_unknown++;
	return 0;
}

/* CPUStartTime is in seconds or milliseconds, by release: the frames' own lengths, which are in milliseconds, tell which */
static int set_unit(struct presentmon *m)
{
	double span = m->last - m->first;
	bool seconds;

	if (m->dated || m->seconds)
		return 0;
	if (!(span > 0 && m->length_ms > 0))
		return trace_fail(m->base.error, -EINVAL, "%s: too few frames to tell the unit of its time; record it with --date_time",
				  m->base.args->path);
	seconds = fabs(log(span * 1000 / m->length_ms)) < fabs(log(span / m->length_ms));
	import_assume(&m->base, "the log's times are in %s, as the lengths of its frames tell", seconds ? "seconds" : "milliseconds");
	for (size_t i = 0; seconds && i < m->frames.n; i++) {
		if (llabs(m->frames.item[i].t_ns) > INT64_MAX / 2000)
			return trace_fail(m->base.error, -ERANGE, "%s: times of more than 100,000 years", m->base.args->path);
		m->frames.item[i].t_ns *= 1000;
	}
	return 0;
}

static int check(struct presentmon *m)
{
	if (!m->header_seen)
		return trace_fail(m->base.error, -ENODATA,
				  "%s is no log of PresentMon: no line names a column of times (TimeInSeconds, CPUStart…) and one "
				  "of lengths (MsBetweenPresents, FrameTime)",
				  m->base.args->path);
	return m->frames.n ? set_unit(m) : 0;
}

int presentmon_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct presentmon *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = import_begin(&m->base, args, out, report, error);
	if (!err)
		err = import_lines(&m->base, on_line);
	if (!err)
		err = check(m);
	m->frames.absolute = m->dated;
	if (!err && m->dated && !args->offset_given)
		import_assume(&m->base, "the log's dates are in this machine's time zone");
	if (!err)
		err = frames_put(&m->base, &m->frames, "PresentMon");
	import_end(&m->base);
	frames_free(&m->frames);
	free(m);
	return err;
}
