/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_room.h"

enum { SHARE, MIN, MAX, KEEP };

static const struct coalesce_param budget_params[] = {
	[SHARE] = { .name = "share", .min = 1, .max = 1024, .def = 8, .help = "how many times its fair share of the bytes left a mapping may take" },
	[MIN] = { .name = "min", .min = 12, .max = 30, .def = 14, .help = "log2 of the smallest window" },
	[MAX] = { .name = "max", .min = 12, .max = 32, .def = 24, .help = "log2 of the largest window" },
	[KEEP] = { .name = "keep", .min = 0, .max = 65536, .def = 0, .help = COALESCE_KEEP_HELP },
};

/* log2 of the largest window that is not above @share times the bytes left for each mapping left */
static u32 fair_log2(const struct coalesce_view *v, u32 share)
{
	u64 bytes = v->max_bytes > v->mapped_bytes ? v->max_bytes - v->mapped_bytes : 0;
	u64 mappings = v->max_mappings > v->mappings ? v->max_mappings - v->mappings : 1;
	u32 log2 = v->param[MIN];

	/* both are far below 2^64 / 1024 for any IOMMU; what is not known counts as no limit of that kind */
	while (log2 < v->param[MAX] && bytes >> log2 >> 1 && (bytes >> log2 >> 1) * share >= mappings)
		log2++;
	return log2;
}

/*
 * While there are many bytes for each mapping that is left, windows are large; as bytes run out before mappings, they shrink to what the request
 * needs. With a share of 1 both limits would be met at the same time if every window were full.
 */
static int budget_choose(const struct coalesce_view *v, const struct span *request_gpa, struct span *out_gpa)
{
	u32 log2, granule = v->granule_log2;
	struct span at;
	int rc = align_span(request_gpa, granule, &at);

	if (rc || v->param[MAX] < granule || v->param[MAX] < v->param[MIN])
		return -EINVAL;
	log2 = v->max_bytes ? fair_log2(v, v->param[SHARE]) : v->param[MAX];
	if (log2 < granule)
		log2 = granule;
	*out_gpa = coalesce_widen(at, coalesce_room_around(v->order, at), log2, log2);
	return 0;
}

const struct coalesce_policy coalesce_policy_budget = {
	.name = "budget",
	.summary = "windows as large as the bytes left allow for each mapping left; they shrink as the host's byte limit comes near",
	.params = budget_params,
	.nparams = 4,
	.ordered = true,
	.keep = KEEP + 1,
	.choose = budget_choose,
};
