/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * iommufd_abi.h - the few calls of iommufd that we make; Debian 12's kernel headers are older than it.
 *
 * Source:   Linux's user interface since 6.2 (iommufd) and 6.6 (VFIO's cdev): include/uapi/linux/iommufd.h and vfio.h. Names of our own, so that
 *           newer headers do not collide.
 */
#ifndef EGPU_RUNTIME_DEVICE_IOMMUFD_ABI_H
#define EGPU_RUNTIME_DEVICE_IOMMUFD_ABI_H

#include <linux/ioctl.h>

#include "runtime/core/env.h"

#define ABI_IOAS_ALLOC _IO(';', 0x81)
#define ABI_IOAS_IOVA_RANGES _IO(';', 0x84)
#define ABI_IOAS_MAP _IO(';', 0x85)
#define ABI_IOAS_UNMAP _IO(';', 0x86)
#define ABI_VFIO_BIND _IO(';', 100 + 18)
#define ABI_VFIO_ATTACH _IO(';', 100 + 19)

struct abi_ioas_alloc {
	u32 size, flags, out_ioas_id;
};

struct abi_iova_range {
	u64 start, last;
};

struct abi_ioas_iova_ranges {
	u32 size, ioas_id, num_iovas, reserved;
	u64 allowed_iovas, out_iova_alignment;
};

#define ABI_MAP_FIXED_IOVA 0x1u
#define ABI_MAP_WRITEABLE 0x2u
#define ABI_MAP_READABLE 0x4u
struct abi_ioas_map {
	u32 size, flags, ioas_id, reserved;
	u64 user_va, length, iova;
};

struct abi_ioas_unmap {
	u32 size, ioas_id;
	u64 iova, length;
};

struct abi_vfio_bind {
	u32 argsz, flags;
	s32 iommufd;
	u32 out_devid;
};

struct abi_vfio_attach {
	u32 argsz, flags, pt_id;
};

#endif
