/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/frame_times.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* nearest rank: the smallest time that @percent of the frames do not pass */
static double percentile(const double *times_s, uint32_t n, uint32_t percent)
{
	uint64_t rank = ((uint64_t)n * percent + 99) / 100;

	return times_s[rank ? rank - 1 : 0];
}

int frame_times_of(const struct facts *f, struct frame_times *out)
{
	uint32_t i, n = f->nframes ? f->nframes - 1 : 0, slowest = n / 100 ? n / 100 : 1;
	double *times_s, sum_s = 0, slow_s = 0;

	*out = (struct frame_times){ 0 };
	if (n == 0)
		return 0;
	times_s = malloc(n * sizeof(*times_s));
	if (!times_s)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		times_s[i] = f->frame_s[i + 1] - f->frame_s[i];
		sum_s += times_s[i];
	}
	qsort(times_s, n, sizeof(*times_s), compare);
	for (i = n - slowest; i < n; i++)
		slow_s += times_s[i];
	out->frames = n;
	out->mean_fps = sum_s > 0 ? n / sum_s : 0;
	out->low_fps = slow_s > 0 ? slowest / slow_s : 0;
	out->median_ms = 1000 * percentile(times_s, n, 50);
	out->p95_ms = 1000 * percentile(times_s, n, 95);
	out->p99_ms = 1000 * percentile(times_s, n, 99);
	out->longest_ms = 1000 * times_s[n - 1];
	free(times_s);
	return 0;
}
