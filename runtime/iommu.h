/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * iommu.h - the machine's real IOMMU, behind one ops table.
 *
 * Purpose:  the mapper asks the simulated DART first, then this. Shipped: VFIO's type1 container and iommufd (runtime/device/vfio_iommu_*.c).
 * Threads:  the mapper serialises all calls.
 */
#ifndef EGPU_RUNTIME_IOMMU_H
#define EGPU_RUNTIME_IOMMU_H

#include "runtime/core/span.h"

#define IOMMU_RANGES_MAX 32u

struct iommu;

/**
 * struct iommu_ops - what a real IOMMU does.
 * @map:   make [@iova, @iova + @len_bytes) reach our memory at @hva, page-granular. Outcomes: 0; -ENOSPC too many mappings; -EEXIST overlap;
 *         -EINVAL outside @ranges; -ENOMEM locked-memory limit; what else the kernel says
 * @unmap: end every mapping that lies inside the range. Outcomes: 0, also if there was none; -EINVAL if one sticks out (nothing was unmapped)
 * @free:  end all mappings and close
 */
struct iommu_ops {
	int (*map)(struct iommu *io, u64 iova, void *hva, u64 len_bytes, bool writable);
	int (*unmap)(struct iommu *io, u64 iova, u64 len_bytes);
	void (*free)(struct iommu *io);
};

/**
 * struct iommu - @name: "vfio-type1" or "iommufd"
 * @page_bytes: smallest page it maps
 * @ranges:     @nranges spans of IOVAs that can be mapped; what lies between them is reserved (MSI windows)
 * @avail:      mappings it can hold in all; 0 = it names no limit
 */
struct iommu {
	const struct iommu_ops *ops;
	const char *name;
	u64 page_bytes;
	struct span ranges[IOMMU_RANGES_MAX];
	u32 nranges;
	u64 avail;
};

#endif
