/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/tune_rule.h"

#include <math.h>

static double share(u64 part, u64 whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* floor(@value * (100 - @percent) / 100), at least @least */
static u64 less_by(u64 value, u32 percent, u64 least)
{
	u64 less = value / 100 * (100 - percent) + value % 100 * (100 - percent) / 100;

	return less < least ? least : less;
}

struct dart_limits tune_less(const struct dart_limits *limits, u32 percent)
{
	struct dart_limits less = *limits;
	u64 granule_bytes = 1ULL << limits->granule_log2;

	less.max_mappings = less_by(limits->max_mappings, percent, 1);
	less.max_bytes = less_by(limits->max_bytes, percent, granule_bytes) / granule_bytes * granule_bytes;
	return less;
}

static void sum_up(struct tune_sum *sum, u32 traces_n)
{
	u32 k;

	sum->fits = true;
	for (k = 0; k < traces_n; k++) {
		const struct result *r = &sum->results[k];

		sum->failures += r->row.failures;
		sum->fits &= result_fits(r);
		sum->mappings_share = fmax(sum->mappings_share, share(r->row.peak_mappings, r->limits.max_mappings));
		sum->bytes_share = fmax(sum->bytes_share, share(r->row.peak_mapped_bytes, r->limits.max_bytes));
		sum->log_mappings += log2((double)r->row.peak_mappings + 1);
		sum->host_calls += r->row.host_maps + r->row.host_unmaps;
	}
}

void tune_judge(struct tune *t, u32 i)
{
	sum_up(&t->candidates[i].all, t->traces_n);
	sum_up(&t->candidates[i].less, t->traces_n);
}

static bool no_worse(const struct tune_sum *a, const struct tune_sum *b)
{
	return a->mappings_share <= b->mappings_share && a->bytes_share <= b->bytes_share && a->host_calls <= b->host_calls;
}

/* of equals the one that was tried first is on the front */
static bool beats(const struct tune *t, u32 a, u32 b)
{
	const struct tune_sum *x = &t->candidates[a].all, *y = &t->candidates[b].all;

	return x->fits && no_worse(x, y) && (a < b || !no_worse(y, x));
}

static void find_front(struct tune *t)
{
	u32 i, k;

	for (i = 0; i < t->n; i++) {
		struct tune_candidate *c = &t->candidates[i];

		c->front = c->all.fits;
		for (k = 0; k < t->n && c->front; k++)
			c->front = k == i || !beats(t, k, i);
	}
}

/* what the rules after (1) go by */
static const struct tune_sum *judged(const struct tune *t, const struct tune_candidate *c)
{
	return t->reserve_kept ? &c->less : &c->all;
}

/* rule (1); Return: how many keep it */
static u32 find_eligible(struct tune *t, bool reserve)
{
	u32 i, n = 0;

	for (i = 0; i < t->n; i++) {
		struct tune_candidate *c = &t->candidates[i];

		c->eligible = c->all.fits && (!reserve || c->less.fits);
		n += c->eligible;
	}
	return n;
}

static u64 leanest_bytes(const struct tune *t, u32 trace)
{
	u64 bytes = ~(u64)0;
	u32 i;

	for (i = 0; i < t->n; i++) {
		u64 own = judged(t, &t->candidates[i])->results[trace].row.peak_mapped_bytes;

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
		most = fmax(most, 100 * (share(judged(t, c)->results[k].row.peak_mapped_bytes, leanest_bytes(t, k)) - 1));
	return most;
}

/* rules (3) and (4) */
static bool better(const struct tune_sum *a, const struct tune_sum *b)
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
	t->reserve_kept = find_eligible(t, true) > 0;
	if (!t->reserve_kept && find_eligible(t, false) == 0)
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
		if (t->choice == TUNE_NONE || better(judged(t, c), judged(t, &t->candidates[t->choice])))
			t->choice = i;
	}
}
