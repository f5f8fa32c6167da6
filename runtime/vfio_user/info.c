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
		.flags = VFIO_USER_DEVICE_PCI_MASK | (s->device->resets ? VFIO_USER_DEVICE_RESET_MASK : 0),
		.num_regions = DEVICE_REGIONS,
		.num_irqs = IRQ_TYPES,
	};
	return vfio_user_reply(s, &info, sizeof(info));
}

struct region_reply {
	struct vfio_user_region_info info;
	struct vfio_user_sparse_mmap sparse;
	struct vfio_user_mmap_area areas[DEVICE_AREAS_MAX];
};

/* the parts of region @index that the client may map; Return: bytes of the reply in all */
static u32 list_areas(const struct device *d, u32 index, struct region_reply *r)
{
	u32 n = 0;

	for (u32 i = 0; i < d->nareas && d->map_fd >= 0; i++)
		if (d->areas[i].region == index)
			r->areas[n++] = (struct vfio_user_mmap_area){ d->areas[i].span.start, d->areas[i].span.len };
	if (!n)
		return sizeof(r->info);
	r->sparse = (struct vfio_user_sparse_mmap){ .id = VFIO_USER_CAP_SPARSE_MMAP, .version = 1, .nr_areas = n };
	r->info.flags |= VFIO_USER_REGION_MMAP_MASK | VFIO_USER_REGION_CAPS_MASK;
	r->info.cap_offset = offsetof(struct region_reply, sparse);
	r->info.offset = d->map_offset[index];
	return (u32)(offsetof(struct region_reply, areas) + n * sizeof(r->areas[0]));
}

int vfio_user_on_get_region_info(struct vfio_user *s)
{
	struct device *d = s->device;
	struct vfio_user_region_info ask;
	struct region_reply r;
	int err = vfio_user_body(s, &ask, sizeof(ask));

	if (err)
		return err;
	if (ask.argsz < sizeof(ask) || ask.index >= DEVICE_REGIONS)
		return -EINVAL;
	r.info = (struct vfio_user_region_info){
		.flags = d->region_bytes[ask.index] ? d->region_flags[ask.index] : 0, .index = ask.index, .size = d->region_bytes[ask.index],
	};
	r.info.argsz = list_areas(d, ask.index, &r);
	/*
	 * No room for the list: the client learns how much it takes, and asks again; the descriptor goes with the list. Linux would leave the flag
	 * set here, but QEMU 11.1 refuses a flag without an offset.
	 */
	if (r.info.argsz > ask.argsz) {
		r.info.flags &= ~VFIO_USER_REGION_CAPS_MASK;
		r.info.cap_offset = 0;
		return vfio_user_reply(s, &r, sizeof(r.info));
	}
	return vfio_user_reply_fd(s, &r, r.info.argsz, r.info.cap_offset ? d->map_fd : -1);
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
		.flags = s->device->irq_flags[info.index],
		.index = info.index,
		.count = s->device->irqs.count[info.index],
	};
	return vfio_user_reply(s, &info, sizeof(info));
}
