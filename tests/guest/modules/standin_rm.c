// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Stand-in for the resource manager, on the simulated GPU: maps system memory in pages of the size that is asked for, and fails the call if
 * an address is not a multiple of that. It knows nothing of egpu_dma.
 */
#include <linux/delay.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "standin.h"

static unsigned int layout;
module_param(layout, uint, 0444);
static unsigned int delay_ms;
module_param(delay_ms, uint, 0644);
MODULE_PARM_DESC(delay_ms, "time that a call takes before it maps");

#define PAGES 2 /* per call: if one happened to be aligned, its neighbour is not, unless all are */

static DEFINE_MUTEX(lock);
static struct device *gpu;

static u64 asked_page_bytes(const void *info)
{
	switch (layout) {
	case LAYOUT_PUBLISHED:
		return ((const struct info_published *)info)->page_bytes;
	case LAYOUT_INSERTED:
		return ((const struct info_inserted *)info)->page_bytes;
	default:
		return (unsigned long)info;
	}
}

static u32 map_pages(u64 page_bytes, struct page **pages, dma_addr_t *iova)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		pages[i] = alloc_pages(GFP_KERNEL | __GFP_COMP, get_order(page_bytes));
		if (!pages[i])
			return NV_ERR_NO_MEMORY;
		iova[i] = dma_map_page(gpu, pages[i], 0, page_bytes, DMA_BIDIRECTIONAL);
		if (dma_mapping_error(gpu, iova[i]))
			return NV_ERR_NO_MEMORY;
	}
	for (i = 0; i < PAGES; i++) {
		if (!IS_ALIGNED(iova[i], page_bytes))
			return NV_ERR_INVALID_OFFSET;
	}
	return NV_OK;
}

static void unmap_pages(u64 page_bytes, struct page **pages, const dma_addr_t *iova)
{
	int i;

	for (i = 0; i < PAGES && pages[i]; i++) {
		if (!dma_mapping_error(gpu, iova[i]))
			dma_unmap_page(gpu, iova[i], page_bytes, DMA_BIDIRECTIONAL);
		__free_pages(pages[i], get_order(page_bytes));
	}
}

u32 nvUvmInterfaceMemoryAllocSys(void *va_space, u64 length_bytes, u64 *gpu_pointer, void *info)
{
	u64 page_bytes = asked_page_bytes(info) ?: PAGE_SIZE;
	struct page *pages[PAGES] = { NULL };
	dma_addr_t iova[PAGES] = { DMA_MAPPING_ERROR, DMA_MAPPING_ERROR };
	u32 status = NV_ERR_NO_MEMORY;

	msleep(delay_ms);
	mutex_lock(&lock);
	if (gpu) {
		status = map_pages(page_bytes, pages, iova);
		unmap_pages(page_bytes, pages, iova);
	}
	mutex_unlock(&lock);
	*gpu_pointer = 1;
	return status;
}
EXPORT_SYMBOL(nvUvmInterfaceMemoryAllocSys);

static struct page *skew;
static dma_addr_t skew_iova;

/* one granule at the start, so that what follows is not aligned by luck */
static int rm_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int rc = pcim_enable_device(pdev);

	if (rc)
		return rc;
	rc = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (rc)
		return rc;
	skew = alloc_page(GFP_KERNEL);
	if (!skew)
		return -ENOMEM;
	skew_iova = dma_map_page(&pdev->dev, skew, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	mutex_lock(&lock);
	gpu = &pdev->dev;
	mutex_unlock(&lock);
	return 0;
}

static void rm_remove(struct pci_dev *pdev)
{
	mutex_lock(&lock);
	gpu = NULL;
	mutex_unlock(&lock);
	if (!dma_mapping_error(&pdev->dev, skew_iova))
		dma_unmap_page(&pdev->dev, skew_iova, PAGE_SIZE, DMA_BIDIRECTIONAL);
	__free_page(skew);
	/* arm64 does so after each remove; see arch_teardown_dma_ops() */
	set_dma_ops(&pdev->dev, NULL);
}

static const struct pci_device_id rm_ids[] = {
	{ PCI_DEVICE(0x1234, 0xe6b0) },
	{}
};

static struct pci_driver rm_driver = {
	.name = "nvidia",
	.id_table = rm_ids,
	.probe = rm_probe,
	.remove = rm_remove,
};
module_pci_driver(rm_driver);

MODULE_DESCRIPTION("test stand-in for NVIDIA's resource manager");
MODULE_LICENSE("Dual MIT/GPL");
