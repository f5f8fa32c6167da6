/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce.h"

static int direct_choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	return align_span(request_gpa, view->granule_log2, out_gpa);
}

const struct coalesce_policy coalesce_policy_direct = {
	.name = "direct",
	.summary = "map each request alone, widened to whole granules; identical ranges share one mapping",
	.choose = direct_choose,
};
