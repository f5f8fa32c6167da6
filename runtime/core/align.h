/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * align.h - the alignment shim.
 *
 * Purpose:  two different needs for alignment meet here. (1) The IOMMU maps whole granules, so a request is widened to granules.
 *           (2) A driver may want its DMA address aligned to a large page (NVIDIA's UVM: 64 KiB or 2 MiB), which a host that picks
 *           IOVAs by granule cannot promise; a shim strategy says what to do about it.
 * Compiled: guest kernel module, egpu-run, egpu-replay. No state; any thread.
 */
#ifndef EGPU_CORE_ALIGN_H
#define EGPU_CORE_ALIGN_H

#include "runtime/core/span.h"

#define ALIGN_GRANULE_LOG2_MIN 12
#define ALIGN_GRANULE_LOG2_MAX 30
#define ALIGN_WANTED_LOG2_MAX 40

/**
 * enum align_shim - what to do with a wish for alignment beyond the granule.
 * @ALIGN_NONE:      pass the wish on; the driver finds a misaligned address and fails, as NVIDIA's resource manager does (0x37).
 * @ALIGN_DOWNGRADE: take the wish back: a driver that asks what it may rely on (align_promised_log2()) is told, and uses its default pages.
 *                   A driver that does not ask keeps its wish.
 * @ALIGN_REWRITE:   as ALIGN_DOWNGRADE, and for drivers that do not ask: a hot patch of the guest module (egpu_dma_quirk.h) rewrites the page
 *                   size in the driver's own request before the driver acts on it (align_page_bytes()). Source: the published fix,
 *                   which rewrites the page size of nvUvmInterfaceMemoryAllocSys to 0 (README, "Sources").
 *
 * @ALIGN_PAD:       keep the wish: where an address came out misaligned, map the request once more, to see where the host puts it, and then
 *                   with so much memory before it that the request comes to lie on its boundary, if the host puts that in the same place.
 * @ALIGN_RETRY:     keep the wish: map the request again, and hold what is misaligned, until one is aligned or ALIGN_TRIES were not.
 *
 * Downgrade and rewrite end in the same: a DMA request whose wish counts as taken back, so replay treats them alike; it cannot know whether a
 * driver asks. Pad and retry help only who is at the start of a granule, and cost host calls; if they fail the request keeps the address it had.
 */
enum align_shim {
	ALIGN_NONE,
	ALIGN_DOWNGRADE,
	ALIGN_REWRITE,
	ALIGN_PAD,
	ALIGN_RETRY,
	ALIGN_SHIMS,
};

#define ALIGN_SHIM_NAMES "none, downgrade, rewrite, pad or retry" /* for messages */

#define ALIGN_TRIES 8 /* of ALIGN_RETRY for a request */

/** align_shim_name() - "none", "downgrade", "rewrite", "pad", "retry"; NULL for a value out of range. */
const char *align_shim_name(u32 shim);

/** align_shim_find() - Return: the enum align_shim called @name (a NUL-terminated string), or -ENOENT. */
int align_shim_find(const char *name);

/**
 * align_span() - widen a span to whole granules.
 * @in:           span to widen, bytes
 * @granule_log2: log2 of the granule in bytes, ALIGN_GRANULE_LOG2_MIN..ALIGN_GRANULE_LOG2_MAX
 * @out:          receives the widened span; may equal @in
 *
 * Return: 0; -EINVAL if @in is empty or wraps, if widening would wrap, or if the granule is out of range. On error *@out is
 * unchanged.
 * Source: PCIDriverKit maps in 16 KiB granules (README, "Sources").
 */
int align_span(const struct span *in, u32 granule_log2, struct span *out);

/**
 * align_effective_log2() - the alignment a driver shall ask for, once the shim has had its say.
 * @shim:         strategy
 * @wanted_log2:  what the driver wants; 0 = nothing special
 * @granule_log2: what the IOMMU promises
 *
 * Return: @wanted_log2, or 0 if the shim took the wish back.
 */
u32 align_effective_log2(enum align_shim shim, u32 wanted_log2, u32 granule_log2);

/**
 * align_promised_log2() - what a driver that asks is told it may rely on.
 *
 * Return: @granule_log2; 0 under a shim that takes no wish back, which makes no statement.
 */
u32 align_promised_log2(enum align_shim shim, u32 granule_log2);

/**
 * align_page_bytes() - the page size that a driver's request shall name, once a hot patch has had its say.
 * @page_bytes: what the driver put there; 0 = its default pages
 *
 * Return: @page_bytes, or 0 if only ALIGN_REWRITE's way helps and @page_bytes is more than a granule.
 */
u64 align_page_bytes(enum align_shim shim, u64 page_bytes, u32 granule_log2);

/** align_asks_again() - whether the shim has misaligned requests mapped once more (coalesce_align.c). */
bool align_asks_again(enum align_shim shim);

/** align_met() - true if @iova is a multiple of 2^@wanted_log2 (always true for 0). */
bool align_met(u64 iova, u32 wanted_log2);

#endif
