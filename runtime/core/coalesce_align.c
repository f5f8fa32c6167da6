/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The alignment shims that ask the host again: they look for a mapping of its own for a request whose address came out misaligned. */
#include "runtime/core/coalesce_engine.h"

/* a mapping of @gpa, without a request as yet. Return: COALESCE_NONE if there is no room, or the host refuses */
static u32 own_mapping(struct coalesce *c, struct span gpa)
{
	u32 i = coalesce_ask(c, gpa, true);

	if (i == COALESCE_NONE)
		return i;
	coalesce_ask_host(c);
	if (c->mappings.items[i].status == 0)
		return i;
	coalesce_forget(c, i);
	return COALESCE_NONE;
}

static u64 address_in(const struct coalesce *c, const struct coalesce_request *r, u32 i)
{
	const struct coalesce_mapping *m = &c->mappings.items[i];

	return m->iova + (r->gpa.start - m->gpa.start);
}

static bool aligned_in(const struct coalesce *c, const struct coalesce_request *r, u32 i)
{
	return align_met(address_in(c, r, i), r->align_log2);
}

/* @r leaves its mapping for @i, where it is aligned */
static void move_to(struct coalesce *c, struct coalesce_request *r, u32 i)
{
	struct coalesce_mapping *from = &c->mappings.items[r->mapping], *to = &c->mappings.items[i];
	u64 iova = address_in(c, r, i);

	if (coalesce_live_add(&c->live, iova, i, r->gpa.len)) {
		coalesce_retire(c, i);
		return;
	}
	coalesce_live_drop(&c->live, coalesce_live_find(&c->live, r->iova), r->gpa.len);
	from->used_bytes -= r->gpa.len;
	if (--from->refs == 0)
		coalesce_idle(c, r->mapping);
	to->refs = 1;
	to->used_bytes = r->gpa.len;
	r->iova = iova;
	r->mapping = i;
	if (r->flags & COMPANION_REC_HIT)
		c->stats.hits--;
	r->flags &= (u8)~(COMPANION_REC_HIT | COMPANION_REC_MISALIGNED);
	c->stats.align_missed--;
}

static void retry(struct coalesce *c, struct coalesce_request *r, struct span at_gpa)
{
	u32 held[ALIGN_TRIES], n = 0, i;

	/* what is misaligned is held meanwhile, or the host would give the same again */
	while (n < ALIGN_TRIES) {
		i = own_mapping(c, at_gpa);
		if (i == COALESCE_NONE)
			break;
		if (aligned_in(c, r, i)) {
			move_to(c, r, i);
			break;
		}
		held[n++] = i;
	}
	while (n)
		coalesce_retire(c, held[--n]);
}

static void pad(struct coalesce *c, struct coalesce_request *r, struct span at_gpa)
{
	u32 i = own_mapping(c, at_gpa);
	u64 before;

	if (i == COALESCE_NONE)
		return;
	if (aligned_in(c, r, i)) {
		move_to(c, r, i);
		return;
	}
	before = -address_in(c, r, i) & (((u64)1 << r->align_log2) - 1);
	coalesce_retire(c, i);
	coalesce_tell_host(c);
	if (before > at_gpa.start)
		return;
	i = own_mapping(c, (struct span){ at_gpa.start - before, at_gpa.len + before });
	if (i == COALESCE_NONE)
		return;
	if (aligned_in(c, r, i))
		move_to(c, r, i);
	else
		coalesce_retire(c, i);
}

void coalesce_realign(struct coalesce *c, struct coalesce_request *r)
{
	struct span at_gpa;

	/* within a granule no mapping can move it */
	if (!align_met(r->gpa.start, c->cfg.granule_log2) || align_span(&r->gpa, c->cfg.granule_log2, &at_gpa))
		return;
	if (c->cfg.shim == ALIGN_PAD)
		pad(c, r, at_gpa);
	else
		retry(c, r, at_gpa);
	coalesce_tell_host(c);
}
