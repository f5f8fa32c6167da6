/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/dart/dart.h"

#define MIB ((u64)1 << 20)

const char *const dart_fits[DART_FITS] = { "first", "next", "best", "top", "buddy" };

/*
 * apple-tb4: limits of PCIDriverKit for a Thunderbolt device: about 64 k mappings, 1,536 MiB, 16 KiB granules (published write-up of
 *            May 2026, README "Sources"). Its extension cuts a command at 1,536 MiB, and PCIDriverKit's PrepareForDMA gives at most 32
 *            segments (tinygrad's issue 17763). Assumed, nothing is published: the aperture, the usual 32-bit window above the low 256 MiB,
 *            and first fit within it.
 * vfio-type1: Linux's VFIO: 65,535 mappings per container unless its module parameter dma_entry_limit says more (linux/vfio.h,
 *            drivers/vfio/vfio_iommu_type1.c), 4 KiB pages, any address; bytes are limited by the locked memory a user may have.
 * unlimited: no limit that a trace could meet; shows what a policy asks for when nothing stops it.
 */
const struct dart_limits dart_models[] = {
	{
		.name = "apple-tb4",
		.max_mappings = 65536,
		.max_bytes = 1536 * MIB,
		.granule_log2 = 14,
		.aperture_iova = { 256 * MIB, 3584 * MIB },
		.segment_bytes = 1536 * MIB,
		.segments = 32,
	},
	{
		.name = "vfio-type1",
		.max_mappings = 65535,
		.max_bytes = (u64)1 << 47,
		.granule_log2 = 12,
		.aperture_iova = { 256 * MIB, ((u64)1 << 39) - 256 * MIB },
		.guest_iova = true,
	},
	{
		.name = "unlimited",
		.max_mappings = (u64)1 << 30,
		.max_bytes = (u64)1 << 47,
		.granule_log2 = 14,
		.aperture_iova = { (u64)1 << 30, ((u64)1 << 47) - ((u64)1 << 30) },
		.guest_iova = true,
	},
	{ .name = NULL },
};
