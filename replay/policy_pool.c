/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* pool: windows that are never given back, so that the host is called once for each; the device reaches all that was ever asked for. */
#include "replay/policies.h"
#include "runtime/core/coalesce_window.h"

enum { LOG2, KEEP };

static const struct coalesce_param params[] = {
	[LOG2] = { .name = "log2", .min = 14, .max = 30, .def = 20, .help = "log2 of the window in bytes; not below the granule of the IOMMU" },
	[KEEP] = { .name = "keep", .min = 0, .max = 1 << 20, .def = 1 << 20, .help = COALESCE_KEEP_HELP },
};

static int choose(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa)
{
	return coalesce_window_choose(view, view->param[LOG2], request_gpa, out_gpa);
}

const struct coalesce_policy policy_pool_core = {
	.name = "pool",
	.summary = "laboratory: windows that stay mapped for ever: the fewest host calls, the longest reach of the device",
	.params = params,
	.nparams = 2,
	.keep = KEEP + 1,
	.choose = choose,
};

const struct policy_lab policy_pool = { .policy = &policy_pool_core };
