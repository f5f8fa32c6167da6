/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * standin.h - what the stand-ins for NVIDIA's resource manager (nvidia.ko) and UVM (nvidia-uvm.ko) say to each other: one function with the
 * name, arguments and argument structure of the real one, and variants of it that a hot patch must not touch.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <linux/types.h>

#define NV_OK 0
#define NV_ERR_INVALID_OFFSET 0x37
#define NV_ERR_NO_MEMORY 0x51

/* parameter layout= of both modules */
enum layout {
	LAYOUT_PUBLISHED, /* struct info_published */
	LAYOUT_INSERTED,  /* struct info_inserted: a new field where the page size was */
	LAYOUT_BY_VALUE,  /* the last argument is the page size itself */
};

struct info_published {
	u64 gpu_phys_offset, page_bytes, align_bytes;
	u8 flags[3];
	u32 handle;
};

struct info_inserted {
	u64 gpu_phys_offset, client, page_bytes, align_bytes;
};

u32 nvUvmInterfaceMemoryAllocSys(void *va_space, u64 length_bytes, u64 *gpu_pointer, void *info);

#endif
