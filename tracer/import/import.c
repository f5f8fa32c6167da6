/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/import.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"

#define PROGRESS_LINES 4096
#define MARK_BYTES_MAX 4096
#define NAME_BYTES_MAX 256

void import_count(struct import_report *report, const char *name, uint64_t count, const char *note)
{
	assert(report->n < IMPORT_COUNTS_MAX);
	report->line[report->n++] = (struct import_count){ name, note, count };
}

int import_begin(struct import *im, const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	im->args = args;
	im->out = out;
	im->report = report;
	im->error = error;
	report->n = 0;
	im->ring = tracer_ring(out);
	if (!im->ring)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	return textin_open(args->path, &im->in, error);
}

void import_end(struct import *im)
{
	textin_close(im->in);
	tdestroy(im->devices, free);
}

int import_lines(struct import *im, int (*on_line)(struct import *im, char *line))
{
	char *line;
	int got;

	while ((got = textin_line(im->in, &line, im->error)) != 0) {
		int err = 0;

		im->lines++;
		if (got == -E2BIG)
			im->lines_too_long++;
		else if (got < 0)
			return got;
		else
			err = on_line(im, line);
		if (err)
			return trace_fail(im->error, err, "line %llu: %s", (unsigned long long)im->lines, strerror(-err));
		if (im->args->progress && im->lines % PROGRESS_LINES == 0)
			im->args->progress(im->args->progress_ctx, textin_bytes(im->in), textin_total_bytes(im->in));
	}
	return 0;
}

/* ---- devices ---- */

struct device {
	uint16_t id;
	char name[];
};

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct device *)a)->name, ((const struct device *)b)->name);
}

int import_device(struct import *im, const char *name, size_t len, uint16_t *id)
{
	struct device *d, **found;

	if (len == 0 || len > NAME_BYTES_MAX)
		return -EINVAL;
	d = calloc(1, sizeof(*d) + len + 1);
	if (!d)
		return -ENOMEM;
	memcpy(d->name, name, len);
	found = tsearch(d, &im->devices, compare_devices);
	if (!found) {
		free(d);
		return -ENOMEM;
	}
	if (*found != d) {
		free(d);
		d = *found;
	} else {
		d->id = tracer_device(im->out, d->name, NULL);
	}
	*id = d->id;
	return d->id ? 0 : -ENOSPC;
}

/* ---- marks ---- */

/* "frame 12", and nothing else */
static bool is_frame(const char *text, uint64_t *frame)
{
	const char *p = text + 6;
	uint64_t n = 0;

	if (strncmp(text, "frame ", 6) != 0 || *p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	}
	*frame = n;
	return p[strspn(p, " ")] == '\0';
}

int import_marker(struct import *im, uint64_t t_ns, const char *text)
{
	struct trace_event event = { .t_ns = t_ns };
	char mark[MARK_BYTES_MAX];

	if (is_frame(text, &event.arg[0])) {
		event.kind = TRACE_FRAME;
		im->frames++;
	} else {
		snprintf(mark, sizeof(mark), "%s", text);
		event.kind = TRACE_MARK;
		event.arg[0] = tracer_string(im->out, mark);
		if (!event.arg[0])
			return -ENOSPC;
		im->marks++;
	}
	tracer_emit(im->ring, &event);
	return 0;
}

void import_gap(struct import *im, uint64_t count)
{
	struct trace_event event = { .t_ns = im->last_t_ns, .kind = TRACE_GAP, .arg = { count } };

	tracer_emit(im->ring, &event);
}

/* ---- what the trace says about itself ---- */

void import_assume(struct import *im, const char *format, ...)
{
	size_t at = strlen(im->assumed);
	va_list ap;

	if (at + 2 >= IMPORT_ASSUMED_BYTES)
		return;
	if (at) {
		im->assumed[at++] = '\n';
		im->assumed[at] = '\0';
	}
	va_start(ap, format);
	vsnprintf(im->assumed + at, IMPORT_ASSUMED_BYTES - at, format, ap);
	va_end(ap);
}

void import_sum(struct import *im, char *text, size_t size)
{
	const char *path = im->args->path, *slash = strrchr(path, '/');
	char sum[SHA256_HEX_BYTES];

	textin_sha256(im->in, sum);
	snprintf(text, size, "%s, sha256 %s", strcmp(path, "-") == 0 ? "standard input" : slash ? slash + 1 : path, sum);
}

int import_describe(struct import *im, const char *what, const char *clock)
{
	char sum[4096 + 80], origin[4096 + 256];
	int err = tracer_meta(im->out, TRACE_META_PROVENANCE, "imported");

	import_sum(im, sum, sizeof(sum));
	snprintf(origin, sizeof(origin), "%s, %s", what, sum);
	err = err ? err : tracer_meta(im->out, TRACE_META_ORIGIN, origin);
	err = err ? err : tracer_meta(im->out, TRACE_META_CLOCK, clock);
	err = err ? err : tracer_meta(im->out, TRACE_META_ASSUMED, im->assumed);
	/* when and where the events were recorded is not known; when they were imported says nothing */
	err = err ? err : tracer_meta(im->out, TRACE_META_STARTED, NULL);
	err = err ? err : tracer_meta(im->out, TRACE_META_HOST, NULL);
	for (unsigned int i = 0; i < im->report->n; i++)
		err = err ? err : tracer_account(im->out, im->report->line[i].name, im->report->line[i].count, im->report->line[i].note);
	return err ? trace_fail(im->error, err, "cannot write the trace: %s", strerror(-err)) : 0;
}
