/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce.h"

/* the rest of a scatter-gather list that goes on where the request ends is mapped with it */
static int merge_choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	(void)request_gpa;
	return align_span(&view->run_gpa, view->granule_log2, out_gpa);
}

const struct coalesce_policy coalesce_policy_merge = {
	.name = "merge",
	.summary = "one mapping for what is contiguous in a driver's call, shared by all requests inside it",
	.ordered = true,
	.choose = merge_choose,
};
