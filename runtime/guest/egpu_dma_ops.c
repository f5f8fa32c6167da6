// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/version.h>

#include "runtime/guest/egpu_dma.h"
#include "runtime/guest/egpu_dma_device.h"

static struct egpu_dma *egpu_dma_of(struct device *dev)
{
	return container_of(get_dma_ops(dev), struct egpu_dma, ops);
}

static u8 companion_dir(enum dma_data_direction dir)
{
	switch (dir) {
	case DMA_TO_DEVICE:
		return COMPANION_DIR_TO_DEVICE;
	case DMA_FROM_DEVICE:
		return COMPANION_DIR_FROM_DEVICE;
	default:
		return COMPANION_DIR_BOTH;
	}
}

/* the host picks the address, so whether the device can reach it is known only now */
static bool within_mask(struct device *dev, u64 mask, u64 iova, u64 len)
{
	u64 last = iova + (len - 1);

	if (last <= min_not_zero(mask, dev->bus_dma_limit))
		return true;
	dev_err_ratelimited(dev, "the host gave DMA address 0x%llx, beyond what this device can address\n", last);
	return false;
}

/* what the driver says itself, else what it said to someone whom a quirk listens to */
static u8 wish_log2(struct egpu_dma *e, unsigned long attrs)
{
	unsigned int said_log2 = EGPU_DMA_ATTR_ALIGN_OF(attrs);

	return said_log2 ? said_log2 : egpu_dma_quirk_wish_log2(e);
}

static void unmap_one(struct device *dev, dma_addr_t iova, size_t size, enum dma_data_direction dir)
{
	struct coalesce_request r = { .gpa.len = size, .iova = iova, .dir = companion_dir(dir) };

	if (egpu_dma_batch(egpu_dma_of(dev), COMPANION_REC_UNMAP, &r, 1))
		dev_err_ratelimited(dev, "the driver unmapped 0x%llx, which was not mapped\n", (u64)iova);
}

static dma_addr_t map_one(struct device *dev, u64 mask, phys_addr_t gpa, size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	struct coalesce_request r = {
		.gpa = { gpa, size },
		.dir = companion_dir(dir),
		.align_log2 = wish_log2(egpu_dma_of(dev), attrs),
	};

	if (egpu_dma_batch(egpu_dma_of(dev), COMPANION_REC_MAP, &r, 1))
		return DMA_MAPPING_ERROR;
	if (within_mask(dev, mask, r.iova, size))
		return r.iova;
	unmap_one(dev, r.iova, size, dir);
	return DMA_MAPPING_ERROR;
}

static dma_addr_t op_map_page(struct device *dev, struct page *page, unsigned long offset, size_t size, enum dma_data_direction dir,
			      unsigned long attrs)
{
	return map_one(dev, dma_get_mask(dev), page_to_phys(page) + offset, size, dir, attrs);
}

static void op_unmap_page(struct device *dev, dma_addr_t iova, size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	unmap_one(dev, iova, size, dir);
}

/* ---- scatter-gather: a list is handled in slices of e->slice, with interrupts on in between; elements are never merged ---- */

/* unmap @nents elements from @sg on, leaving out those that never got an address */
static void unmap_list(struct egpu_dma *e, struct scatterlist *sg, int nents, enum dma_data_direction dir)
{
	unsigned long flags;
	u32 n, failed = 0;

	while (nents) {
		spin_lock_irqsave(&e->lock, flags);
		for (n = 0; nents && n < EGPU_DMA_SLICE; nents--, sg = sg_next(sg)) {
			if (sg_dma_address(sg) == DMA_MAPPING_ERROR)
				continue;
			e->slice[n++] = (struct coalesce_request){
				.gpa.len = sg_dma_len(sg), .iova = sg_dma_address(sg), .dir = companion_dir(dir)
			};
		}
		if (n)
			failed += egpu_dma_batch_locked(e, COMPANION_REC_UNMAP, e->slice, n);
		spin_unlock_irqrestore(&e->lock, flags);
	}
	if (failed)
		dev_err_ratelimited(&e->target->dev, "the driver unmapped a list with %u elements that were not mapped\n", failed);
}

/* map one slice of @n elements from @sg on. Return: 0 or the first element's error; every element has its address or DMA_MAPPING_ERROR */
static int map_slice(struct device *dev, struct scatterlist *sg, u32 n, enum dma_data_direction dir, unsigned long attrs)
{
	struct egpu_dma *e = egpu_dma_of(dev);
	struct scatterlist *s = sg;
	u8 align_log2 = wish_log2(e, attrs);
	int rc = 0;
	u32 i;

	for (i = 0; i < n; i++, s = sg_next(s)) {
		e->slice[i] = (struct coalesce_request){
			.gpa = { sg_phys(s), s->length },
			.dir = companion_dir(dir),
			.align_log2 = align_log2,
		};
	}
	egpu_dma_batch_locked(e, COMPANION_REC_MAP, e->slice, n);
	for (i = 0, s = sg; i < n; i++, s = sg_next(s)) {
		const struct coalesce_request *r = &e->slice[i];

		sg_dma_address(s) = r->status ? DMA_MAPPING_ERROR : r->iova;
		sg_dma_len(s) = s->length;
		if (rc == 0)
			rc = r->status;
		if (rc == 0 && !within_mask(dev, dma_get_mask(dev), r->iova, s->length))
			rc = -EIO;
	}
	return rc;
}

static int op_map_sg(struct device *dev, struct scatterlist *sgl, int nents, enum dma_data_direction dir, unsigned long attrs)
{
	struct egpu_dma *e = egpu_dma_of(dev);
	struct scatterlist *sg = sgl;
	unsigned long flags;
	int done = 0, rc = 0;

	while (done < nents && rc == 0) {
		int i, n = min_t(int, nents - done, EGPU_DMA_SLICE);

		spin_lock_irqsave(&e->lock, flags);
		rc = map_slice(dev, sg, n, dir, attrs);
		spin_unlock_irqrestore(&e->lock, flags);
		done += n;
		for (i = 0; i < n && done < nents; i++)
			sg = sg_next(sg);
	}
	if (rc)
		unmap_list(e, sgl, done, dir);
	if (rc == 0)
		return nents;
	/* the DMA API knows these two; see dma_map_sgtable() */
	return rc == -ENOMEM || rc == -ENOSPC || rc == -EDQUOT || rc == -EADDRNOTAVAIL || rc == -E2BIG ? -ENOMEM : -EIO;
}

static void op_unmap_sg(struct device *dev, struct scatterlist *sgl, int nents, enum dma_data_direction dir, unsigned long attrs)
{
	unmap_list(egpu_dma_of(dev), sgl, nents, dir);
}

/* ---- memory that the device and the CPU share; x86 and arm64 GPUs behind PCIe are coherent ---- */

static gfp_t plain_gfp(gfp_t gfp)
{
	/* zones are about physical addresses, and the device never sees those */
	return gfp & ~(__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM | __GFP_COMP);
}

static void *op_alloc(struct device *dev, size_t size, dma_addr_t *iova, gfp_t gfp, unsigned long attrs)
{
	void *memory = alloc_pages_exact(size, plain_gfp(gfp) | __GFP_ZERO);

	if (!memory)
		return NULL;
	*iova = map_one(dev, dev->coherent_dma_mask, virt_to_phys(memory), size, DMA_BIDIRECTIONAL, attrs);
	if (*iova != DMA_MAPPING_ERROR)
		return memory;
	free_pages_exact(memory, size);
	return NULL;
}

static void op_free(struct device *dev, size_t size, void *memory, dma_addr_t iova, unsigned long attrs)
{
	unmap_one(dev, iova, size, DMA_BIDIRECTIONAL);
	free_pages_exact(memory, size);
}

static struct page *op_alloc_pages(struct device *dev, size_t size, dma_addr_t *iova, enum dma_data_direction dir, gfp_t gfp)
{
	struct page *page = alloc_pages_node(dev_to_node(dev), plain_gfp(gfp) | __GFP_ZERO, get_order(size));

	if (!page)
		return NULL;
	*iova = map_one(dev, dev->coherent_dma_mask, page_to_phys(page), size, dir, 0);
	if (*iova != DMA_MAPPING_ERROR)
		return page;
	__free_pages(page, get_order(size));
	return NULL;
}

static void op_free_pages(struct device *dev, size_t size, struct page *page, dma_addr_t iova, enum dma_data_direction dir)
{
	unmap_one(dev, iova, size, dir);
	__free_pages(page, get_order(size));
}

static int op_mmap(struct device *dev, struct vm_area_struct *vma, void *memory, dma_addr_t iova, size_t size, unsigned long attrs)
{
	unsigned long pages = PAGE_ALIGN(size) >> PAGE_SHIFT;
	unsigned long wanted = vma_pages(vma);

	if (vma->vm_pgoff >= pages || wanted > pages - vma->vm_pgoff)
		return -ENXIO;
	return remap_pfn_range(vma, vma->vm_start, page_to_pfn(virt_to_page(memory)) + vma->vm_pgoff, wanted << PAGE_SHIFT, vma->vm_page_prot);
}

static int op_get_sgtable(struct device *dev, struct sg_table *table, void *memory, dma_addr_t iova, size_t size, unsigned long attrs)
{
	int rc = sg_alloc_table(table, 1, GFP_KERNEL);

	if (rc)
		return rc;
	sg_set_page(table->sgl, virt_to_page(memory), PAGE_ALIGN(size), 0);
	return 0;
}

/* ---- what can be said in advance ---- */

static int op_dma_supported(struct device *dev, u64 mask)
{
	return mask >= DMA_BIT_MASK(32);
}

/*
 * Where the host takes addresses from is not known. To call a device's own mask too small would make GPU drivers (TTM, by way of
 * dma_addressing_limited()) take their memory below 4 GiB, which changes nothing about its DMA addresses.
 */
static u64 op_get_required_mask(struct device *dev)
{
	return min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
}

/* widening to granules may add one; and drivers keep this in 32 bits, also as sectors (nvme), where 2^41 bytes would read as none */
static size_t op_max_mapping_size(struct device *dev)
{
	const struct egpu_dma *e = egpu_dma_of(dev);
	u64 granule_bytes = 1ull << e->cfg.granule_log2;

	return min_t(u64, max(e->cfg.max_bytes, 2 * granule_bytes) - granule_bytes, SZ_2G);
}

unsigned int egpu_dma_promised_log2(struct device *dev)
{
	const struct dma_map_ops *ops = get_dma_ops(dev);
	const struct egpu_dma *e;

	if (!ops || ops->map_page != op_map_page)
		return 0;
	e = egpu_dma_of(dev);
	return align_promised_log2(e->cfg.shim, e->cfg.granule_log2);
}
EXPORT_SYMBOL_GPL(egpu_dma_promised_log2);

/*
 * Absent: sync_* and cache_sync, because the device is coherent; map_resource, because the host maps guest RAM only; alloc_noncontiguous,
 * because the DMA API makes it of alloc_pages; get_merge_boundary, because elements of a list are never merged; opt_mapping_size, because
 * a large mapping costs the host no more than a small one.
 */
void egpu_dma_ops_init(struct egpu_dma *e)
{
	e->ops = (struct dma_map_ops){
		.alloc = op_alloc,
		.free = op_free,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
		.alloc_pages_op = op_alloc_pages,
#else
		.alloc_pages = op_alloc_pages,
#endif
		.free_pages = op_free_pages,
		.mmap = op_mmap,
		.get_sgtable = op_get_sgtable,
		.map_page = op_map_page,
		.unmap_page = op_unmap_page,
		.map_sg = op_map_sg,
		.unmap_sg = op_unmap_sg,
		.dma_supported = op_dma_supported,
		.get_required_mask = op_get_required_mask,
		.max_mapping_size = op_max_mapping_size,
	};
}
