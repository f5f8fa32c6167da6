// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * egpu_gpu: driver of the simulated GPU (runtime/device/sim_gpu_regs.h). An ordinary PCI driver: it knows neither the companion device nor
 * what stands behind the DMA API.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "runtime/guest/egpu_dma.h"
#include "runtime/guest/egpu_gpu_device.h"

#define VECTORS (SIM_GPU_VECTOR_PRESENT + 1)

static irqreturn_t on_fence(int irq, void *data)
{
	struct egpu_gpu *g = data;

	WRITE_ONCE(g->fence_irqs, g->fence_irqs + 1);
	WRITE_ONCE(g->fence_seen, READ_ONCE(*g->fence));
	wake_up_all(&g->wait);
	return IRQ_HANDLED;
}

static irqreturn_t on_present(int irq, void *data)
{
	struct egpu_gpu *g = data;

	WRITE_ONCE(g->present_irqs, g->present_irqs + 1);
	return IRQ_HANDLED;
}

static irqreturn_t on_fault(int irq, void *data)
{
	struct egpu_gpu *g = data;
	u32 count = readl(g->regs + SIM_GPU_FAULT_COUNT_REG);
	u32 info = readl(g->regs + SIM_GPU_FAULT_INFO_REG);
	u64 iova = readl(g->regs + SIM_GPU_FAULT_IOVA_LO_REG) | (u64)readl(g->regs + SIM_GPU_FAULT_IOVA_HI_REG) << 32;
	u32 engine = info >> 8 & 0xff;

	WRITE_ONCE(g->fault_irqs, g->fault_irqs + 1);
	if (count == 0)
		return IRQ_HANDLED;
	writel(0, g->regs + SIM_GPU_FAULT_COUNT_REG);
	if (g->faults == 0)
		WRITE_ONCE(g->first_fault_iova, iova);
	WRITE_ONCE(g->faults, g->faults + count);
	dev_err_ratelimited(&g->pdev->dev, "%u DMA faults, the first a %s at 0x%llx by engine %u\n", count, info & 1 ? "write" : "read", iova,
			    engine);
	/* without its ring or its fences nothing that was queued will ever be known to be done */
	if (engine != SIM_GPU_ENGINE_COPY)
		WRITE_ONCE(g->wedged, true);
	wake_up_all(&g->wait);
	return IRQ_HANDLED;
}

static int start_interrupts(struct egpu_gpu *g)
{
	static const irq_handler_t handler[VECTORS] = { on_fence, on_fault, on_present };
	int i, rc = pci_alloc_irq_vectors(g->pdev, VECTORS, VECTORS, PCI_IRQ_MSIX);

	if (rc < 0) {
		dev_err(&g->pdev->dev, "no %d MSI-X vectors\n", VECTORS);
		return rc;
	}
	for (i = 0; i < VECTORS; i++) {
		rc = request_irq(pci_irq_vector(g->pdev, i), handler[i], 0, "egpu_gpu", g);
		if (rc)
			break;
	}
	if (rc == 0)
		return 0;
	while (i-- > 0)
		free_irq(pci_irq_vector(g->pdev, i), g);
	pci_free_irq_vectors(g->pdev);
	return rc;
}

static void stop_interrupts(struct egpu_gpu *g)
{
	int i;

	for (i = 0; i < VECTORS; i++)
		free_irq(pci_irq_vector(g->pdev, i), g);
	pci_free_irq_vectors(g->pdev);
}

static int map_bars(struct egpu_gpu *g)
{
	struct pci_dev *pdev = g->pdev;
	u32 id, version;

	g->regs = pcim_iomap_table(pdev)[SIM_GPU_REGS_BAR];
	id = readl(g->regs + SIM_GPU_ID_REG);
	version = readl(g->regs + SIM_GPU_VERSION_REG);
	if (id != SIM_GPU_ID_VAL || version != SIM_GPU_VERSION_VAL) {
		dev_err(&pdev->dev, "id 0x%x version %u is not a simulated GPU that this driver knows\n", id, version);
		return -ENODEV;
	}
	g->vram_bytes = readl(g->regs + SIM_GPU_VRAM_LO_REG) | (u64)readl(g->regs + SIM_GPU_VRAM_HI_REG) << 32;
	if (g->vram_bytes == 0 || g->vram_bytes > pci_resource_len(pdev, SIM_GPU_VRAM_BAR)) {
		dev_err(&pdev->dev, "%llu bytes of VRAM do not fit the aperture\n", g->vram_bytes);
		return -ENODEV;
	}
	g->vram = devm_ioremap_wc(&pdev->dev, pci_resource_start(pdev, SIM_GPU_VRAM_BAR), g->vram_bytes);
	return g->vram ? 0 : -ENOMEM;
}

static u32 ask_promised_log2(struct device *dev)
{
	unsigned int (*ask)(struct device *) = symbol_get(egpu_dma_promised_log2);
	u32 log2;

	if (!ask)
		return 0;
	log2 = ask(dev);
	symbol_put(egpu_dma_promised_log2);
	return log2;
}

static int open_device(struct egpu_gpu *g)
{
	struct pci_dev *pdev = g->pdev;
	int rc = pcim_enable_device(pdev);

	if (rc)
		return rc;
	rc = pcim_iomap_regions(pdev, BIT(SIM_GPU_REGS_BAR), "egpu_gpu");
	if (rc)
		return rc;
	rc = map_bars(g);
	if (rc)
		return rc;
	rc = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (rc)
		return rc;
	dma_set_max_seg_size(&pdev->dev, EGPU_BUFFER_BYTES_MAX);
	g->promised_log2 = ask_promised_log2(&pdev->dev);
	pci_set_master(pdev);
	return 0;
}

static void egpu_gpu_destroy(struct kref *kref)
{
	struct egpu_gpu *g = container_of(kref, struct egpu_gpu, kref);

	mutex_destroy(&g->lock);
	kfree(g);
}

void egpu_gpu_put(struct egpu_gpu *g)
{
	kref_put(&g->kref, egpu_gpu_destroy);
}

static struct egpu_gpu *new_gpu(struct pci_dev *pdev)
{
	struct egpu_gpu *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (!g)
		return NULL;
	kref_init(&g->kref);
	mutex_init(&g->lock);
	init_waitqueue_head(&g->wait);
	INIT_LIST_HEAD(&g->files);
	g->pdev = pdev;
	g->first_fault_iova = ~0ull;
	g->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR, .name = "egpu0", .fops = &egpu_gpu_fops, .parent = &pdev->dev
	};
	pci_set_drvdata(pdev, g);
	return g;
}

static int egpu_gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct egpu_gpu *g = new_gpu(pdev);
	int rc;

	if (!g)
		return -ENOMEM;
	rc = open_device(g);
	if (rc)
		goto out_put;
	rc = egpu_gpu_ring_start(g);
	if (rc)
		goto out_put;
	rc = start_interrupts(g);
	if (rc)
		goto out_ring;
	rc = misc_register(&g->misc);
	if (rc)
		goto out_interrupts;
	return 0;

out_interrupts:
	stop_interrupts(g);
out_ring:
	egpu_gpu_ring_stop(g);
out_put:
	egpu_gpu_put(g);
	return rc;
}

static void egpu_gpu_remove(struct pci_dev *pdev)
{
	struct egpu_gpu *g = pci_get_drvdata(pdev);
	struct egpu_file *f, *next;

	misc_deregister(&g->misc);
	mutex_lock(&g->lock);
	list_for_each_entry_safe(f, next, &g->files, link) {
		egpu_file_release_all(f);
		list_del(&f->link);
	}
	WRITE_ONCE(g->gone, true);
	mutex_unlock(&g->lock);
	wake_up_all(&g->wait);
	stop_interrupts(g);
	egpu_gpu_ring_stop(g);
	pci_clear_master(pdev);
	egpu_gpu_put(g);
}

static const struct pci_device_id egpu_gpu_ids[] = {
	{ PCI_DEVICE(SIM_GPU_VENDOR_ID, SIM_GPU_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, egpu_gpu_ids);

static struct pci_driver egpu_gpu_driver = {
	.name = "egpu_gpu",
	.id_table = egpu_gpu_ids,
	.probe = egpu_gpu_probe,
	.remove = egpu_gpu_remove,
};
module_pci_driver(egpu_gpu_driver);

MODULE_DESCRIPTION("the simulated GPU of egpu");
MODULE_LICENSE("Dual MIT/GPL");
