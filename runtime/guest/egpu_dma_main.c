// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * egpu_dma: the guest's half of the DMA path. Drives the companion device, and stands in for the GPU's dma_map_ops: the policy in core
 * groups the GPU driver's requests, the host answers with the addresses it picked (see runtime/core/companion.h).
 */
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "runtime/guest/egpu_dma_device.h"

static char *policy = "window:log2=18";
module_param(policy, charp, 0444);
MODULE_PARM_DESC(policy, "mapping policy with its parameters: direct, window:log2=18 (default), …");
static char *align = "downgrade";
module_param(align, charp, 0444);
MODULE_PARM_DESC(align, "what to do with a wish for alignment beyond the granule: none, downgrade (default), rewrite, pad, retry");
#define MAX_REQUESTS_BY_DEFAULT 262144ul
static unsigned int max_requests;
module_param(max_requests, uint, 0444);
MODULE_PARM_DESC(max_requests, "most DMA addresses live at once (default 0: one for each page of memory, 262144 at most; 100 to 150 bytes each)");
static unsigned int ring_records = 16384;
module_param(ring_records, uint, 0444);
MODULE_PARM_DESC(ring_records, "capacity of the request ring, a power of two from 64 to 65536 (default 16384, 40 bytes each)");

static char *quirks = "all";
module_param(quirks, charp, 0444);
MODULE_PARM_DESC(quirks, "hot patches for other drivers: all (default), none, or NAME,…; -NAME,… are all but these. There is: uvm-page-size");

static int read_parameters(struct device *dev, struct coalesce_config *cfg)
{
	int rc = coalesce_parse(policy, cfg);
	int shim = align_shim_find(align);

	if (rc) {
		dev_err(dev, "policy=%s: %s\n", policy,
			rc == -ENOENT ? "no such policy" : rc == -ESRCH ? "no such parameter" :
			rc == -ERANGE ? "value out of range" : "not of the form NAME[:PARAMETER=VALUE,…]");
		return -EINVAL;
	}
	if (shim < 0) {
		dev_err(dev, "align=%s: must be " ALIGN_SHIM_NAMES "\n", align);
		return -EINVAL;
	}
	if (ring_records < COMPANION_RING_CAPACITY_MIN || ring_records > EGPU_DMA_RING_MAX || ring_records & (ring_records - 1)) {
		dev_err(dev, "ring_records=%u: must be a power of two from %u to %u\n", ring_records, COMPANION_RING_CAPACITY_MIN,
			EGPU_DMA_RING_MAX);
		return -EINVAL;
	}
	if (shim == ALIGN_REWRITE && !IS_ENABLED(CONFIG_KRETPROBES))
		dev_warn(dev, "align=rewrite: this kernel has no kretprobes, so only drivers that ask are told, as with align=downgrade\n");
	cfg->shim = shim;
	cfg->max_requests = max_requests ? max_requests : min(totalram_pages(), MAX_REQUESTS_BY_DEFAULT);
	/* a mapping lives by its requests, so there are never more; the host's own limit is the host's to enforce and to report */
	cfg->max_mappings = cfg->max_requests;
	return 0;
}

static int make_core(struct egpu_dma *e)
{
	const struct coalesce_host host = { .submit = egpu_dma_host_submit, .ctx = e };
	size_t bytes = coalesce_state_bytes(&e->cfg);

	if (!bytes) {
		dev_err(&e->companion->dev, "policy=%s max_requests=%u cannot be used with granules of 2^%u bytes\n", policy,
			e->cfg.max_requests, e->cfg.granule_log2);
		return -EINVAL;
	}
	e->core_memory = vzalloc(bytes);
	e->slice = vzalloc(EGPU_DMA_SLICE * sizeof(*e->slice));
	if (!e->core_memory || !e->slice) {
		dev_err(&e->companion->dev, "no memory for %zu KiB of state; load with a smaller max_requests=\n", bytes >> 10);
		return -ENOMEM;
	}
	e->core = coalesce_init(e->core_memory, &e->cfg, &host, e->command->entries);
	return e->core ? 0 : -EINVAL;
}

static void free_device(struct egpu_dma *e)
{
	egpu_dma_quirks_stop(e);
	egpu_dma_host_stop(e);
	vfree(e->core_memory);
	vfree(e->slice);
	kfree(e);
}

static int open_device(struct egpu_dma *e, struct pci_dev *pdev)
{
	int rc = read_parameters(&pdev->dev, &e->cfg);

	if (rc)
		return rc;
	if (device_iommu_mapped(&pdev->dev)) {
		dev_err(&pdev->dev, "behind a virtual IOMMU the host does not know guest memory by its address; start the guest without one\n");
		return -EOPNOTSUPP;
	}
	coalesce_format(&e->cfg, e->policy, sizeof(e->policy));
	rc = pcim_enable_device(pdev);
	if (rc)
		return rc;
	rc = pcim_iomap_regions(pdev, BIT(0), "egpu_dma");
	if (rc)
		return rc;
	e->regs = pcim_iomap_table(pdev)[0];
	return egpu_dma_host_identify(e);
}

static int egpu_dma_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct egpu_dma *e = kzalloc(sizeof(*e), GFP_KERNEL);
	int rc;

	if (!e)
		return -ENOMEM;
	e->companion = pdev;
	spin_lock_init(&e->lock);
	egpu_dma_ops_init(e);
	rc = open_device(e, pdev);
	if (rc)
		goto out_free;
	rc = egpu_dma_host_start(e, ring_records);
	if (rc)
		goto out_free;
	rc = make_core(e);
	if (rc)
		goto out_free;
	rc = egpu_dma_quirks_start(e, quirks);
	if (rc)
		goto out_free;
	rc = egpu_dma_target_start(e);
	if (rc)
		goto out_free;
	egpu_dma_stats_start(e);
	pci_set_drvdata(pdev, e);
	return 0;

out_free:
	free_device(e);
	return rc;
}

static void egpu_dma_remove(struct pci_dev *pdev)
{
	struct egpu_dma *e = pci_get_drvdata(pdev);

	egpu_dma_stats_stop(e);
	egpu_dma_target_stop(e);
	free_device(e);
}

static const struct pci_device_id egpu_dma_ids[] = {
	{ PCI_DEVICE(COMPANION_VENDOR_ID, COMPANION_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, egpu_dma_ids);

static struct pci_driver egpu_dma_driver = {
	.name = "egpu_dma",
	.id_table = egpu_dma_ids,
	.probe = egpu_dma_probe,
	.remove = egpu_dma_remove,
};
module_pci_driver(egpu_dma_driver);

MODULE_DESCRIPTION("DMA of a passed-through GPU by way of the egpu companion device");
MODULE_LICENSE("Dual MIT/GPL");
