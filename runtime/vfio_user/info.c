/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the device is: regions and interrupt types. */
#include "runtime/vfio_user/server.h"

int vfio_user_on_get_info(struct vfio_user *s)
{
	struct vfio_user_device_info info;
	int err = vfio_user_body(s, &info, sizeof(info));

	if (err)
		return err;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	info = (struct vfio_user_device_info){
		.argsz = sizeof(info),
		.flags = VFIO_USER_DEVICE_RESET_MASK | VFIO_USER_DEVICE_PCI_MASK,
		.num_regions = DEVICE_REGIONS,
		.num_irqs = IRQ_TYPES,
	};
	return vfio_user_reply(s, &info, sizeof(info));
}

int vfio_user_on_get_region_info(struct vfio_user *s)
{
	struct vfio_user_region_info info;
	int err = vfio_user_body(s, &info, sizeof(info));
	u64 size;

	if (err)
		return err;
	if (info.argsz < sizeof(info) || info.index >= DEVICE_REGIONS)
		return -EINVAL;
	size = info.index == DEVICE_REGION_CONFIG ? PCI_CONFIG_BYTES : s->device->region_bytes[info.index];
	/* not mappable by the client: every access is to pass here and be recorded */
	info = (struct vfio_user_region_info){
		.argsz = sizeof(info),
		.flags = size ? VFIO_USER_REGION_READ_MASK | VFIO_USER_REGION_WRITE_MASK : 0,
		.index = info.index,
		.size = size,
	};
	return vfio_user_reply(s, &info, sizeof(info));
}

int vfio_user_on_get_irq_info(struct vfio_user *s)
{
	struct vfio_user_irq_info info;
	int err = vfio_user_body(s, &info, sizeof(info));

	if (err)
		return err;
	if (info.argsz < sizeof(info) || info.index >= IRQ_TYPES)
		return -EINVAL;
	info = (struct vfio_user_irq_info){
		.argsz = sizeof(info),
		.flags = VFIO_USER_IRQ_EVENTFD_MASK | VFIO_USER_IRQ_NORESIZE_MASK,
		.index = info.index,
		.count = s->device->irqs.count[info.index],
	};
	return vfio_user_reply(s, &info, sizeof(info));
}
