/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce.h"
#include "runtime/core/coalesce_live.h"
#include "runtime/core/coalesce_mapping.h"
#include "runtime/core/coalesce_order.h"

/* the list of shipped policies: one line each */
#define COALESCE_SHIPPED(X) \
	X(direct)           \
	X(each)             \
	X(grow)             \
	X(window)

#define DECLARE(name) extern const struct coalesce_policy coalesce_policy_##name;
COALESCE_SHIPPED(DECLARE)
#define LIST(name) &coalesce_policy_##name,
const struct coalesce_policy *const coalesce_policies[] = { COALESCE_SHIPPED(LIST) NULL };

#define SIZE_MAX_ITEMS (1u << 30)

/**
 * struct coalesce - the engine.
 * @asked: first mapping of the batch being built, in order of @entries; @asked_n of them with @asked_bytes, @asked_last the last
 * @order: kept for an ordered policy only
 */
struct coalesce {
	struct coalesce_config cfg;
	struct coalesce_host host;
	struct companion_entry *entries;
	struct coalesce_mappings mappings;
	struct coalesce_order order;
	u64 asked_bytes;
	u32 asked, asked_last, asked_n;
	struct coalesce_live live;
	struct coalesce_stats stats;
};

static bool config_usable(const struct coalesce_config *cfg)
{
	const struct coalesce_policy *policy = cfg->policy;
	const struct coalesce_order nothing = { .root = COALESCE_NONE };
	const struct coalesce_view view = { .param = cfg->param, .granule_log2 = cfg->granule_log2, .order = &nothing };
	const struct span probe_gpa = { 0, 1 };
	struct span out_gpa;
	u32 i;

	if (!policy || policy->nparams > COALESCE_PARAMS_MAX || cfg->shim >= ALIGN_SHIMS)
		return false;
	if (cfg->granule_log2 < ALIGN_GRANULE_LOG2_MIN || cfg->granule_log2 > ALIGN_GRANULE_LOG2_MAX)
		return false;
	if (cfg->batch_max == 0 || cfg->batch_max > COMPANION_BATCH_MAX)
		return false;
	if (cfg->max_mappings == 0 || cfg->max_mappings > SIZE_MAX_ITEMS || cfg->max_requests == 0 || cfg->max_requests > SIZE_MAX_ITEMS)
		return false;
	for (i = 0; i < policy->nparams; i++) {
		if (cfg->param[i] < policy->params[i].min || cfg->param[i] > policy->params[i].max)
			return false;
	}
	/* a policy that cannot place one byte does not go with this granule */
	return policy->choose(&view, &probe_gpa, &out_gpa) == 0;
}

static u64 round8(u64 bytes)
{
	return (bytes + 7) & ~(u64)7;
}

size_t coalesce_state_bytes(const struct coalesce_config *cfg)
{
	u64 bytes;

	if (!config_usable(cfg))
		return 0;
	bytes = round8(sizeof(struct coalesce)) + coalesce_mappings_bytes(cfg->max_mappings) +
		coalesce_live_bytes(cfg->max_requests);
	if (cfg->policy->ordered)
		bytes += coalesce_order_bytes(cfg->max_mappings);
	return (size_t)bytes == bytes ? (size_t)bytes : 0;
}

struct coalesce *coalesce_init(void *mem, const struct coalesce_config *cfg, const struct coalesce_host *host,
			       struct companion_entry *entries)
{
	struct coalesce *c = mem;
	u8 *at = mem;

	if (coalesce_state_bytes(cfg) == 0)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->cfg = *cfg;
	c->host = *host;
	c->entries = entries;
	at += round8(sizeof(*c));
	coalesce_mappings_init(&c->mappings, at, cfg->max_mappings);
	at += coalesce_mappings_bytes(cfg->max_mappings);
	coalesce_live_init(&c->live, at, cfg->max_requests);
	at += coalesce_live_bytes(cfg->max_requests);
	if (cfg->policy->ordered)
		coalesce_order_init(&c->order, at, c->mappings.items);
	return c;
}

static void entry_fill(struct companion_entry *entry, const struct coalesce_mapping *m)
{
	entry->gpa = m->gpa.start;
	entry->len = m->gpa.len;
	entry->iova = m->iova;
	entry->flags = COMPANION_DIR_BOTH;
	entry->status = -EIO;
}

/* a mapping that will be asked for with the batch being built; COALESCE_NONE if there is no room */
static u32 mapping_ask(struct coalesce *c, struct span gpa)
{
	u32 i = coalesce_mappings_add(&c->mappings, gpa);

	if (i == COALESCE_NONE)
		return i;
	if (c->cfg.policy->ordered)
		coalesce_order_add(&c->order, i);
	c->asked_bytes += gpa.len;
	entry_fill(&c->entries[c->asked_n], &c->mappings.items[i]);
	if (c->asked_n++ == 0)
		c->asked = i;
	else
		c->mappings.items[c->asked_last].link = i;
	c->asked_last = i;
	return i;
}

static void mapping_forget(struct coalesce *c, u32 i)
{
	const struct coalesce_mapping *m = &c->mappings.items[i];

	if (m->status == 0) {
		c->stats.live_mappings--;
		c->stats.live_mapped_bytes -= m->gpa.len;
	}
	if (c->cfg.policy->ordered)
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

static void ask_host(struct coalesce *c)
{
	u32 i = c->asked;
	u32 k, n = c->asked_n;
	int rc;

	if (n == 0)
		return;
	rc = host_submit(c, COMPANION_OP_MAP, n);
	for (k = 0; k < n; k++) {
		struct coalesce_mapping *m = &c->mappings.items[i];

		m->iova = c->entries[k].iova;
		m->status = answer_status(c, m, &c->entries[k], rc);
		if (m->status)
			c->stats.host_failures++;
		else
			mapping_granted(c, m);
		i = m->link;
	}
	c->asked = COALESCE_NONE;
	c->asked_n = 0;
	c->asked_bytes = 0;
}

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
	c->mappings.items[i].refs++;
	c->mappings.items[i].used_bytes += r->gpa.len;
	r->mapping = i;
}

/* @r waits for mapping @i of @gpa, which is new if @i is COALESCE_NONE; Return: COALESCE_ASKED or -ENOMEM */
static int request_await(struct coalesce *c, struct coalesce_request *r, struct span gpa, u32 i)
{
	/* those that wait for the same mapping may turn out to share an address; room is kept for the worst case */
	if (!coalesce_live_reserve(&c->live))
		return -ENOMEM;
	if (i == COALESCE_NONE)
		i = mapping_ask(c, gpa);
	if (i == COALESCE_NONE) {
		coalesce_live_unreserve(&c->live);
		return -ENOMEM;
	}
	request_hold(c, r, i);
	return COALESCE_ASKED;
}

/* which mapping @r shall have: an index, or COALESCE_NONE and the span of a new one in *@gpa */
static int request_choose(const struct coalesce *c, const struct coalesce_request *r, struct span *gpa, u32 *i)
{
	const struct coalesce_policy *policy = c->cfg.policy;
	struct coalesce_view view = {
		.param = c->cfg.param, .granule_log2 = c->cfg.granule_log2, .max_bytes = c->cfg.max_bytes,
		.mapped_bytes = c->stats.live_mapped_bytes + c->asked_bytes, .order = policy->ordered ? &c->order : NULL,
	};
	int rc;

	*i = COALESCE_NONE;
	if (policy->ordered && span_valid(r->gpa))
		*i = coalesce_order_find(&c->order, r->gpa);
	if (*i != COALESCE_NONE)
		return 0;
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

static int request_begin(struct coalesce *c, struct coalesce_request *r)
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
	rc = request_choose(c, r, &gpa, &i);
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
		mapping_forget(c, r->mapping);
	r->mapping = COALESCE_NONE;
	return rc;
}

static u32 map_slice(struct coalesce *c, struct coalesce_request *reqs, u32 n)
{
	u32 i, failed = 0;

	for (i = 0; i < n; i++)
		reqs[i].status = request_begin(c, &reqs[i]);
	ask_host(c);
	for (i = 0; i < n; i++) {
		if (reqs[i].status == COALESCE_ASKED)
			reqs[i].status = request_end(c, &reqs[i]);
		if (reqs[i].status == 0)
			continue;
		reqs[i].flags &= (u8)~COMPANION_REC_HIT;
		c->stats.failed_requests++;
		failed++;
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

/* collect mapping @i, which nobody uses any more, for the next host call */
static void mapping_retire(struct coalesce *c, u32 i)
{
	entry_fill(&c->entries[c->asked_n++], &c->mappings.items[i]);
	mapping_forget(c, i);
}

static void tell_host(struct coalesce *c)
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
		mapping_retire(c, r->mapping);
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
	tell_host(c);
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

bool coalesce_find(const struct coalesce *c, u64 iova, u64 *gpa)
{
	const struct coalesce_slot *slot = coalesce_live_find(&c->live, iova);
	const struct coalesce_mapping *m;

	if (!slot)
		return false;
	m = &c->mappings.items[slot->mapping];
	*gpa = m->gpa.start + (iova - m->iova);
	return true;
}

u32 coalesce_release_all(struct coalesce *c)
{
	u32 i, released = 0;

	for (i = 0; i < c->cfg.max_mappings; i++) {
		if (c->mappings.items[i].refs == 0)
			continue;
		mapping_retire(c, i);
		released++;
		if (c->asked_n == c->cfg.batch_max)
			tell_host(c);
	}
	tell_host(c);
	coalesce_mappings_clear(&c->mappings);
	c->order.root = COALESCE_NONE;
	coalesce_live_clear(&c->live);
	c->stats.live_requests = 0;
	c->stats.live_request_bytes = 0;
	return released;
}

const struct coalesce_stats *coalesce_stats(const struct coalesce *c)
{
	return &c->stats;
}

const struct coalesce_config *coalesce_config(const struct coalesce *c)
{
	return &c->cfg;
}
