/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce.h"

static int each_choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	return align_span(request_gpa, view->granule_log2, out_gpa);
}

/* what a virtual IOMMU makes of a guest's requests: the guest picks the address, so two requests never share */
const struct coalesce_policy coalesce_policy_each = {
	.name = "each",
	.summary = "one mapping for each request, widened to whole granules, never shared; what a vIOMMU does",
	.exclusive = true,
	.choose = each_choose,
};
