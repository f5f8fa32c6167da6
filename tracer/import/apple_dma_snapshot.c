/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/apple_dma_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tracer/error.h"

static bool take_line(const char *line, struct apple_dma_snapshot *s)
{
	const struct { const char *name; uint64_t *value; } fields[] = {
#define X(name, note) { #name, &s->name },
		APPLE_DMA_SNAPSHOT(X)
#undef X
	};
	size_t len = strcspn(line, ":");
	uint64_t value;
	int end = 0;

	if (line[len] != ':' || sscanf(line + len + 1, "%20" SCNu64 "%n", &value, &end) != 1 || line[len + 1 + (size_t)end])
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strlen(fields[i].name) == len && memcmp(line, fields[i].name, len) == 0) {
			*fields[i].value = value;
			return true;
		}
	}
	return false;
}

int apple_dma_snapshot_read(const char *path, struct apple_dma_snapshot *out, char *error)
{
	struct textin *in = NULL;
	int got, err = textin_open(path, &in, error);
	char *line;

	while (!err && (got = textin_line(in, &line, error)) != 0) {
		if (got == 1)
			out->read |= take_line(line, out);
		else if (got != -E2BIG)
			err = got;
	}
	textin_close(in);
	if (!err && !out->read)
		err = trace_fail(error, -ENODATA, "%s is no snapshot of apple_dma: no line is such as \"window_shift: 18\"", path);
	return err;
}

void apple_dma_snapshot_describe(struct import *im, const struct apple_dma_snapshot *s)
{
	if (!s->read)
		return;
#define X(name, note) import_count(im->report, "snapshot_" #name, s->name, note);
	APPLE_DMA_SNAPSHOT(X)
#undef X
	import_assume(im, "the snapshot was taken at the end of the trace; its window of 2^%" PRIu64 " bytes was in force all the time",
		      s->window_shift);
}
