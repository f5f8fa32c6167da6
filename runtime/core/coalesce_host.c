/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The coalescer's way to the host: what it asks for, keeps, and gives back. */
#include "runtime/core/coalesce_engine.h"

static void entry_fill(struct companion_entry *entry, const struct coalesce_mapping *m)
{
	entry->gpa = m->gpa.start;
	entry->len = m->gpa.len;
	entry->iova = m->iova;
	entry->flags = COMPANION_DIR_BOTH;
	entry->status = -EIO;
}

static void list_asked(struct coalesce *c, u32 i)
{
	if (c->asked_n++ == 0)
		c->asked = i;
	else
		c->mappings.items[c->asked_last].link = i;
	c->asked_last = i;
}

u32 coalesce_ask(struct coalesce *c, struct span gpa, bool own)
{
	u32 i = coalesce_mappings_add(&c->mappings, gpa);

	if (i == COALESCE_NONE)
		return i;
	c->mappings.items[i].own = own;
	if (c->cfg.policy->ordered && !own)
		coalesce_order_add(&c->order, i);
	c->asked_bytes += gpa.len;
	entry_fill(&c->entries[c->asked_n], &c->mappings.items[i]);
	list_asked(c, i);
	return i;
}

void coalesce_forget(struct coalesce *c, u32 i)
{
	const struct coalesce_mapping *m = &c->mappings.items[i];

	if (m->status == 0) {
		c->stats.live_mappings--;
		c->stats.live_mapped_bytes -= m->gpa.len;
	}
	if (c->cfg.policy->ordered && !m->own)
		coalesce_order_remove(&c->order, i);
	coalesce_mappings_remove(&c->mappings, i);
}

static void mapping_granted(struct coalesce *c, struct coalesce_mapping *m)
{
	struct coalesce_stats *s = &c->stats;

	s->live_mappings++;
	s->live_mapped_bytes += m->gpa.len;
	if (s->live_mappings > s->peak_mappings)
		s->peak_mappings = s->live_mappings;
	if (s->live_mapped_bytes > s->peak_mapped_bytes)
		s->peak_mapped_bytes = s->live_mapped_bytes;
}

static s32 entry_status(const struct companion_entry *entry, int rc)
{
	s32 status = rc ? rc : entry->status;

	return status > 0 ? -EIO : status;
}

/* what the host granted must be usable: granular, and not past the end of the address space */
static s32 answer_status(const struct coalesce *c, const struct coalesce_mapping *m, const struct companion_entry *entry, int rc)
{
	struct span iova = { m->iova, m->gpa.len };
	s32 status = entry_status(entry, rc);

	if (status == 0 && (!align_met(iova.start, c->cfg.granule_log2) || !span_valid(iova)))
		return -EIO;
	return status;
}

static int host_submit(struct coalesce *c, enum companion_op op, u32 n)
{
	c->stats.host_batches++;
	if (op == COMPANION_OP_MAP)
		c->stats.host_maps += n;
	else
		c->stats.host_unmaps += n;
	return c->host.submit(c->host.ctx, op, c->entries, n);
}

/* ask for what is listed; what is refused stays listed. Return: 0, or a negative errno if the host could not be asked at all */
static int submit_asked(struct coalesce *c)
{
	u32 k, i = c->asked, n = c->asked_n;
	int rc = host_submit(c, COMPANION_OP_MAP, n);

	c->asked = COALESCE_NONE;
	c->asked_n = 0;
	for (k = 0; k < n; k++) {
		struct coalesce_mapping *m = &c->mappings.items[i];
		u32 next = m->link;

		m->iova = c->entries[k].iova;
		m->status = answer_status(c, m, &c->entries[k], rc);
		if (m->status)
			list_asked(c, i);
		else
			mapping_granted(c, m);
		i = next;
	}
	c->stats.host_failures += c->asked_n;
	return rc;
}

void coalesce_ask_host(struct coalesce *c)
{
	u32 k, i, n;

	if (c->asked_n == 0)
		return;
	if (submit_asked(c) == 0 && c->asked_n && c->kept.n) {
		n = c->asked_n;
		c->asked_n = 0;
		while (c->kept.n)
			coalesce_evict(c);
		coalesce_tell_host(c);
		for (k = 0, i = c->asked; k < n; k++, i = c->mappings.items[i].link)
			entry_fill(&c->entries[k], &c->mappings.items[i]);
		c->asked_n = n;
		submit_asked(c);
	}
	c->asked_n = 0;
	c->asked_bytes = 0;
}

void coalesce_retire(struct coalesce *c, u32 i)
{
	if (c->asked_n == c->cfg.batch_max)
		coalesce_tell_host(c);
	entry_fill(&c->entries[c->asked_n++], &c->mappings.items[i]);
	coalesce_forget(c, i);
}

void coalesce_evict(struct coalesce *c)
{
	u32 i = c->kept.oldest;

	coalesce_kept_take(&c->kept, i);
	coalesce_retire(c, i);
}

void coalesce_idle(struct coalesce *c, u32 i)
{
	if (c->mappings.items[i].own || c->mappings.items[i].gpa.len > c->keep_bytes) {
		coalesce_retire(c, i);
		return;
	}
	coalesce_kept_add(&c->kept, i);
	while (c->kept.bytes > c->keep_bytes || c->kept.n > COALESCE_KEPT_MAX)
		coalesce_evict(c);
}

void coalesce_tell_host(struct coalesce *c)
{
	u32 k, n = c->asked_n;
	int rc;

	if (n == 0)
		return;
	rc = host_submit(c, COMPANION_OP_UNMAP, n);
	for (k = 0; k < n; k++) {
		if (entry_status(&c->entries[k], rc))
			c->stats.host_failures++;
	}
	c->asked_n = 0;
}
