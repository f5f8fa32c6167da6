/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What requests to come will touch, fetched all together. Only guesses: what is read here may have changed by then. */
#include "runtime/core/coalesce_engine.h"

/* a policy that looks at the order of mappings, or shares none, finds them in other ways */
static bool shares_by_span(const struct coalesce_policy *policy)
{
	return !policy->ordered && !policy->exclusive;
}

/* first of all, which bucket or slot */
static void begin(const struct coalesce *c, struct coalesce_ahead *a)
{
	struct coalesce_view view = { .param = c->cfg.param, .granule_log2 = c->cfg.granule_log2, .run_gpa = a->gpa, .lab = c->cfg.lab };
	struct span mapping_gpa;

	a->at = COALESCE_NONE;
	if (a->gpa.len == 0)
		a->at = coalesce_live_ahead(&c->live, a->iova);
	else if (shares_by_span(c->cfg.policy) && c->cfg.policy->choose(&view, &a->gpa, &mapping_gpa) == 0)
		a->at = coalesce_mappings_ahead(&c->mappings, mapping_gpa);
}

/* then, which mapping */
static void go_on(const struct coalesce *c, struct coalesce_ahead *a)
{
	const struct coalesce_slot *slot;

	if (a->at == COALESCE_NONE)
		return;
	if (a->gpa.len) {
		a->at = c->mappings.buckets[a->at];
	} else {
		slot = coalesce_live_find(&c->live, a->iova);
		a->at = slot ? slot->mapping : COALESCE_NONE;
	}
	if (a->at < c->mappings.max)
		__builtin_prefetch(&c->mappings.items[a->at], 1);
}

/* last, where the address will be entered that it gives */
static void end(const struct coalesce *c, const struct coalesce_ahead *a)
{
	const struct coalesce_mapping *m;

	if (a->gpa.len == 0 || a->at >= c->mappings.max)
		return;
	m = &c->mappings.items[a->at];
	coalesce_live_ahead(&c->live, m->iova + (a->gpa.start - m->gpa.start));
}

void coalesce_look_ahead(const struct coalesce *c, struct coalesce_ahead *ahead, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		begin(c, &ahead[i]);
	for (i = 0; i < n; i++)
		go_on(c, &ahead[i]);
	for (i = 0; i < n; i++)
		end(c, &ahead[i]);
}
