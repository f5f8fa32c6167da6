/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/policies.h"

static const struct policy_lab *const all[] = { &policy_bounce, &policy_offline, &policy_pool };

#define POLICIES (sizeof(all) / sizeof(all[0]))

extern const struct coalesce_policy policy_bounce_core, policy_offline_core, policy_pool_core;

const struct coalesce_policy *const policies_lab[] = { &policy_bounce_core, &policy_offline_core, &policy_pool_core, NULL };

int policies_parse(const char *spec, struct coalesce_config *config)
{
	int rc = coalesce_parse(spec, config);

	return rc == -ENOENT ? coalesce_parse_in(policies_lab, spec, config) : rc;
}

const struct policy_lab *policies_find(const struct coalesce_policy *policy)
{
	for (unsigned int i = 0; i < POLICIES; i++) {
		if (all[i]->policy == policy)
			return all[i];
	}
	return NULL;
}
