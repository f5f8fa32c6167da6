/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * policies.h - the laboratory: policies that do not ship, for they look ahead, use libc, or do what no guest module can do alone.
 *
 * Purpose:  says how far one that ships is from what would be possible. To add one: a file policy_<name>.c and a line in policies.c.
 * Compiled: egpu-replay.
 */
#ifndef EGPU_REPLAY_POLICIES_H
#define EGPU_REPLAY_POLICIES_H

#include "replay/foreseen.h"
#include "runtime/core/coalesce.h"

/**
 * struct policy_lab - a laboratory policy.
 * @policy:  as one that ships
 * @prepare: make @config->lab for a cell; the DART's sizes are set there. Return: 0 or -ENOMEM. May be NULL, and the rest then is
 * @release: free it; NULL is allowed
 * @place:   @r is about to be mapped, and is moved: its data is copied. Return: false if there is no room for it. May be NULL
 * @leave:   @r, which was placed at @r->gpa, is not mapped any more
 * @clear:   nothing is mapped any more
 */
struct policy_lab {
	const struct coalesce_policy *policy;
	int (*prepare)(struct coalesce_config *config, const struct foreseen *foreseen);
	void (*release)(void *lab);
	bool (*place)(void *lab, struct coalesce_request *r);
	void (*leave)(void *lab, const struct coalesce_request *r);
	void (*clear)(void *lab);
};

/** policies_lab - all of the laboratory, NULL-terminated. */
extern const struct coalesce_policy *const policies_lab[];

/** policies_parse() - coalesce_parse() of a policy that ships or one of the laboratory. */
int policies_parse(const char *spec, struct coalesce_config *config);

/** policies_find() - Return: the laboratory's half of @policy; NULL if it ships. */
const struct policy_lab *policies_find(const struct coalesce_policy *policy);

#endif
