/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * protocol.h - vfio-user on the wire.
 *
 * Purpose:  layouts and numbers, nothing else. Host byte order.
 * Source:   "vfio-user Protocol Specification" in QEMU's docs/interop/vfio-user.rst (2026); flag values as in linux/vfio.h.
 */
#ifndef EGPU_RUNTIME_VFIO_USER_PROTOCOL_H
#define EGPU_RUNTIME_VFIO_USER_PROTOCOL_H

#include "runtime/core/env.h"

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DMA_READ = 11,
	VFIO_USER_DMA_WRITE = 12,
	VFIO_USER_DEVICE_RESET = 13,
	VFIO_USER_REGION_WRITE_MULTI = 15,
	VFIO_USER_DEVICE_FEATURE = 16,
};

#define VFIO_USER_TYPE_MASK 0xfu
#define VFIO_USER_TYPE_COMMAND 0x0u
#define VFIO_USER_TYPE_REPLY 0x1u
#define VFIO_USER_NO_REPLY_MASK 0x10u
#define VFIO_USER_ERROR_MASK 0x20u

#define VFIO_USER_MAJOR 0
#define VFIO_USER_MINOR 0

struct vfio_user_header {
	u16 id;
	u16 command;
	u32 size; /* header included */
	u32 flags;
	u32 error; /* positive errno */
};

struct vfio_user_version {
	u16 major, minor; /* NUL-terminated JSON follows */
};

#define VFIO_USER_DMA_READ_MASK 0x1u
#define VFIO_USER_DMA_WRITE_MASK 0x2u
struct vfio_user_dma_map {
	u32 argsz, flags;
	u64 offset, iova, size;
};

#define VFIO_USER_UNMAP_ALL_MASK 0x2u
struct vfio_user_dma_unmap {
	u32 argsz, flags;
	u64 iova, size;
};

#define VFIO_USER_DEVICE_RESET_MASK 0x1u
#define VFIO_USER_DEVICE_PCI_MASK 0x2u
struct vfio_user_device_info {
	u32 argsz, flags, num_regions, num_irqs;
};

#define VFIO_USER_REGION_READ_MASK 0x1u
#define VFIO_USER_REGION_WRITE_MASK 0x2u
#define VFIO_USER_REGION_MMAP_MASK 0x4u
#define VFIO_USER_REGION_CAPS_MASK 0x8u
struct vfio_user_region_info {
	u32 argsz, flags, index, cap_offset;
	u64 size, offset;
};

/* capability of a region's reply, at its cap_offset; nr_areas areas follow */
#define VFIO_USER_CAP_SPARSE_MMAP 1u
struct vfio_user_sparse_mmap {
	u16 id, version;
	u32 next;
	u32 nr_areas, reserved;
};

struct vfio_user_mmap_area {
	u64 offset, size;
};

#define VFIO_USER_IRQ_EVENTFD_MASK 0x1u
#define VFIO_USER_IRQ_NORESIZE_MASK 0x8u
struct vfio_user_irq_info {
	u32 argsz, flags, index, count;
};

#define VFIO_USER_IRQ_DATA_NONE_MASK 0x01u
#define VFIO_USER_IRQ_DATA_BOOL_MASK 0x02u
#define VFIO_USER_IRQ_DATA_EVENTFD_MASK 0x04u
#define VFIO_USER_IRQ_MASK_MASK 0x08u
#define VFIO_USER_IRQ_UNMASK_MASK 0x10u
#define VFIO_USER_IRQ_TRIGGER_MASK 0x20u
struct vfio_user_irq_set {
	u32 argsz, flags, index, start, count; /* bool data: count bytes follow */
};

struct vfio_user_region_access {
	u64 offset;
	u32 region, count; /* data follows */
};

struct vfio_user_write_multi {
	u64 count; /* that many struct vfio_user_write_one follow */
};

struct vfio_user_write_one {
	u64 offset;
	u32 region, count;
	u8 data[8];
};

/* our limits, announced in VERSION and enforced */
#define VFIO_USER_FDS_MAX 16u
#define VFIO_USER_DATA_MAX (1u << 20)
#define VFIO_USER_MESSAGE_MAX (VFIO_USER_DATA_MAX + 4096u)

#endif
