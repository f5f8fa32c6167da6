/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/foreseen.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/core/align.h"

#define START 1024u

static int by_start(const void *a, const void *b)
{
	u64 x = ((const struct span *)a)->start, y = ((const struct span *)b)->start;

	return (x > y) - (x < y);
}

/* runs in order become fewer where the gap between two is shorter than @gap_bytes; those that touch have none */
static void join(struct foreseen *f, u64 gap_bytes)
{
	u32 i, n = 0;

	for (i = 0; i < f->n; i++) {
		struct span *run = n ? &f->runs_gpa[n - 1] : NULL, next = f->runs_gpa[i];
		u64 last = span_last(next);

		if (!run || (next.start > span_last(*run) && next.start - span_last(*run) - 1 >= gap_bytes)) {
			f->runs_gpa[n++] = next;
			continue;
		}
		if (last > span_last(*run))
			run->len = last - run->start + 1;
	}
	f->n = n;
}

void foreseen_settle(struct foreseen *f)
{
	if (f->n)
		qsort(f->runs_gpa, f->n, sizeof(*f->runs_gpa), by_start);
	join(f, 1);
}

/* joined first, and more of it only if what is left fills half */
static int make_room(struct foreseen *f)
{
	u32 capacity = f->capacity ? f->capacity * 2 : START;
	void *p;

	foreseen_settle(f);
	if (f->n < f->capacity / 2)
		return 0;
	p = realloc(f->runs_gpa, capacity * sizeof(*f->runs_gpa));
	if (!p)
		return -ENOMEM;
	f->runs_gpa = p;
	f->capacity = capacity;
	return 0;
}

int foreseen_add(struct foreseen *f, struct span gpa)
{
	int rc = 0;

	if (!span_valid(gpa))
		return 0;
	if (f->n == f->capacity)
		rc = make_room(f);
	if (rc == 0)
		f->runs_gpa[f->n++] = gpa;
	return rc;
}

int foreseen_join(const struct foreseen *f, u32 granule_log2, u64 gap_bytes, struct foreseen *out)
{
	u32 i;

	*out = (struct foreseen){ .runs_gpa = malloc((f->n + 1) * sizeof(*out->runs_gpa)), .n = 0, .capacity = f->n + 1 };
	if (!out->runs_gpa)
		return -ENOMEM;
	for (i = 0; i < f->n; i++) {
		if (align_span(&f->runs_gpa[i], granule_log2, &out->runs_gpa[out->n]) == 0)
			out->n++;
	}
	join(out, gap_bytes ? gap_bytes : 1);
	return 0;
}

const struct span *foreseen_find(const struct foreseen *f, struct span gpa)
{
	u32 low = 0, high = f->n;

	/* the last run that starts at or before @gpa */
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (f->runs_gpa[middle].start <= gpa.start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !span_valid(gpa) || span_last(f->runs_gpa[low - 1]) < span_last(gpa))
		return NULL;
	return &f->runs_gpa[low - 1];
}

void foreseen_destroy(struct foreseen *f)
{
	free(f->runs_gpa);
	memset(f, 0, sizeof(*f));
}
