/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/series.h"

#include <inttypes.h>
#include <stdlib.h>

int series_init(struct series *s, u32 bins, u64 start_ns, u64 end_ns, const struct series_point *first)
{
	memset(s, 0, sizeof(*s));
	s->points = calloc(bins, sizeof(*s->points));
	if (!s->points)
		return -ENOMEM;
	s->points[0] = *first;
	s->last = *first;
	s->bins = bins;
	s->start_ns = start_ns;
	s->width_ns = (end_ns - start_ns) / bins + 1;
	return 0;
}

void series_destroy(struct series *s)
{
	free(s->points);
	memset(s, 0, sizeof(*s));
}

static void raise_to(u64 *at, u64 value)
{
	if (*at < value)
		*at = value;
}

static void point_raise(struct series_point *at, const struct series_point *p)
{
	raise_to(&at->live_requests, p->live_requests);
	raise_to(&at->live_request_bytes, p->live_request_bytes);
	raise_to(&at->live_mappings, p->live_mappings);
	raise_to(&at->mapped_bytes, p->mapped_bytes);
	raise_to(&at->host_calls, p->host_calls);
	raise_to(&at->failures, p->failures);
	if (at->space.holes < p->space.holes)
		at->space.holes = p->space.holes;
	if (at->space.longest_bytes > p->space.longest_bytes)
		at->space.longest_bytes = p->space.longest_bytes;
}

/* a bin starts with what the one before it ended with */
static void advance(struct series *s, u32 bin)
{
	while (s->at < bin)
		s->points[++s->at] = s->last;
}

void series_add(struct series *s, u64 t_ns, const struct series_point *p)
{
	u64 bin = t_ns > s->start_ns && s->bins ? (t_ns - s->start_ns) / s->width_ns : 0;

	if (!s->bins)
		return;
	advance(s, bin < s->bins ? (u32)bin : s->bins - 1);
	point_raise(&s->points[s->at], p);
	s->last = *p;
}

void series_header(FILE *out)
{
	fprintf(out, "policy,t_s,live_requests,live_request_bytes,live_mappings,mapped_bytes,host_calls,failures,free_holes,longest_hole_bytes\n");
}

void series_write(struct series *s, const char *policy, FILE *out)
{
	u32 i;

	advance(s, s->bins - 1);
	for (i = 0; i < s->bins; i++) {
		const struct series_point *p = &s->points[i];

		fprintf(out, "%s,%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu64 "\n", policy,
			(double)(i * s->width_ns) * 1e-9, p->live_requests, p->live_request_bytes, p->live_mappings, p->mapped_bytes,
			p->host_calls, p->failures, p->space.holes, p->space.longest_bytes);
	}
}
