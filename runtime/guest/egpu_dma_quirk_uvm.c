// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * uvm-page-size: NVIDIA's UVM asks the resource manager for system memory in pages of 64 KiB or 2 MiB, and the resource manager then fails with
 * NV_ERR_INVALID_OFFSET (0x37) if a DMA address is not a multiple of that. Page size 0 means the default, which any granule satisfies.
 *
 * Published: function, the first three fields, the values 0, 0x10000 and 0x200000, the rewrite to 0 (README, "Sources"). NVIDIA's public headers
 *            (nv_uvm_interface.h, nv_uvm_types.h of the open kernel modules) agree, and add the order of arguments and the page sizes 4 KiB and
 *            128 KiB; in releases where the field has 32 bits, UVM zeroes the four bytes of padding behind it.
 * Assumed:   the resource manager maps in the calling task, before the function returns.
 */
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "runtime/guest/egpu_dma_quirk.h"

/* arguments: address space, length in bytes, where the GPU address goes, struct alloc_info */
enum { ARG_LENGTH = 1, ARG_GPU_POINTER, ARG_INFO };

struct alloc_info {
	u64 gpu_phys_offset;
	u64 page_bytes;
	u64 align_bytes;
};

#define BYTES_MAX (1ull << ALIGN_WANTED_LOG2_MAX)

static bool known_page_size(u64 page_bytes)
{
	return page_bytes == 0 || page_bytes == SZ_4K || page_bytes == SZ_64K || page_bytes == SZ_128K || page_bytes == SZ_2M;
}

static bool read_info(struct pt_regs *regs, struct alloc_info *info)
{
	u64 gpu_pointer;

	if (regs_get_kernel_argument(regs, ARG_LENGTH) > BYTES_MAX)
		return false;
	if (copy_from_kernel_nofault(&gpu_pointer, (void *)regs_get_kernel_argument(regs, ARG_GPU_POINTER), sizeof(gpu_pointer)))
		return false;
	if (copy_from_kernel_nofault(info, (void *)regs_get_kernel_argument(regs, ARG_INFO), sizeof(*info)))
		return false;
	return known_page_size(info->page_bytes) && info->align_bytes <= BYTES_MAX && (info->align_bytes & (info->align_bytes - 1)) == 0;
}

static int write_page_bytes(struct pt_regs *regs, u64 page_bytes)
{
	struct alloc_info *info = (void *)regs_get_kernel_argument(regs, ARG_INFO);

	pagefault_disable();
	__put_kernel_nofault(&info->page_bytes, &page_bytes, u64, fault);
	pagefault_enable();
	return 1;
fault:
	pagefault_enable();
	return -EINVAL;
}

static int act(const struct coalesce_config *cfg, struct pt_regs *regs, u8 *wish_log2)
{
	struct alloc_info info;
	u64 used_bytes;
	int did = 0;

	if (!read_info(regs, &info))
		return -EINVAL;
	/* "downgrade" only tells those that ask; a wish that was not taken back must not be recorded as if it were */
	if (info.page_bytes == 0 || cfg->shim == ALIGN_DOWNGRADE)
		return 0;
	used_bytes = align_page_bytes(cfg->shim, info.page_bytes, cfg->granule_log2);
	if (used_bytes != info.page_bytes)
		did = write_page_bytes(regs, used_bytes);
	if (did >= 0)
		*wish_log2 = ilog2(info.page_bytes);
	return did;
}

const struct egpu_dma_quirk egpu_dma_quirk_uvm = {
	.name = "uvm-page-size",
	.module = "nvidia",
	.symbol = "nvUvmInterfaceMemoryAllocSys",
	.act = act,
};
