/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_engine.h"

/* the list of shipped policies: one line each */
#define COALESCE_SHIPPED(X) \
	X(budget)           \
	X(direct)           \
	X(each)             \
	X(grow)             \
	X(lazy)             \
	X(merge)            \
	X(window)

#define DECLARE(name) extern const struct coalesce_policy coalesce_policy_##name;
COALESCE_SHIPPED(DECLARE)
#define LIST(name) &coalesce_policy_##name,
const struct coalesce_policy *const coalesce_policies[] = { COALESCE_SHIPPED(LIST) NULL };

#define SIZE_MAX_ITEMS (1u << 30)

static bool config_usable(const struct coalesce_config *cfg)
{
	const struct coalesce_policy *policy = cfg->policy;
	const struct coalesce_order nothing = { .root = COALESCE_NONE };
	const struct coalesce_view view = { .param = cfg->param, .granule_log2 = cfg->granule_log2, .order = &nothing, .run_gpa = { 0, 1 },
					    .lab = cfg->lab };
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

static u32 table_size(const struct coalesce_config *cfg)
{
	return cfg->max_mappings + (cfg->policy->keep ? COALESCE_KEPT_MAX : 0);
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
	bytes = round8(sizeof(struct coalesce)) + coalesce_mappings_bytes(table_size(cfg)) +
		coalesce_live_bytes(cfg->max_requests);
	if (cfg->policy->ordered)
		bytes += coalesce_order_bytes(table_size(cfg));
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
	coalesce_mappings_init(&c->mappings, at, table_size(cfg));
	at += coalesce_mappings_bytes(table_size(cfg));
	coalesce_live_init(&c->live, at, cfg->max_requests);
	at += coalesce_live_bytes(cfg->max_requests);
	coalesce_kept_init(&c->kept, c->mappings.items);
	if (cfg->policy->keep)
		c->keep_bytes = (u64)cfg->param[cfg->policy->keep - 1] << 20;
	if (cfg->policy->ordered)
		coalesce_order_init(&c->order, at, c->mappings.items);
	return c;
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

	while (c->kept.n)
		coalesce_evict(c);
	for (i = 0; i < c->mappings.max; i++) {
		if (c->mappings.items[i].refs == 0)
			continue;
		coalesce_retire(c, i);
		released++;
	}
	coalesce_tell_host(c);
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

u64 coalesce_kept_bytes(const struct coalesce *c)
{
	return c->kept.bytes;
}

const struct coalesce_config *coalesce_config(const struct coalesce *c)
{
	return &c->cfg;
}
