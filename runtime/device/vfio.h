/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * vfio.h - a real PCI function, through Linux's VFIO.
 *
 * Purpose:  opens a function that is bound to vfio-pci (group and type1v2 container, or cdev and iommufd), and passes its regions, config
 *           space, interrupts and resets on.
 * Source:   linux/vfio.h, linux/iommufd.h, Documentation/driver-api/vfio.rst.
 */
#ifndef EGPU_RUNTIME_DEVICE_VFIO_H
#define EGPU_RUNTIME_DEVICE_VFIO_H

#include "runtime/device/device.h"
#include "runtime/iommu.h"

#define VFIO_BDF_BYTES 16

/**
 * struct vfio_identity - what the function says of itself.
 * @bdf: "0000:01:00.0"
 * @driver_reset: how it can be reset: "flr", "bus", …, empty if not at all
 */
struct vfio_identity {
	char bdf[VFIO_BDF_BYTES];
	u16 vendor, device;
	u32 class_code;
	char driver_reset[64];
};

/**
 * vfio_device_open() - open @bdf ("0000:01:00.0" or "01:00.0"), reset it, read what it is.
 * @out:   the device; free with ops->free, before @iommu is freed
 * @iommu: the IOMMU it is behind; free with ops->free
 * @error: on failure one line that says what to do, TRACE_ERROR_BYTES
 *
 * Return: 0; -EINVAL no such address; -ENODEV no such function; -EBUSY used by another process or another driver; -EPERM the group is not
 * viable; -EACCES no right to open it; -ENOTSUP no IOMMU, or not bound to vfio-pci; what the kernel says.
 */
int vfio_device_open(const char *bdf, struct device **out, struct iommu **iommu, char *error);

const struct vfio_identity *vfio_identity(const struct device *d);

/** struct vfio_counters - for the summary; read by other threads, each value on its own. */
struct vfio_counters {
	u64 interrupts, resets;
};
void vfio_counters(const struct device *d, struct vfio_counters *out);

#endif
