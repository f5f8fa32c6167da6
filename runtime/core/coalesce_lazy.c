/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_window.h"

enum { LOG2, KEEP };

static const struct coalesce_param lazy_params[] = {
	[LOG2] = COALESCE_WINDOW_LOG2,
	[KEEP] = { .name = "keep", .min = 0, .max = 65536, .def = 64, .help = COALESCE_KEEP_HELP },
};

static int lazy_choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	return coalesce_window_choose(view, view->param[LOG2], request_gpa, out_gpa);
}

const struct coalesce_policy coalesce_policy_lazy = {
	.name = "lazy",
	.summary = "as window, but keeps windows for a while when nothing uses them any more: fewer host calls, and a device reaches freed memory longer",
	.params = lazy_params,
	.nparams = 2,
	.keep = KEEP + 1,
	.choose = lazy_choose,
};
