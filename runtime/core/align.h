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
 * @ALIGN_DOWNGRADE: take the wish back: the driver is told to use its default pages. Source: the published fix, which rewrites the
 *                   page size of nvUvmInterfaceMemoryAllocSys to 0 (see README, "Sources").
 */
enum align_shim {
	ALIGN_NONE,
	ALIGN_DOWNGRADE,
	ALIGN_SHIMS,
};

/** align_shim_name() - "none", "downgrade"; NULL for a value out of range. */
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

/** align_met() - true if @iova is a multiple of 2^@wanted_log2 (always true for 0). */
bool align_met(u64 iova, u32 wanted_log2);

#endif
