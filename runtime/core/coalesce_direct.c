/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce.h"

static int direct_choose(const u32 *param, u32 granule_log2, const struct span *request_gpa, struct span *out_gpa)
{
	(void)param;
	return align_span(request_gpa, granule_log2, out_gpa);
}

const struct coalesce_policy coalesce_policy_direct = {
	.name = "direct",
	.summary = "map each request alone, widened to whole granules; identical ranges share one mapping",
	.choose = direct_choose,
};
