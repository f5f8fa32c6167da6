/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/align.h"

static const char *const shim_names[ALIGN_SHIMS] = {
	[ALIGN_NONE] = "none",
	[ALIGN_DOWNGRADE] = "downgrade",
	[ALIGN_REWRITE] = "rewrite",
	[ALIGN_PAD] = "pad",
	[ALIGN_RETRY] = "retry",
};

static bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const char *align_shim_name(u32 shim)
{
	return shim < ALIGN_SHIMS ? shim_names[shim] : NULL;
}

int align_shim_find(const char *name)
{
	u32 i;

	for (i = 0; i < ALIGN_SHIMS; i++) {
		if (same_text(name, shim_names[i]))
			return (int)i;
	}
	return -ENOENT;
}

int align_span(const struct span *in, u32 granule_log2, struct span *out)
{
	u64 mask, start, last;

	if (granule_log2 < ALIGN_GRANULE_LOG2_MIN || granule_log2 > ALIGN_GRANULE_LOG2_MAX || !span_valid(*in))
		return -EINVAL;
	mask = ((u64)1 << granule_log2) - 1;
	start = in->start & ~mask;
	last = span_last(*in) | mask;
	if (last - start == ~0ULL)
		return -EINVAL;
	out->start = start;
	out->len = last - start + 1;
	return 0;
}

static bool takes_back(enum align_shim shim)
{
	return shim == ALIGN_DOWNGRADE || shim == ALIGN_REWRITE;
}

bool align_asks_again(enum align_shim shim)
{
	return shim == ALIGN_PAD || shim == ALIGN_RETRY;
}

u32 align_effective_log2(enum align_shim shim, u32 wanted_log2, u32 granule_log2)
{
	return takes_back(shim) && wanted_log2 > granule_log2 ? 0 : wanted_log2;
}

u32 align_promised_log2(enum align_shim shim, u32 granule_log2)
{
	return takes_back(shim) ? granule_log2 : 0;
}

u64 align_page_bytes(enum align_shim shim, u64 page_bytes, u32 granule_log2)
{
	return shim == ALIGN_REWRITE && page_bytes > (u64)1 << granule_log2 ? 0 : page_bytes;
}

bool align_met(u64 iova, u32 wanted_log2)
{
	if (wanted_log2 > 63)
		return iova == 0;
	return (iova & (((u64)1 << wanted_log2) - 1)) == 0;
}
