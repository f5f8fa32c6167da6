/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * vfio_state.h - inside the VFIO backend: what its files share.
 *
 * Parts:    vfio_open.c     find the function, open it, say why not
 *           vfio_device.c   regions, config space, resets
 *           vfio_irqs.c     interrupts
 *           vfio_type1.c    group, container, type1v2
 *           vfio_iommufd.c  cdev, iommufd
 */
#ifndef EGPU_RUNTIME_DEVICE_VFIO_STATE_H
#define EGPU_RUNTIME_DEVICE_VFIO_STATE_H

#include <linux/vfio.h>
#include <stdio.h>

#include "runtime/device/vfio.h"

#define VFIO_PATH_BYTES 320

/**
 * struct vfio_device - a function.
 * @fd:          VFIO's device descriptor
 * @epoll_fd:    of every eventfd below and of the client's unmask eventfds; also d.poll_fd
 * @eventfd:     ours, that the kernel signals, by type and vector; -1 = not set up
 * @unmask_watched: our copy of the client's eventfd that unmasks; -1 = none
 * @region_offset: of each region in @fd
 */
struct vfio_device {
	struct device d; /* first, so that a struct device * is a struct vfio_device * */
	int fd, epoll_fd;
	int *eventfd[IRQ_TYPES];
	int unmask_watched[IRQ_TYPES];
	u64 region_offset[DEVICE_REGIONS];
	struct vfio_identity identity;
	struct vfio_counters counters;
};

static inline struct vfio_device *vfio_device_of(struct device *d)
{
	return (struct vfio_device *)d;
}

/** struct vfio_path - where a function and its group are: "/sys/bus/pci/devices/0000:01:00.0", its address, number of its group. */
struct vfio_path {
	char sysfs[VFIO_PATH_BYTES];
	char bdf[VFIO_BDF_BYTES];
	unsigned int group;
};

/** vfio_explain() - write one line to @error (TRACE_ERROR_BYTES). Return: @err, so that it can end a function. */
__attribute__((format(printf, 3, 4))) int vfio_explain(char *error, int err, const char *format, ...);

/**
 * vfio_type1_open() / vfio_iommufd_open() - open the function's descriptor and the IOMMU it is behind.
 * Return: 0; negative errno with @error.
 */
int vfio_type1_open(const struct vfio_path *path, int *device_fd, struct iommu **iommu, char *error);
int vfio_iommufd_open(const struct vfio_path *path, int *device_fd, struct iommu **iommu, char *error);

/** vfio_iommufd_there() - the kernel has iommufd, and a character device for this function. */
bool vfio_iommufd_there(const struct vfio_path *path);

/** vfio_device_new() - read what the function behind @fd (owned, also on error) is. */
int vfio_device_new(int fd, const struct vfio_path *path, struct device **out, char *error);

/** vfio_irqs_init() - Return: 0 or negative errno. vfio_irqs_off() disables all types; vfio_irqs_fini() closes everything. */
int vfio_irqs_init(struct vfio_device *v);
void vfio_irqs_off(struct vfio_device *v);
void vfio_irqs_fini(struct vfio_device *v);

/** vfio_irq_set(), vfio_irq_work() - ops irq_set and work of struct device_ops. */
int vfio_irq_set(struct device *d, u32 type, u32 start, u32 count, u32 flags);
int vfio_irq_work(struct device *d);

#endif
