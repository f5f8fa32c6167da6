/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/split.h"

#include <string.h>

static unsigned int class_of(const struct split *s, uint32_t row)
{
	return s->other[row] >> s->shift & (SPLIT_CLASSES - 1);
}

void split_init(struct split *s, const uint64_t *other, uint32_t n, unsigned int shift)
{
	memset(s, 0, sizeof(*s));
	s->other = other;
	s->shift = shift;
	for (uint32_t i = 0; i < n; i++)
		s->start[class_of(s, i) + 1]++;
	for (unsigned int c = 0; c < SPLIT_CLASSES; c++)
		s->start[c + 1] += s->start[c];
}

void split_gather(const struct split *s, const uint64_t *values, uint32_t n, int steps, uint64_t *out)
{
	uint64_t sum[SPLIT_CLASSES] = { 0 }, last = 0;
	uint32_t next[SPLIT_CLASSES];

	memcpy(next, s->start, sizeof(next));
	for (uint32_t i = 0; i < n; i++) {
		unsigned int c = class_of(s, i);

		sum[c] = steps ? sum[c] + values[i] - last : values[i];
		out[next[c]++] = sum[c];
		last = values[i];
	}
}

void split_scatter(const struct split *s, const uint64_t *by_class, uint32_t n, int steps, uint64_t *out)
{
	uint64_t sum[SPLIT_CLASSES] = { 0 }, last = 0;
	uint32_t next[SPLIT_CLASSES];

	memcpy(next, s->start, sizeof(next));
	for (uint32_t i = 0; i < n; i++) {
		unsigned int c = class_of(s, i);
		uint64_t v = by_class[next[c]++];

		out[i] = steps ? last + v - sum[c] : v;
		sum[c] = v;
		last = out[i];
	}
}
