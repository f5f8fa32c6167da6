/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/thin.h"

unsigned int thin_end(struct thin *c, struct thin_point keep[4])
{
	struct thin_point low = c->lowest, high = c->highest, swap;
	unsigned int n = 0;

	if (!c->first.seq)
		return 0;
	if (low.seq > high.seq) {
		swap = low;
		low = high;
		high = swap;
	}
	keep[n++] = c->first;
	if (low.seq > keep[n - 1].seq)
		keep[n++] = low;
	if (high.seq > keep[n - 1].seq)
		keep[n++] = high;
	if (c->last.seq > keep[n - 1].seq)
		keep[n++] = c->last;
	c->first.seq = 0;
	return n;
}

unsigned int thin_add(struct thin *c, uint64_t step, uint64_t t_ns, int64_t value, struct thin_point keep[4])
{
	struct thin_point p = { t_ns, value, ++c->seq };
	unsigned int n = step > c->step ? thin_end(c, keep) : 0;

	if (step > c->step)
		c->step = step;
	if (!c->first.seq)
		c->first = c->lowest = c->highest = p;
	if (value < c->lowest.value)
		c->lowest = p;
	if (value > c->highest.value)
		c->highest = p;
	c->last = p;
	return n;
}
