/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/ftrace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/ftrace_dma.h"

/* ---- lines ---- */

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

static int on_event(struct ftrace_import *im, const struct ftrace_line *line)
{
	const char *text;
	int err;

	im->base.last_t_ns = line->t_ns;
	if (is_marker(line, &text))
		return import_marker(&im->base, line->t_ns, text);
	err = ftrace_dma_line(im, line);
	if (err == 0)
		err = ftrace_iommu_line(im, line);
	if (err == 0)
		im->report.events_other++;
	else if (err == -EINVAL)
		im->report.lines_malformed++;
	else if (err == -ENOSPC)
		im->report.devices_refused++;
	return err == -ENOMEM ? err : 0;
}

static void on_lost(struct ftrace_import *im, uint64_t count)
{
	im->report.source_events_lost += count;
	im->report.source_loss_markers++;
	import_gap(&im->base, count);
}

static int on_line(struct import *base, char *text)
{
	struct ftrace_import *im = (struct ftrace_import *)base;
	struct ftrace_line line;

	switch (ftrace_line_parse(text, &line)) {
	case FTRACE_LINE_COMMENT:
		im->report.source_events_overwritten += line.written - line.in_buffer;
		return 0;
	case FTRACE_LINE_LOST:
		on_lost(im, line.lost);
		return 0;
	case FTRACE_LINE_EVENT:
		im->bare_clock |= line.bare_clock;
		return on_event(im, &line);
	case FTRACE_LINE_UNKNOWN:
		break;
	}
	im->report.lines_unknown++;
	return 0;
}

/* ---- what the trace says about itself ---- */

static void list_assumptions(struct ftrace_import *im)
{
	const struct ftrace_report *r = &im->report;

	import_assume(&im->base, "the text does not name its clock; t_ns is %s",
		      im->bare_clock ? "the bare count it prints" : "the time it prints");
	if (r->alloc_gpa_assumed && r->maps_translated == 0)
		import_assume(&im->base,
			      "%" PRIu64 " allocations show no physical address; gpa is taken to be dma_addr, as in all %" PRIu64
			      " maps that show both",
			      r->alloc_gpa_assumed, r->maps_direct);
	else if (r->alloc_gpa_assumed)
		import_assume(&im->base,
			      "%" PRIu64 " allocations show no physical address and %" PRIu64 " of %" PRIu64
			      " maps are translated by an IOMMU: dma_addr "
			      "stands in for a gpa that is not known",
			      r->alloc_gpa_assumed, r->maps_translated, r->maps_direct + r->maps_translated);
	if (r->sg_merged)
		import_assume(&im->base, "%" PRIu64 " scatter-gather lists have fewer DMA segments than pages; gpa is taken to be dma_addr",
			      r->sg_merged);
	if (r->sg_truncated)
		import_assume(&im->base, "%" PRIu64 " scatter-gather lists were cut off by the kernel; %" PRIu64 " elements are missing",
			      r->sg_truncated, r->sg_elements_unknown);
	if (r->double_reports_collapsed)
		import_assume(&im->base,
			      "%" PRIu64 " lines report again what the line before reported and were collapsed; iova is the inner address",
			      r->double_reports_collapsed);
	if (r->iommu_maps + r->iommu_unmaps)
		import_assume(
			&im->base,
			"iommu:map and iommu:unmap name no device and no domain: all are taken to be one domain, and paddr to be a gpa");
}

static void count_all(struct ftrace_import *im)
{
	struct ftrace_report *r = &im->report;

	r->lines = im->base.lines;
	r->lines_too_long = im->base.lines_too_long;
	r->frames = im->base.frames;
	r->marks = im->base.marks;
	r->requests_live_at_end = live_elements(im->live);
#define X(name, note) import_count(im->base.report, #name, r->name, note);
	FTRACE_COUNTS(X)
#undef X
}

static bool nothing_found(const struct ftrace_report *r)
{
	return r->requests_mapped + r->unmaps_unmatched + r->syncs_ignored + r->frames + r->marks + r->iommu_maps + r->iommu_unmaps == 0;
}

int ftrace_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct ftrace_import *im = calloc(1, sizeof(*im));
	int err;

	if (!im)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = import_begin(&im->base, args, out, report, error);
	im->live = live_new();
	if (!err && !im->live)
		err = trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	if (!err)
		err = import_lines(&im->base, on_line);
	if (err)
		goto out_free;
	count_all(im);
	list_assumptions(im);
	if (nothing_found(&im->report))
		err = trace_fail(error, -ENODATA, "%s: none of %" PRIu64 " lines is a dma:* event or a trace marker; is it ftrace text?%s",
				 args->path, im->report.lines, im->report.iommu_ignored ? " For its iommu:* events use --iommu" : "");
	else
		err = import_describe(&im->base, "ftrace text", im->bare_clock ? "ftrace, bare count" : "ftrace");
out_free:
	import_end(&im->base);
	ftrace_dma_free(im);
	free(im);
	return err;
}
