// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * dma_api: a driver for the simulated GPU that does nothing but call the DMA API the ways stock drivers do (nvme, e1000e, virtio-gpu, TTM),
 * at probe, and says in the kernel log what held: "dma_api: passed: NAME" or "dma_api: failed: NAME".
 */
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define POOL_BLOCKS 100
#define LIST_PAGES 5000 /* more than one command to the host holds (COMPANION_BATCH_MAX) */
#define CHUNK_ORDER 10
#define CHUNK_BYTES (PAGE_SIZE << CHUNK_ORDER)
#define SPANS_MAX 4096

static DEFINE_SPINLOCK(lock);

static void verdict(const char *name, bool ok)
{
	pr_info("dma_api: %s: %s\n", ok ? "passed" : "failed", name);
}

/* nvme: PRP lists come from a pool while a queue's lock is held */
static bool pool_in_atomic_context(struct device *dev)
{
	struct dma_pool *pool = dma_pool_create("dma_api", dev, 256, 256, 0);
	void *block[POOL_BLOCKS] = { NULL };
	dma_addr_t iova[POOL_BLOCKS];
	unsigned long flags;
	bool ok = pool;
	int i;

	spin_lock_irqsave(&lock, flags);
	for (i = 0; ok && i < POOL_BLOCKS; i++) {
		block[i] = dma_pool_alloc(pool, GFP_ATOMIC, &iova[i]);
		ok = block[i] && IS_ALIGNED(iova[i], 256);
	}
	spin_unlock_irqrestore(&lock, flags);
	for (i = 0; i < POOL_BLOCKS && block[i]; i++)
		dma_pool_free(pool, block[i], iova[i]);
	dma_pool_destroy(pool);
	return ok;
}

/* a virtqueue's rings: zeroed, one piece, also where sleeping is not allowed */
static bool coherent_in_atomic_context(struct device *dev)
{
	dma_addr_t iova = 0;
	unsigned long flags;
	void *memory;
	bool ok;

	spin_lock_irqsave(&lock, flags);
	memory = dma_alloc_coherent(dev, 5000, &iova, GFP_ATOMIC);
	spin_unlock_irqrestore(&lock, flags);
	ok = memory && !memchr_inv(memory, 0, 5000) && iova;
	if (memory)
		dma_free_coherent(dev, 5000, memory, iova);
	return ok;
}

struct irq_job {
	struct irq_work work;
	struct device *dev;
	void *memory;
	bool in_irq, ok;
};

static void map_in_irq(struct irq_work *work)
{
	struct irq_job *job = container_of(work, struct irq_job, work);
	dma_addr_t iova = dma_map_single(job->dev, job->memory, 1500, DMA_FROM_DEVICE);

	job->in_irq = in_hardirq();
	job->ok = !dma_mapping_error(job->dev, iova);
	if (job->ok)
		dma_unmap_single(job->dev, iova, 1500, DMA_FROM_DEVICE);
}

/* a network driver refills its ring in interrupt context */
static bool map_in_hard_irq(struct device *dev)
{
	struct irq_job job = { .dev = dev, .memory = kmalloc(2048, GFP_KERNEL) };

	init_irq_work(&job.work, map_in_irq);
	irq_work_queue(&job.work);
	irq_work_sync(&job.work);
	kfree(job.memory);
	return job.ok && job.in_irq;
}

/* e1000e: two halves of one page, unmapped in either order; a part is handed to the CPU and back */
static bool page_mapped_twice(struct device *dev)
{
	struct page *page = alloc_page(GFP_KERNEL);
	dma_addr_t first = dma_map_page(dev, page, 0, 2048, DMA_FROM_DEVICE);
	dma_addr_t second = dma_map_page(dev, page, 2048, 2048, DMA_FROM_DEVICE);
	dma_addr_t again;
	bool ok = !dma_mapping_error(dev, first) && !dma_mapping_error(dev, second);

	dma_sync_single_range_for_cpu(dev, first, 64, 128, DMA_FROM_DEVICE);
	dma_sync_single_range_for_device(dev, first, 64, 128, DMA_FROM_DEVICE);
	again = dma_map_page(dev, page, 2048, 2048, DMA_TO_DEVICE);
	ok &= !dma_mapping_error(dev, again);
	dma_unmap_page(dev, first, 2048, DMA_FROM_DEVICE);
	dma_unmap_page(dev, second, 2048, DMA_FROM_DEVICE);
	dma_unmap_page(dev, again, 2048, DMA_TO_DEVICE);
	__free_page(page);
	return ok;
}

static bool fill_list(struct sg_table *table)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(table, sg, i) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			return false;
		sg_set_page(sg, page, PAGE_SIZE, 0);
	}
	return true;
}

/* virtio-gpu: the pages of an object as a table, handed to the device before each command */
static bool list_with_sync(struct device *dev)
{
	struct sg_table table;
	struct scatterlist *sg;
	bool ok;
	int i;

	if (sg_alloc_table(&table, LIST_PAGES, GFP_KERNEL))
		return false;
	ok = fill_list(&table) && !dma_map_sgtable(dev, &table, DMA_BIDIRECTIONAL, 0);
	if (ok) {
		dma_sync_sgtable_for_device(dev, &table, DMA_TO_DEVICE);
		dma_sync_sgtable_for_cpu(dev, &table, DMA_FROM_DEVICE);
		ok = table.nents == LIST_PAGES;
		for_each_sgtable_dma_sg(&table, sg, i)
			ok &= sg_dma_len(sg) == PAGE_SIZE && !dma_mapping_error(dev, sg_dma_address(sg));
		dma_unmap_sgtable(dev, &table, DMA_BIDIRECTIONAL, 0);
	}
	for_each_sgtable_sg(&table, sg, i) {
		if (sg_page(sg))
			__free_page(sg_page(sg));
	}
	sg_free_table(&table);
	return ok;
}

static bool noncontiguous_memory(struct device *dev)
{
	struct sg_table *table = dma_alloc_noncontiguous(dev, 65536, DMA_BIDIRECTIONAL, GFP_KERNEL, 0);
	char *memory;
	bool ok;

	if (!table)
		return false;
	memory = dma_vmap_noncontiguous(dev, 65536, table);
	ok = memory;
	if (ok) {
		memset(memory, 1, 65536);
		dma_vunmap_noncontiguous(dev, memory);
	}
	dma_free_noncontiguous(dev, 65536, table, DMA_BIDIRECTIONAL);
	return ok;
}

static bool pages_and_attributes(struct device *dev)
{
	dma_addr_t iova;
	struct page *page = dma_alloc_pages(dev, 12288, &iova, DMA_TO_DEVICE, GFP_KERNEL);
	struct sg_table table;
	void *cookie;
	bool ok = page;

	if (page)
		dma_free_pages(dev, 12288, page, iova, DMA_TO_DEVICE);
	cookie = dma_alloc_attrs(dev, 65536, &iova, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN | DMA_ATTR_WRITE_COMBINE);
	if (!cookie)
		return false;
	ok &= dma_can_mmap(dev) && !dma_get_sgtable(dev, &table, cookie, iova, 65536);
	if (ok) {
		ok = table.sgl->length == 65536;
		sg_free_table(&table);
	}
	dma_free_attrs(dev, 65536, cookie, iova, DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN | DMA_ATTR_WRITE_COMBINE);
	return ok;
}

/* another device's registers are not guest RAM */
static bool resource_is_refused(struct device *dev)
{
	dma_addr_t iova = dma_map_resource(dev, pci_resource_start(to_pci_dev(dev), 0), PAGE_SIZE, DMA_BIDIRECTIONAL, 0);

	return dma_mapping_error(dev, iova);
}

/* sectors in 32 bits, as nvme counts them */
static bool sizes_fit_32_bits(struct device *dev)
{
	return (u32)(dma_max_mapping_size(dev) >> 9) && dma_max_mapping_size(dev) >> 9 <= U32_MAX &&
	       dma_opt_mapping_size(dev) == dma_max_mapping_size(dev);
}

static bool lists_are_said_not_to_merge(struct device *dev)
{
	return dma_get_merge_boundary(dev) == 0;
}

static bool coherent_device_needs_no_sync(struct device *dev)
{
	return !dma_need_sync(dev, 0);
}

/* TTM would take all memory from below 4 GiB */
static bool narrow_mask_is_not_called_limited(struct device *dev)
{
	bool limited = dma_set_mask(dev, DMA_BIT_MASK(44)) || dma_addressing_limited(dev);

	dma_set_mask(dev, DMA_BIT_MASK(64));
	return !limited;
}

/* every sub-span of @chunk of half its size or more, each a mapping of its own under "direct"; Return: how many, the last beyond 4 GiB */
static u32 map_beyond_4_gib(struct device *dev, struct page *chunk, dma_addr_t *iova, u32 *len_bytes)
{
	u32 n, step = 16 << 10, half = CHUNK_BYTES / 2, at = 0, bytes = half;

	for (n = 0; n < SPANS_MAX && at <= half; n++) {
		iova[n] = dma_map_page(dev, chunk, at, bytes, DMA_TO_DEVICE);
		len_bytes[n] = bytes;
		if (dma_mapping_error(dev, iova[n]) || iova[n] >> 32)
			return n + 1;
		bytes += step;
		if (at + bytes > CHUNK_BYTES) {
			at += step;
			bytes = half;
		}
	}
	return n;
}

/* streaming DMA may go anywhere, coherent memory must stay within 32 bits: it is refused once the host has nothing there any more */
static bool coherent_mask_is_kept(struct device *dev)
{
	struct page *chunk = alloc_pages(GFP_KERNEL | __GFP_COMP, CHUNK_ORDER);
	dma_addr_t *iova = vmalloc(SPANS_MAX * sizeof(*iova)), coherent;
	u32 *len_bytes = vmalloc(SPANS_MAX * sizeof(*len_bytes)), n = 0;
	void *memory = NULL;
	bool ok = false;

	dma_set_coherent_mask(dev, DMA_BIT_MASK(32));
	if (chunk && iova && len_bytes)
		n = map_beyond_4_gib(dev, chunk, iova, len_bytes);
	if (n && !dma_mapping_error(dev, iova[n - 1]) && iova[n - 1] >> 32) {
		memory = dma_alloc_coherent(dev, CHUNK_BYTES / 2, &coherent, GFP_KERNEL);
		ok = !memory || coherent + CHUNK_BYTES / 2 - 1 <= U32_MAX;
	}
	if (memory)
		dma_free_coherent(dev, CHUNK_BYTES / 2, memory, coherent);
	while (n--) {
		if (!dma_mapping_error(dev, iova[n]))
			dma_unmap_page(dev, iova[n], len_bytes[n], DMA_TO_DEVICE);
	}
	dma_set_coherent_mask(dev, DMA_BIT_MASK(64));
	vfree(len_bytes);
	vfree(iova);
	if (chunk)
		__free_pages(chunk, CHUNK_ORDER);
	return ok;
}

#define CASE(name) { #name, name }

static const struct {
	const char *name;
	bool (*holds)(struct device *dev);
} cases[] = {
	CASE(pool_in_atomic_context), CASE(coherent_in_atomic_context), CASE(map_in_hard_irq), CASE(page_mapped_twice), CASE(list_with_sync),
	CASE(noncontiguous_memory), CASE(pages_and_attributes), CASE(resource_is_refused), CASE(sizes_fit_32_bits),
	CASE(lists_are_said_not_to_merge), CASE(coherent_device_needs_no_sync), CASE(narrow_mask_is_not_called_limited), CASE(coherent_mask_is_kept),
};

static int dma_api_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int i;
	int rc = pcim_enable_device(pdev);

	if (rc)
		return rc;
	rc = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (rc)
		return rc;
	pci_set_master(pdev);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		verdict(cases[i].name, cases[i].holds(&pdev->dev));
	return 0;
}

static const struct pci_device_id dma_api_ids[] = {
	{ PCI_DEVICE(0x1234, 0xe6b0) },
	{}
};

static struct pci_driver dma_api_driver = {
	.name = "dma_api",
	.id_table = dma_api_ids,
	.probe = dma_api_probe,
};
module_pci_driver(dma_api_driver);

MODULE_DESCRIPTION("calls the DMA API as stock drivers do");
MODULE_LICENSE("Dual MIT/GPL");
