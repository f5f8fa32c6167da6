/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* REGION_READ, REGION_WRITE, WRITE_MULTI: the guest's CPU touches a BAR or config space. Each access is one event. */
#include "runtime/vfio_user/server.h"

static void record(struct vfio_user *s, enum trace_kind kind, s32 status, const struct vfio_user_region_access *a, const void *data)
{
	struct trace_event e = {
		.t_ns = tracer_now_ns(), .kind = (u16)kind, .device = s->device->trace_id, .status = status,
		.arg = { a->region, a->offset, a->count },
	};

	/* an access wider than a register keeps its first 8 bytes */
	if (!status)
		memcpy(&e.arg[TRACE_REGION_VALUE], data, a->count < 8 ? a->count : 8);
	if (s->device->ring)
		tracer_emit(s->device->ring, &e);
}

static int check(const struct vfio_user *s, const struct vfio_user_region_access *a)
{
	u64 size;

	if (a->region >= DEVICE_REGIONS)
		return -EINVAL;
	size = s->device->region_bytes[a->region];
	if (!a->count || a->count > DEVICE_ACCESS_MAX || a->offset >= size || a->count > size - a->offset)
		return -EINVAL;
	return 0;
}

static int read_region(struct device *d, const struct vfio_user_region_access *a, void *data)
{
	if (a->region != DEVICE_REGION_CONFIG)
		return d->ops->read(d, a->region, a->offset, data, a->count);
	return d->ops->config_read ? d->ops->config_read(d, a->offset, data, a->count) : pci_config_read(&d->config, a->offset, data, a->count);
}

static int write_region(struct device *d, const struct vfio_user_region_access *a, const void *data)
{
	if (a->region != DEVICE_REGION_CONFIG)
		return d->ops->write(d, a->region, a->offset, data, a->count);
	return d->ops->config_write ? d->ops->config_write(d, a->offset, data, a->count) : pci_config_write(&d->config, a->offset, data, a->count);
}

int vfio_user_on_region_read(struct vfio_user *s)
{
	struct vfio_user_region_access a;
	u8 *data = s->body + sizeof(a);
	int err = vfio_user_body(s, &a, sizeof(a));

	if (!err)
		err = check(s, &a);
	if (err)
		return err;
	err = read_region(s->device, &a, data);
	record(s, TRACE_REGION_READ, err, &a, data);
	/* the body still starts with the access: the reply is the same fields and the data */
	return err ? err : vfio_user_reply(s, s->body, (u32)sizeof(a) + a.count);
}

static int write_one(struct vfio_user *s, const struct vfio_user_region_access *a, const void *data)
{
	int err = check(s, a);

	if (err)
		return err;
	err = write_region(s->device, a, data);
	record(s, TRACE_REGION_WRITE, err, a, data);
	return err;
}

int vfio_user_on_region_write(struct vfio_user *s)
{
	struct vfio_user_region_access a;
	int err = vfio_user_body(s, &a, sizeof(a));

	if (err)
		return err;
	if (s->body_bytes - sizeof(a) < a.count)
		return -EINVAL;
	err = write_one(s, &a, s->body + sizeof(a));
	return err ? err : vfio_user_reply(s, &a, sizeof(a));
}

int vfio_user_on_write_multi(struct vfio_user *s)
{
	struct vfio_user_write_multi m;
	struct vfio_user_write_one w;
	int err = vfio_user_body(s, &m, sizeof(m));

	if (err)
		return err;
	if (m.count > (s->body_bytes - sizeof(m)) / sizeof(w))
		return -EINVAL;
	for (u64 i = 0; i < m.count; i++) {
		struct vfio_user_region_access a;

		memcpy(&w, s->body + sizeof(m) + i * sizeof(w), sizeof(w));
		a = (struct vfio_user_region_access){ w.offset, w.region, w.count };
		if (w.count > sizeof(w.data))
			return -EINVAL;
		err = write_one(s, &a, w.data);
		if (err)
			return err;
	}
	return vfio_user_reply(s, &m, sizeof(m));
}
