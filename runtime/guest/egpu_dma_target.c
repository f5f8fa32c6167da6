// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The target is the first PCI function, in the order of discovery, with the id that the companion names; only one, for the companion's
 * requests do not say which function they are for. It is taken over while no driver is bound to it, so every mapping its driver ever makes
 * goes the new way.
 */
#include "runtime/guest/egpu_dma_device.h"

static bool is_target(const struct egpu_dma *e, const struct pci_dev *pdev)
{
	return (pdev->vendor | (u32)pdev->device << 16) == e->target_id;
}

/* a virtual IOMMU would translate the host's addresses once more (and Linux 6.12 ignores dma_map_ops behind one) */
static const char *why_unfit(const struct egpu_dma *e, struct device *dev)
{
	if (device_iommu_mapped(dev))
		return "is behind a virtual IOMMU; egpu_dma cannot serve it. Start the guest without one";
	if (dev->dma_ops && dev->dma_ops != &e->ops)
		return "has dma_map_ops of its own already; egpu_dma leaves it alone";
	return NULL;
}

static void take(struct egpu_dma *e, struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	const char *why = why_unfit(e, dev);

	if (e->target == pdev)
		return;
	if (e->target) {
		dev_warn(dev, "left alone: the companion serves one function, %s\n", pci_name(e->target));
		return;
	}
	if (why) {
		dev_err(dev, "%s\n", why);
		return;
	}
	e->target = pci_dev_get(pdev);
	e->saved_ops = dev->dma_ops;
	set_dma_ops(dev, &e->ops);
	dev_info(dev, "DMA goes through egpu_dma, policy %s\n", e->policy);
}

static void drop(struct egpu_dma *e)
{
	unsigned long flags;
	u32 left;

	if (e->target->dev.dma_ops == &e->ops)
		set_dma_ops(&e->target->dev, e->saved_ops);
	spin_lock_irqsave(&e->lock, flags);
	left = coalesce_release_all(e->core);
	spin_unlock_irqrestore(&e->lock, flags);
	if (left)
		dev_warn(&e->target->dev, "its driver left %u mappings behind; they are unmapped now\n", left);
	pci_dev_put(e->target);
	e->target = NULL;
}

/*
 * A driver is about to be bound: dma_configure() has just run, which on arm64 says only now whether the device is cache-coherent and behind an
 * IOMMU; and when the driver before was unbound, arm64 took our ops away with it.
 */
static void confirm(struct egpu_dma *e)
{
	struct device *dev = &e->target->dev;
	const char *why = why_unfit(e, dev);

	if (!why && !dev_is_dma_coherent(dev))
		why = "is not cache-coherent, and egpu_dma does no cache maintenance; it leaves it alone";
	if (!why) {
		set_dma_ops(dev, &e->ops);
		return;
	}
	dev_err(dev, "%s\n", why);
	drop(e);
}

/* called with the device lock held where a driver is about to be bound; the driver's probe has not run yet */
static int on_bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct egpu_dma *e = container_of(nb, struct egpu_dma, notifier);
	struct pci_dev *pdev = to_pci_dev(data);

	if (!is_target(e, pdev))
		return NOTIFY_DONE;
	mutex_lock(&e->target_lock);
	if (event == BUS_NOTIFY_BIND_DRIVER) {
		take(e, pdev);
		if (e->target == pdev)
			confirm(e);
	} else if (event == BUS_NOTIFY_REMOVED_DEVICE && e->target == pdev) {
		drop(e);
	}
	mutex_unlock(&e->target_lock);
	return NOTIFY_DONE;
}

int egpu_dma_target_start(struct egpu_dma *e)
{
	struct pci_dev *pdev = NULL;
	int rc;

	mutex_init(&e->target_lock);
	e->notifier.notifier_call = on_bus_event;
	rc = bus_register_notifier(&pci_bus_type, &e->notifier);
	if (rc)
		return rc;
	while ((pdev = pci_get_device(e->target_id & 0xffff, e->target_id >> 16, pdev))) {
		device_lock(&pdev->dev);
		mutex_lock(&e->target_lock);
		if (pdev->dev.driver && !e->target)
			dev_warn(&pdev->dev, "has a driver already, whose mappings bypass the host's IOMMU; unbind and bind it to be served\n");
		else
			take(e, pdev);
		mutex_unlock(&e->target_lock);
		device_unlock(&pdev->dev);
	}
	return 0;
}

void egpu_dma_target_stop(struct egpu_dma *e)
{
	struct pci_dev *pdev;
	bool done = false;

	bus_unregister_notifier(&pci_bus_type, &e->notifier);
	pdev = e->target;
	if (!pdev)
		return;
	pci_dev_get(pdev);
	while (!done) {
		device_release_driver(&pdev->dev);
		device_lock(&pdev->dev);
		/* someone may have bound a driver again in between */
		done = !pdev->dev.driver;
		if (done)
			drop(e);
		device_unlock(&pdev->dev);
	}
	pci_dev_put(pdev);
}
