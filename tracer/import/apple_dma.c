/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/apple_dma.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/apple_dma_snapshot.h"
#include "tracer/import/live.h"

#define DIR_BOTH 3
#define RING_ROWS (1u << 18)
#define DEVICE_NAME "apple_dma"

/* X(name, note): see FTRACE_COUNTS */
#define APPLE_COUNTS(X)                                                                                                                    \
	X(lines, "lines read")                                                                                                             \
	X(requests_mapped, "map requests emitted")                                                                                         \
	X(requests_unmapped, "unmap requests emitted")                                                                                     \
	X(requests_live_at_end, "requests that no row ends")                                                                               \
	X(sg_live_at_end, "of them, segments of lists: a list that could not be mapped as a whole leaves such rows behind")                \
	X(preexisting_maps, "mappings that were live before the first row, by its active_maps; they are not in this trace")                \
	X(preexisting_bytes, "bytes of them, by its active_bytes")                                                                         \
	X(unmaps_unmatched, "unmaps of what no row maps, not emitted; those of mappings older than the trace are among them")              \
	X(unmaps_size_differs, "unmaps whose size is not what was mapped; the mapped size is taken")                                       \
	X(sizes_mended, "sizes of 4 GiB or more, which wrap in their column, mended from active_bytes")                                    \
	X(counts_jump, "rows whose active_maps or active_bytes does not follow from the row before: rows missing, of another device, or "  \
		       "written at the same time")                                                                                         \
	X(rows_repeated, "rows that repeat the row before, collapsed: the ring moved while it was read")                                   \
	X(time_backwards, "rows earlier than the one before: the ring moved while it was read; stop the load before reading it")           \
	X(ring_full, "1 if the ring was full: rows before the first one are lost, how many is not known")                                  \
	X(lines_unknown, "lines that are no row, ignored")                                                                                 \
	X(lines_malformed, "rows with nonsensical fields, ignored")                                                                        \
	X(lines_too_long, "lines longer than 1 MiB, ignored")

struct apple_report {
#define X(name, note) uint64_t name;
	APPLE_COUNTS(X)
#undef X
};

struct row {
	uint64_t t_ns;
	char op;
	uint64_t gpa, size;
	uint64_t active_maps, active_bytes;
};

struct apple_import {
	struct import base;
	struct apple_report report;
	struct apple_dma_snapshot snapshot;
	struct live *live;
	uint16_t device;
	uint64_t rows, sg_live;
	struct row last;
};

/* ---- a row ---- */

static bool take_number(const char **p, int base, uint64_t max, char end, uint64_t *out)
{
	char *behind;

	if (!((**p >= '0' && **p <= '9') || (base == 16 && **p >= 'a' && **p <= 'f')))
		return false;
	errno = 0;
	*out = strtoull(*p, &behind, base);
	if (errno || *out > max || *behind != end)
		return false;
	*p = behind + (end != '\0');
	return true;
}

static bool parse_row(const char *p, struct row *row)
{
	if (!take_number(&p, 10, UINT64_MAX, ',', &row->t_ns))
		return false;
	row->op = *p;
	if (!row->op || p[1] != ',' || strncmp(p + 2, "0x", 2) != 0)
		return false;
	p += 4;
	return take_number(&p, 16, UINT64_MAX, ',', &row->gpa) && take_number(&p, 10, UINT32_MAX, ',', &row->size) &&
	       take_number(&p, 10, UINT32_MAX, ',', &row->active_maps) && take_number(&p, 10, UINT64_MAX, '\0', &row->active_bytes);
}

static bool is_map(const struct row *row)
{
	return row->op == 'M' || row->op == 'S';
}

/* ---- the module's own counts, which the row has after its own effect ---- */

static void seed(struct apple_import *im, const struct row *row)
{
	uint64_t maps = is_map(row) ? row->active_maps - 1 : row->active_maps + 1;
	uint64_t bytes = is_map(row) ? row->active_bytes - row->size : row->active_bytes + row->size;

	/* a count that wrapped below 0 says nothing */
	im->report.preexisting_maps = maps > UINT32_MAX ? 0 : maps;
	im->report.preexisting_bytes = is_map(row) && bytes > row->active_bytes ? 0 : bytes;
}

static void check_counts(struct apple_import *im, struct row *row)
{
	uint32_t maps = (uint32_t)im->last.active_maps + (is_map(row) ? 1 : -1u);
	uint64_t change = is_map(row) ? row->active_bytes - im->last.active_bytes : im->last.active_bytes - row->active_bytes;
	bool follows = maps == (uint32_t)row->active_maps;

	/* 4 GiB or more: the column holds the size modulo 2^32 */
	if (follows && change != row->size && (uint32_t)change == row->size && change >> 40 == 0) {
		row->size = change;
		im->report.sizes_mended++;
	}
	if (!follows || change != row->size)
		im->report.counts_jump++;
}

/* ---- requests ---- */

static void emit(struct apple_import *im, const struct row *row, unsigned int kind, uint64_t size)
{
	struct trace_event event = { .t_ns = row->t_ns, .kind = (uint16_t)kind, .device = im->device };

	event.arg[TRACE_REQ_GPA] = row->gpa;
	event.arg[TRACE_REQ_LEN] = size;
	event.arg[TRACE_REQ_FLAGS] = TRACE_REQ_MAKE_FLAGS(DIR_BOTH, 0, 0);
	event.arg[TRACE_REQ_GUEST_T] = row->t_ns;
	tracer_emit(im->base.ring, &event);
	if (kind == TRACE_REQ_MAP)
		im->report.requests_mapped++;
	else
		im->report.requests_unmapped++;
}

static int on_map(struct apple_import *im, const struct row *row)
{
	struct live_request *r = live_add(im->live, im->device, row->op == 'S' ? LIVE_SG : LIVE_SINGLE, row->gpa, row->size, 1);

	if (!r)
		return -ENOMEM;
	im->sg_live += row->op == 'S';
	emit(im, row, TRACE_REQ_MAP, row->size);
	return 0;
}

static int on_unmap(struct apple_import *im, const struct row *row)
{
	struct live_request *r = live_find(im->live, im->device, row->op == 'T' ? LIVE_SG : LIVE_SINGLE, row->gpa, row->size);

	if (!r) {
		im->report.unmaps_unmatched++;
		return 0;
	}
	if (r->size != row->size)
		im->report.unmaps_size_differs++;
	im->sg_live -= row->op == 'T';
	emit(im, row, TRACE_REQ_UNMAP, r->size);
	live_remove(im->live, r);
	return 0;
}

static bool same_row(const struct row *a, const struct row *b)
{
	return a->t_ns == b->t_ns && a->op == b->op && a->gpa == b->gpa && (uint32_t)a->size == (uint32_t)b->size &&
	       a->active_maps == b->active_maps && a->active_bytes == b->active_bytes;
}

static int on_row(struct apple_import *im, struct row *row)
{
	im->rows++;
	if (im->rows == 1) {
		seed(im, row);
	} else if (same_row(row, &im->last)) {
		im->report.rows_repeated++;
		return 0;
	} else {
		if (row->t_ns < im->last.t_ns)
			im->report.time_backwards++;
		check_counts(im, row);
	}
	im->last = *row;
	if (row->size == 0 || row->size - 1 > UINT64_MAX - row->gpa) {
		im->report.lines_malformed++;
		return 0;
	}
	return is_map(row) ? on_map(im, row) : on_unmap(im, row);
}

static int on_line(struct import *base, char *line)
{
	struct apple_import *im = (struct apple_import *)base;
	struct row row;

	if (strncmp(line, "timestamp_ns,", 13) == 0)
		return 0;
	if (!parse_row(line, &row)) {
		if (strchr(line, ','))
			im->report.lines_malformed++;
		else
			im->report.lines_unknown++;
		return 0;
	}
	if (!strchr("MUFST", row.op)) {
		im->report.lines_malformed++;
		return 0;
	}
	return on_row(im, &row);
}

/* ---- what the trace says about itself ---- */

static int finish(struct apple_import *im)
{
	struct apple_report *r = &im->report;

	r->lines = im->base.lines;
	r->lines_too_long = im->base.lines_too_long;
	r->requests_live_at_end = live_elements(im->live);
	r->sg_live_at_end = im->sg_live;
	r->ring_full = im->rows >= RING_ROWS ||
		       (im->snapshot.read && im->snapshot.trace_capacity && im->snapshot.trace_entries >= im->snapshot.trace_capacity);
#define X(name, note) import_count(im->base.report, #name, r->name, note);
	APPLE_COUNTS(X)
#undef X
	if (im->rows == 0)
		return trace_fail(im->base.error, -ENODATA,
				  "%s: none of %" PRIu64 " lines is a row \"timestamp_ns,op,gpa_hex,size,active_maps,active_bytes\"; "
				  "is it apple_dma's trace?",
				  im->base.args->path, r->lines);
	import_assume(&im->base,
		      "rows hold no IOVA, direction and device: iova is 0, the direction both, and the device one for all instances");
	import_assume(&im->base, "the module records no failed map: that the IOMMU was full does not show here");
	if (r->preexisting_maps)
		import_assume(&im->base,
			      "%" PRIu64 " mappings of %" PRIu64 " bytes were live before the first row; what they are is not known",
			      r->preexisting_maps, r->preexisting_bytes);
	apple_dma_snapshot_describe(&im->base, &im->snapshot);
	return import_describe(&im->base, "apple_dma trace", "CLOCK_MONOTONIC of the guest");
}

int apple_dma_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct apple_import *im = calloc(1, sizeof(*im));
	int err;

	if (!im)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = import_begin(&im->base, args, out, report, error);
	im->live = live_new();
	if (!err && !im->live)
		err = trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	if (!err && args->snapshot)
		err = apple_dma_snapshot_read(args->snapshot, &im->snapshot, error);
	if (!err && (err = import_device(&im->base, DEVICE_NAME, sizeof(DEVICE_NAME) - 1, &im->device)) != 0)
		trace_fail(error, err, "no memory to import %s", args->path);
	if (!err)
		err = import_lines(&im->base, on_line);
	if (!err)
		err = finish(im);
	import_end(&im->base);
	live_free(im->live);
	free(im);
	return err;
}
