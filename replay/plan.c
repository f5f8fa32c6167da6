/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/plan.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const default_policies[] = { "direct", "window:log2=16", "window:log2=18", "window:log2=20", "window:log2=22", "grow" };

#define DEFAULTS (sizeof(default_policies) / sizeof(default_policies[0]))

int plan_limits(const struct replay_options *o, struct trace *trace, struct dart_limits *out, char *error)
{
	const char *recorded = trace_meta(trace, TRACE_META_LIMITS);

	if (o->darts_n)
		*out = o->darts[0];
	else if (!recorded)
		*out = dart_models[0];
	else if (dart_parse(recorded, out)) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot use the limits it was recorded with ('%.100s'): give --dart", recorded);
		return -EINVAL;
	}
	return 0;
}

int plan_shim(const struct replay_options *o, struct trace *trace)
{
	const char *recorded = trace_meta(trace, TRACE_META_ALIGN);
	int shim = o->shim;

	if (shim < 0 && recorded)
		shim = align_shim_find(recorded);
	return shim;
}

bool plan_goes(const struct coalesce_config *config, u32 granule_log2)
{
	struct coalesce_config sized = *config;

	sized.granule_log2 = granule_log2;
	sized.max_mappings = sized.max_requests = sized.batch_max = 1;
	return coalesce_state_bytes(&sized) != 0;
}

static void add(struct plan *p, const struct coalesce_config *config, const struct dart_limits *limits, u32 shim)
{
	p->cells[p->n] = (struct cell_spec){ *config, *limits };
	p->cells[p->n++].config.shim = shim;
}

static void add_group(const struct replay_options *o, struct plan *p, const struct dart_limits *limits, u32 shim)
{
	struct coalesce_config config = { 0 };
	u32 i;

	for (i = 0; i < o->policies.n; i++)
		add(p, &o->policies.configs[i], limits, shim);
	for (i = 0; o->policies.n == 0 && i < DEFAULTS; i++) {
		if (coalesce_parse(default_policies[i], &config) == 0 && plan_goes(&config, limits->granule_log2))
			add(p, &config, limits, shim);
	}
}

int plan_make(const struct replay_options *o, struct trace *trace, struct plan *out, char *error)
{
	u32 i, darts = o->darts_n ? o->darts_n : 1;
	int rc, shim = plan_shim(o, trace);
	struct dart_limits limits;

	*out = (struct plan){ 0 };
	rc = plan_limits(o, trace, &limits, error);
	if (rc)
		return rc;
	out->cells = calloc(darts * (o->policies.n ? o->policies.n : DEFAULTS), sizeof(*out->cells));
	if (!out->cells) {
		snprintf(error, TRACE_ERROR_BYTES, "out of memory");
		return -ENOMEM;
	}
	for (i = 0; i < darts; i++)
		add_group(o, out, o->darts_n ? &o->darts[i] : &limits, shim < 0 ? ALIGN_NONE : (u32)shim);
	return 0;
}

void plan_destroy(struct plan *p)
{
	free(p->cells);
	*p = (struct plan){ 0 };
}
