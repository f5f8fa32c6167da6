/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/ftrace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/ftrace_dma.h"
#include "tracer/import/textin.h"

#define PROGRESS_LINES 4096
#define ASSUMED_BYTES 2048
#define TEXT_BYTES_MAX 4096 /* of a mark */

/* ---- trace markers ---- */

/* "frame 12", and nothing else */
static bool is_frame(const char *text, uint64_t *frame)
{
	struct ftrace_text number;

	if (strncmp(text, "frame ", 6) != 0)
		return false;
	number = (struct ftrace_text){ text + 6, strlen(text + 6) };
	while (number.len && number.at[number.len - 1] == ' ')
		number.len--;
	return ftrace_number(&number, 10, frame);
}

/* "tracing_mark_write: frame 1" is an event of that name, or, from trace-cmd and perf, text of the event "print" */
static bool is_marker(const struct ftrace_line *line, const char **text)
{
	static const char inner[] = "tracing_mark_write: ";

	*text = line->payload;
	if (ftrace_line_is(line, "tracing_mark_write"))
		return true;
	if (!ftrace_line_is(line, "print"))
		return false;
	if (strncmp(*text, inner, sizeof(inner) - 1) == 0)
		*text += sizeof(inner) - 1;
	return true;
}

static int on_marker(struct ftrace_import *im, const struct ftrace_line *line, const char *text)
{
	struct trace_event event = { .t_ns = line->t_ns };
	char mark[TEXT_BYTES_MAX];

	if (is_frame(text, &event.arg[0])) {
		event.kind = TRACE_FRAME;
		im->report->frames++;
	} else {
		snprintf(mark, sizeof(mark), "%s", text);
		event.kind = TRACE_MARK;
		event.arg[0] = tracer_string(im->out, mark);
		if (!event.arg[0])
			return -ENOSPC;
		im->report->marks++;
	}
	tracer_emit(im->ring, &event);
	return 0;
}

/* ---- lines ---- */

static int on_event(struct ftrace_import *im, const struct ftrace_line *line)
{
	const char *text;
	int err;

	im->last_t_ns = line->t_ns;
	if (is_marker(line, &text))
		return on_marker(im, line, text);
	err = ftrace_dma_line(im, line);
	if (err == 0)
		im->report->events_other++;
	else if (err == -EINVAL)
		im->report->lines_malformed++;
	else if (err == -ENOSPC)
		im->report->devices_refused++;
	return err == -ENOMEM ? err : 0;
}

static void on_lost(struct ftrace_import *im, uint64_t count)
{
	struct trace_event event = { .t_ns = im->last_t_ns, .kind = TRACE_GAP, .arg = { count } };

	im->report->source_events_lost += count;
	im->report->source_loss_markers++;
	tracer_emit(im->ring, &event);
}

static int on_line(struct ftrace_import *im, const char *text, bool *bare_clock)
{
	struct ftrace_line line;

	im->report->lines++;
	switch (ftrace_line_parse(text, &line)) {
	case FTRACE_LINE_COMMENT:
		im->report->source_events_overwritten += line.written - line.in_buffer;
		return 0;
	case FTRACE_LINE_LOST:
		on_lost(im, line.lost);
		return 0;
	case FTRACE_LINE_EVENT:
		*bare_clock |= line.bare_clock;
		return on_event(im, &line);
	case FTRACE_LINE_UNKNOWN:
		break;
	}
	im->report->lines_unknown++;
	return 0;
}

static int read_lines(struct ftrace_import *im, struct textin *in, const struct ftrace_progress *progress, bool *bare_clock, char *error)
{
	char *line;
	int got;

	while ((got = textin_line(in, &line, error)) != 0) {
		int err = 0;

		if (got == -E2BIG)
			im->report->lines_too_long++;
		else if (got < 0)
			return got;
		else
			err = on_line(im, line, bare_clock);
		if (err)
			return trace_fail(error, err, "%s", err == -ENOMEM ? "no memory for the trace's live requests" : strerror(-err));
		if (progress && im->report->lines % PROGRESS_LINES == 0)
			progress->call(progress->ctx, textin_bytes(in), textin_total_bytes(in));
	}
	return 0;
}

/* ---- what the trace says about itself ---- */

static void __attribute__((format(printf, 2, 3))) assume(char *text, const char *format, ...)
{
	size_t at = strlen(text);
	va_list ap;

	if (at)
		at += (size_t)snprintf(text + at, ASSUMED_BYTES - at, "\n");
	va_start(ap, format);
	vsnprintf(text + at, ASSUMED_BYTES - at, format, ap);
	va_end(ap);
}

static void list_assumptions(const struct ftrace_report *r, bool bare_clock, char *text)
{
	text[0] = '\0';
	assume(text, "the text does not name its clock; t_ns is %s", bare_clock ? "the bare count it prints" : "the time it prints");
	if (r->alloc_gpa_assumed && r->maps_translated == 0)
		assume(text, "%" PRIu64 " allocations show no physical address; gpa is taken to be dma_addr, as in all %" PRIu64 " maps that show both",
		       r->alloc_gpa_assumed, r->maps_direct);
	else if (r->alloc_gpa_assumed)
		assume(text, "%" PRIu64 " allocations show no physical address and %" PRIu64 " of %" PRIu64 " maps are translated by an IOMMU: dma_addr "
		       "stands in for a gpa that is not known", r->alloc_gpa_assumed, r->maps_translated, r->maps_direct + r->maps_translated);
	if (r->sg_merged)
		assume(text, "%" PRIu64 " scatter-gather lists have fewer DMA segments than pages; gpa is taken to be dma_addr", r->sg_merged);
	if (r->sg_truncated)
		assume(text, "%" PRIu64 " scatter-gather lists were cut off by the kernel; %" PRIu64 " elements are missing", r->sg_truncated,
		       r->sg_elements_unknown);
	if (r->double_reports_collapsed)
		assume(text, "%" PRIu64 " lines report again what the line before reported and were collapsed; iova is the inner address",
		       r->double_reports_collapsed);
}

static int store_account(struct tracer *out, const struct ftrace_report *r)
{
	int err = 0;

#define X(name, note) err = err ? err : tracer_account(out, #name, r->name, note);
	FTRACE_COUNTS(X)
#undef X
	return err;
}

static int describe(struct ftrace_import *im, struct textin *in, const char *path, bool bare_clock)
{
	char assumed[ASSUMED_BYTES], sum[SHA256_HEX_BYTES], origin[4096 + 128];
	const char *slash = strrchr(path, '/'), *name = strcmp(path, "-") == 0 ? "standard input" : slash ? slash + 1 : path;
	int err = tracer_meta(im->out, TRACE_META_PROVENANCE, "imported");

	textin_sha256(in, sum);
	snprintf(origin, sizeof(origin), "ftrace text, %s, sha256 %s", name, sum);
	list_assumptions(im->report, bare_clock, assumed);
	err = err ? err : tracer_meta(im->out, TRACE_META_ORIGIN, origin);
	err = err ? err : tracer_meta(im->out, TRACE_META_CLOCK, bare_clock ? "ftrace, bare count" : "ftrace");
	err = err ? err : tracer_meta(im->out, TRACE_META_ASSUMED, assumed);
	/* when and where the events were recorded is not known; when they were imported says nothing */
	err = err ? err : tracer_meta(im->out, TRACE_META_STARTED, NULL);
	err = err ? err : tracer_meta(im->out, TRACE_META_HOST, NULL);
	return err ? err : store_account(im->out, im->report);
}

static bool nothing_found(const struct ftrace_report *r)
{
	return r->requests_mapped + r->unmaps_unmatched + r->syncs_ignored + r->frames + r->marks == 0;
}

int ftrace_import(const char *path, struct tracer *out, const struct ftrace_progress *progress, struct ftrace_report *report, char *error)
{
	struct ftrace_import *im = calloc(1, sizeof(*im));
	struct textin *in = NULL;
	bool bare_clock = false;
	int err = -ENOMEM;

	memset(report, 0, sizeof(*report));
	if (!im)
		return trace_fail(error, err, "no memory to import %s", path);
	im->out = out;
	im->report = report;
	im->ring = tracer_ring(out);
	im->live = live_new();
	if (!im->ring || !im->live) {
		trace_fail(error, err, "no memory to import %s", path);
		goto out_free;
	}
	err = textin_open(path, &in, error);
	if (!err)
		err = read_lines(im, in, progress, &bare_clock, error);
	if (err)
		goto out_free;
	report->requests_live_at_end = live_elements(im->live);
	if (nothing_found(report))
		err = trace_fail(error, -ENODATA, "%s: none of %" PRIu64 " lines is a dma:* event or a trace marker; is it ftrace text?", path,
				 report->lines);
	else if ((err = describe(im, in, path, bare_clock)) != 0)
		trace_fail(error, err, "cannot write the trace: %s", strerror(-err));
out_free:
	textin_close(in);
	ftrace_dma_free(im);
	free(im);
	return err;
}
