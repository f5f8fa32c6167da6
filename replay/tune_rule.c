/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/tune_rule.h"

#include <math.h>

static double share(u64 part, u64 whole)
{
	return whole ? (double)part / (double)whole : 0;
}

void tune_judge(struct tune *t, u32 i)
{
	struct tune_candidate *c = &t->candidates[i];
	u32 k;

	c->fits = true;
	for (k = 0; k < t->traces_n; k++) {
		const struct result *r = &c->results[k];

		c->failures += r->row.failures;
		c->fits &= result_fits(r);
		c->mappings_share = fmax(c->mappings_share, share(r->row.peak_mappings, r->limits.max_mappings));
		c->bytes_share = fmax(c->bytes_share, share(r->row.peak_mapped_bytes, r->limits.max_bytes));
		c->log_mappings += log2((double)r->row.peak_mappings + 1);
		c->host_calls += r->row.host_maps + r->row.host_unmaps;
	}
}

static bool no_worse(const struct tune_candidate *a, const struct tune_candidate *b)
{
	return a->mappings_share <= b->mappings_share && a->bytes_share <= b->bytes_share && a->host_calls <= b->host_calls;
}

/* of equals the one that was tried first is on the front */
static bool beats(const struct tune *t, u32 a, u32 b)
{
	const struct tune_candidate *x = &t->candidates[a], *y = &t->candidates[b];

	return x->fits && no_worse(x, y) && (a < b || !no_worse(y, x));
}

static void find_front(struct tune *t)
{
	u32 i, k;

	for (i = 0; i < t->n; i++) {
		struct tune_candidate *c = &t->candidates[i];

		c->front = c->fits;
		for (k = 0; k < t->n && c->front; k++)
			c->front = k == i || !beats(t, k, i);
	}
}

/* rule (1); Return: how many keep it */
static u32 find_eligible(struct tune *t, double most)
{
	u32 i, n = 0;

	for (i = 0; i < t->n; i++) {
		struct tune_candidate *c = &t->candidates[i];

		c->eligible = c->fits && c->mappings_share <= most && c->bytes_share <= most;
		n += c->eligible;
	}
	return n;
}

static u64 leanest_bytes(const struct tune *t, u32 trace)
{
	u64 bytes = ~(u64)0;
	u32 i;

	for (i = 0; i < t->n; i++) {
		u64 own = t->candidates[i].results[trace].row.peak_mapped_bytes;

		if (t->candidates[i].eligible && own < bytes)
			bytes = own;
	}
	return bytes;
}

/* how many percent more than the leanest, on the trace where it is most */
static double excess_percent(const struct tune *t, const struct tune_candidate *c)
{
	double most = 0;
	u32 k;

	for (k = 0; k < t->traces_n; k++)
		most = fmax(most, 100 * (share(c->results[k].row.peak_mapped_bytes, leanest_bytes(t, k)) - 1));
	return most;
}

/* rules (3) and (4) */
static bool better(const struct tune_candidate *a, const struct tune_candidate *b)
{
	if (a->log_mappings != b->log_mappings)
		return a->log_mappings < b->log_mappings;
	return a->host_calls < b->host_calls;
}

void tune_choose(struct tune *t)
{
	double least = INFINITY;
	u32 i;

	find_front(t);
	t->choice = TUNE_NONE;
	t->reserve_kept = find_eligible(t, 1 - t->options->reserve_percent / 100.0) > 0;
	if (!t->reserve_kept && find_eligible(t, 1) == 0)
		return;
	for (i = 0; i < t->n; i++) {
		if (t->candidates[i].eligible)
			least = fmin(least, excess_percent(t, &t->candidates[i]));
	}
	t->slack_percent = fmax(least, t->options->slack_percent);
	for (i = 0; i < t->n; i++) {
		const struct tune_candidate *c = &t->candidates[i];

		if (!c->eligible || excess_percent(t, c) > t->slack_percent)
			continue;
		if (t->choice == TUNE_NONE || better(c, &t->candidates[t->choice]))
			t->choice = i;
	}
}
