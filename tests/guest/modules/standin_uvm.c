// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Stand-in for UVM: a number written to /sys/kernel/debug/nvidia_uvm/alloc is the page size of one request to the resource manager. The write
 * fails with EINVAL if that refuses the address, and with EFAULT if anything of the argument but the page size was changed on the way.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/string.h>

#include "standin.h"

#define POISON 0xc1d00001

static unsigned int layout;
module_param(layout, uint, 0444);

static struct dentry *dir;
static u64 used_page_bytes;

static int outcome(u32 status)
{
	return status == NV_OK ? 0 : status == NV_ERR_INVALID_OFFSET ? -EINVAL : -ENOMEM;
}

static int alloc_published(u64 page_bytes)
{
	struct info_published info = { .page_bytes = page_bytes, .align_bytes = 4096, .handle = POISON }, before = info;
	u64 gpu_va;
	u32 status = nvUvmInterfaceMemoryAllocSys(&used_page_bytes, 1 << 21, &gpu_va, &info);

	used_page_bytes = info.page_bytes;
	info.page_bytes = page_bytes;
	return memcmp(&info, &before, sizeof(info)) ? -EFAULT : outcome(status);
}

static int alloc_inserted(u64 page_bytes)
{
	struct info_inserted info = { .client = POISON, .page_bytes = page_bytes, .align_bytes = 4096 }, before = info;
	u64 gpu_va;
	u32 status = nvUvmInterfaceMemoryAllocSys(&used_page_bytes, 1 << 21, &gpu_va, &info);

	used_page_bytes = info.page_bytes;
	return memcmp(&info, &before, sizeof(info)) ? -EFAULT : outcome(status);
}

static int alloc_set(void *data, u64 page_bytes)
{
	u64 gpu_va;

	switch (layout) {
	case LAYOUT_PUBLISHED:
		return alloc_published(page_bytes);
	case LAYOUT_INSERTED:
		return alloc_inserted(page_bytes);
	default:
		used_page_bytes = page_bytes;
		return outcome(nvUvmInterfaceMemoryAllocSys(&used_page_bytes, 1 << 21, &gpu_va, (void *)(unsigned long)page_bytes));
	}
}
DEFINE_DEBUGFS_ATTRIBUTE(alloc_fops, NULL, alloc_set, "%llu\n");

static int __init uvm_init(void)
{
	dir = debugfs_create_dir("nvidia_uvm", NULL);
	debugfs_create_file("alloc", 0200, dir, NULL, &alloc_fops);
	debugfs_create_u64("used_page_bytes", 0444, dir, &used_page_bytes);
	return 0;
}

static void __exit uvm_exit(void)
{
	debugfs_remove_recursive(dir);
}

module_init(uvm_init);
module_exit(uvm_exit);

MODULE_DESCRIPTION("test stand-in for NVIDIA's UVM");
MODULE_LICENSE("Dual MIT/GPL");
