/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The coalescer's way to the driver: its requests, from the choice of a mapping to the address. */
#include "runtime/core/coalesce_engine.h"

/* @r gets its DMA address in granted mapping @i, whose reference it already holds */
static int request_grant(struct coalesce *c, struct coalesce_request *r, u32 i)
{
	struct coalesce_stats *s = &c->stats;
	struct coalesce_mapping *m = &c->mappings.items[i];
	u64 iova = m->iova + (r->gpa.start - m->gpa.start);
	u32 align_log2 = r->flags & COMPANION_REC_DOWNGRADED ? 0 : r->align_log2;
	int rc = coalesce_live_add(&c->live, iova, i, r->gpa.len);

	if (rc)
		return rc;
	r->iova = iova;
	if (!align_met(iova, align_log2)) {
		r->flags |= COMPANION_REC_MISALIGNED;
		s->align_missed++;
	}
	if (r->flags & COMPANION_REC_HIT)
		s->hits++;
	s->live_requests++;
	s->live_request_bytes += r->gpa.len;
	if (s->live_requests > s->peak_requests)
		s->peak_requests = s->live_requests;
	if (s->live_request_bytes > s->peak_request_bytes)
		s->peak_request_bytes = s->live_request_bytes;
	return 0;
}

/* @r uses mapping @i from now on, and counts there */
static void request_hold(struct coalesce *c, struct coalesce_request *r, u32 i)
{
	struct coalesce_mapping *m = &c->mappings.items[i];

	if (m->refs == 0 && m->status == 0)
		coalesce_kept_take(&c->kept, i);
	m->refs++;
	m->used_bytes += r->gpa.len;
	r->mapping = i;
}

/* @r waits for mapping @i of @gpa, which is new if @i is COALESCE_NONE; Return: COALESCE_ASKED or -ENOMEM */
static int request_await(struct coalesce *c, struct coalesce_request *r, struct span gpa, u32 i)
{
	/* those that wait for the same mapping may turn out to share an address; room is kept for the worst case */
	if (!coalesce_live_reserve(&c->live))
		return -ENOMEM;
	if (i == COALESCE_NONE)
		i = coalesce_ask(c, gpa, false);
	if (i == COALESCE_NONE) {
		coalesce_live_unreserve(&c->live);
		return -ENOMEM;
	}
	request_hold(c, r, i);
	return COALESCE_ASKED;
}

/* @reqs[0] and what goes on from there in the @n of them */
static struct span run_of(const struct coalesce_request *reqs, u32 n)
{
	struct span run = reqs[0].gpa;
	u32 i;

	for (i = 1; i < n && span_valid(run) && reqs[i].gpa.start == run.start + run.len; i++) {
		struct span longer = { run.start, run.len + reqs[i].gpa.len };

		if (reqs[i].gpa.len == 0 || !span_valid(longer) || longer.len < run.len)
			break;
		run = longer;
	}
	return run;
}

/* which mapping @r, the first of @n, shall have: an index, or COALESCE_NONE and the span of a new one in *@gpa */
static int request_choose(const struct coalesce *c, const struct coalesce_request *r, u32 n, struct span *gpa, u32 *i)
{
	const struct coalesce_policy *policy = c->cfg.policy;
	struct coalesce_view view = {
		.param = c->cfg.param, .granule_log2 = c->cfg.granule_log2, .max_bytes = c->cfg.max_bytes,
		.max_mappings = c->cfg.host_mappings, .mapped_bytes = c->stats.live_mapped_bytes + c->asked_bytes,
		.mappings = c->stats.live_mappings + c->asked_n, .order = policy->ordered ? &c->order : NULL,
		.lab = c->cfg.lab,
	};
	int rc;

	*i = COALESCE_NONE;
	if (policy->ordered && span_valid(r->gpa))
		*i = coalesce_order_find(&c->order, r->gpa);
	if (*i != COALESCE_NONE)
		return 0;
	view.run_gpa = run_of(r, n);
	rc = policy->choose(&view, &r->gpa, gpa);
	if (rc == 0 && !policy->ordered && !policy->exclusive)
		*i = coalesce_mappings_find(&c->mappings, *gpa);
	return rc;
}

/* share mapping @i, or ask for one of @gpa if there is none; Return: 0 granted, COALESCE_ASKED, or -ENOMEM and the like */
static int request_place(struct coalesce *c, struct coalesce_request *r, struct span gpa, u32 i)
{
	int rc;

	if (i != COALESCE_NONE) {
		if (c->mappings.items[i].refs == ~(u32)0)
			return -ENOMEM;
		r->flags |= COMPANION_REC_HIT;
	}
	if (i == COALESCE_NONE || c->mappings.items[i].status == COALESCE_ASKED)
		return request_await(c, r, gpa, i);
	rc = request_grant(c, r, i);
	if (rc)
		return rc;
	request_hold(c, r, i);
	return 0;
}

/* @r is the first of the @n that are left of a slice */
static int request_begin(struct coalesce *c, struct coalesce_request *r, u32 n)
{
	struct span gpa;
	u32 i;
	int rc;

	c->stats.map_requests++;
	r->flags = 0;
	r->iova = ~0ULL;
	r->mapping = COALESCE_NONE;
	if (r->align_log2 > ALIGN_WANTED_LOG2_MAX)
		return -EINVAL;
	rc = request_choose(c, r, n, &gpa, &i);
	if (rc)
		return rc;
	if (r->align_log2)
		c->stats.align_wanted++;
	if (align_effective_log2(c->cfg.shim, r->align_log2, c->cfg.granule_log2) != r->align_log2) {
		r->flags |= COMPANION_REC_DOWNGRADED;
		c->stats.align_downgraded++;
	}
	return request_place(c, r, gpa, i);
}

/* the host has answered: the request gets its address, or gives its reference back */
static int request_end(struct coalesce *c, struct coalesce_request *r)
{
	struct coalesce_mapping *m = &c->mappings.items[r->mapping];
	int rc = m->status;

	coalesce_live_unreserve(&c->live);
	if (rc == 0)
		rc = request_grant(c, r, r->mapping);
	if (rc == 0)
		return 0;
	/* a granted mapping ends here only if the host gave an address twice; unmapping it would take the other's away */
	m->used_bytes -= r->gpa.len;
	if (--m->refs == 0)
		coalesce_forget(c, r->mapping);
	r->mapping = COALESCE_NONE;
	return rc;
}

static u32 map_slice(struct coalesce *c, struct coalesce_request *reqs, u32 n)
{
	u32 i, failed = 0;

	for (i = 0; i < n; i++)
		reqs[i].status = request_begin(c, &reqs[i], n - i);
	coalesce_ask_host(c);
	for (i = 0; i < n; i++) {
		if (reqs[i].status == COALESCE_ASKED)
			reqs[i].status = request_end(c, &reqs[i]);
		if (reqs[i].status == 0)
			continue;
		reqs[i].flags &= (u8)~COMPANION_REC_HIT;
		c->stats.failed_requests++;
		failed++;
	}
	for (i = 0; align_asks_again(c->cfg.shim) && i < n; i++) {
		if (reqs[i].status == 0 && reqs[i].flags & COMPANION_REC_MISALIGNED)
			coalesce_realign(c, &reqs[i]);
	}
	return failed;
}

u32 coalesce_map(struct coalesce *c, struct coalesce_request *reqs, u32 n)
{
	u32 failed = 0;

	while (n) {
		u32 slice = n < c->cfg.batch_max ? n : c->cfg.batch_max;

		failed += map_slice(c, reqs, slice);
		reqs += slice;
		n -= slice;
	}
	return failed;
}

static int unmap_one(struct coalesce *c, struct coalesce_request *r)
{
	struct coalesce_slot *slot = coalesce_live_find(&c->live, r->iova);
	struct coalesce_mapping *m;
	u64 bytes;

	c->stats.unmap_requests++;
	r->flags = 0;
	r->mapping = COALESCE_NONE;
	if (!slot) {
		c->stats.unknown_unmaps++;
		return -ENOENT;
	}
	r->mapping = slot->mapping;
	m = &c->mappings.items[slot->mapping];
	r->gpa.start = m->gpa.start + (r->iova - m->iova);
	c->stats.live_requests--;
	bytes = coalesce_live_drop(&c->live, slot, r->gpa.len);
	c->stats.live_request_bytes -= bytes;
	m->used_bytes -= bytes;
	if (--m->refs == 0)
		coalesce_idle(c, r->mapping);
	return 0;
}

static u32 unmap_slice(struct coalesce *c, struct coalesce_request *reqs, u32 n)
{
	u32 i, failed = 0;

	for (i = 0; i < n; i++) {
		reqs[i].status = unmap_one(c, &reqs[i]);
		if (reqs[i].status)
			failed++;
	}
	coalesce_tell_host(c);
	return failed;
}

u32 coalesce_unmap(struct coalesce *c, struct coalesce_request *reqs, u32 n)
{
	u32 failed = 0;

	while (n) {
		u32 slice = n < c->cfg.batch_max ? n : c->cfg.batch_max;

		failed += unmap_slice(c, reqs, slice);
		reqs += slice;
		n -= slice;
	}
	return failed;
}
