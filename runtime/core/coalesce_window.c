/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_window.h"

static const struct coalesce_param window_params[] = {
	COALESCE_WINDOW_LOG2,
};

/* Source: the published coalescer; 256 KiB windows made about four times fewer mappings of a game's requests (README, "Sources"). */
int coalesce_window_choose(const struct coalesce_view *view, u32 log2, const struct span *request_gpa, struct span *out_gpa)
{
	if (log2 < view->granule_log2 || !span_valid(*request_gpa))
		return -EINVAL;
	if (request_gpa->start >> log2 != span_last(*request_gpa) >> log2)
		return align_span(request_gpa, view->granule_log2, out_gpa);
	out_gpa->start = request_gpa->start >> log2 << log2;
	out_gpa->len = (u64)1 << log2;
	return 0;
}

static int window_choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	return coalesce_window_choose(view, view->param[0], request_gpa, out_gpa);
}

const struct coalesce_policy coalesce_policy_window = {
	.name = "window",
	.summary = "map the whole fixed window of guest memory that holds a request; one that no window holds is mapped as direct",
	.params = window_params,
	.nparams = 1,
	.choose = window_choose,
};
