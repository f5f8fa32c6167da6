/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/policies.h"

/* the laboratory: one line each */
#define LABORATORY(X) \
	X(bounce)     \
	X(offline)    \
	X(pool)

#define DECLARE(name)                                           \
	extern const struct coalesce_policy policy_##name##_core; \
	extern const struct policy_lab policy_##name;
LABORATORY(DECLARE)
#define CORE(name) &policy_##name##_core,
const struct coalesce_policy *const policies_lab[] = { LABORATORY(CORE) NULL };
#define LAB(name) &policy_##name,
static const struct policy_lab *const all[] = { LABORATORY(LAB) };

#define POLICIES (sizeof(all) / sizeof(all[0]))

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
