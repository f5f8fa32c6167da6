/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * import.h - what all importers share: the input, the trace, the report.
 *
 * Purpose:  an importer reads one foreign recording and emits events. No line or record is fatal; what was assumed, collapsed, not
 *           understood, lost or not matched is counted, reported and kept in the trace's account, zero or not.
 * Compiled: the importers and egpu-trace. One thread.
 */
#ifndef EGPU_TRACER_IMPORT_IMPORT_H
#define EGPU_TRACER_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/import/textin.h"
#include "tracer/tracer.h"

#define IMPORT_COUNTS_MAX 64
#define IMPORT_ASSUMED_BYTES 4096

/**
 * struct import_args - what the user asked for.
 * @path:      the file, "-" for standard input
 * @snapshot:  apple-dma: the snapshot read together with the trace; may be NULL
 * @events:    qemu-simple: QEMU's trace-events-all; may be NULL
 * @onto:      frame logs: the trace that gets the frames; may be NULL
 * @iommu:     ftrace: take iommu:map and iommu:unmap as mappings
 * @offset_ns: frame logs: where the log's time 0 is on the trace's clock, if @offset_given
 * @progress:  called now and then; may be NULL. @total_bytes is 0 if not known
 */
struct import_args {
	const char *path;
	const char *snapshot;
	const char *events;
	const char *onto;
	bool iommu;
	bool offset_given;
	int64_t offset_ns;
	void (*progress)(void *ctx, uint64_t bytes, uint64_t total_bytes);
	void *progress_ctx;
};

struct import_count {
	const char *name;
	const char *note;
	uint64_t count;
};

struct import_report {
	struct import_count line[IMPORT_COUNTS_MAX];
	unsigned int n;
};

/** import_count() - add a line to @report; names and notes are literals. */
void import_count(struct import_report *report, const char *name, uint64_t count, const char *note);

/**
 * struct import - an import under way; first member of each importer's own struct.
 * @lines:     lines (or records) read
 * @last_t_ns: time of the newest event, for those that have none
 */
struct import {
	const struct import_args *args;
	struct tracer *out;
	struct tracer_ring *ring;
	struct textin *in;
	struct import_report *report;
	char *error;
	void *devices; /* tsearch tree */
	uint64_t lines, lines_too_long, frames, marks, last_t_ns;
	char assumed[IMPORT_ASSUMED_BYTES];
};

/** import_begin() - open the input. Return: 0 or negative errno with @error filled; import_end() in either case. */
int import_begin(struct import *im, const struct import_args *args, struct tracer *out, struct import_report *report, char *error);
void import_end(struct import *im);

/**
 * import_lines() - hand each line to @on_line, which may write into it, until the end or its first error.
 * Return: 0 or negative errno with the error filled.
 */
int import_lines(struct import *im, int (*on_line)(struct import *im, char *line));

/** import_device() - Return: 0 and the id; -EINVAL no such name can be; -ENOSPC too many devices; -ENOMEM. */
int import_device(struct import *im, const char *name, size_t len, uint16_t *id);

/** import_marker() - emit a frame if @text is "frame N", else a mark. Return: 0 or -ENOSPC. */
int import_marker(struct import *im, uint64_t t_ns, const char *text);

/** import_gap() - emit a gap of @count events at the newest event's time. */
void import_gap(struct import *im, uint64_t count);

/** import_assume() - add a line to what the trace says was assumed. */
void import_assume(struct import *im, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * import_describe() - write provenance, origin, clock, assumptions and the report into the trace; at the end, once.
 * @what:  kind of source, e.g. "ftrace text"
 * @clock: name of the clock of t_ns
 *
 * Return: 0 or negative errno with the error filled.
 */
int import_describe(struct import *im, const char *what, const char *clock);

/** import_sum() - "NAME, sha256 …" of the input, which has been read to its end. Once. */
void import_sum(struct import *im, char *text, size_t size);

#endif
