/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A real function's regions, config space and resets.
 *
 * Config space: the kernel's vfio-pci stands between the guest and the function: it keeps BARs, the MSI and MSI-X messages, the power state and
 * reserved bits to itself, turns a write of the FLR bit into a reset, and hides capabilities it does not know (drivers/vfio/pci/vfio_pci_config.c).
 * QEMU emulates BARs and MSI(-X) for the guest once more, and hides SR-IOV, ARI and resizable BARs. What is left may pass as it is.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/device/vfio_state.h"

#define REGION_INFO_BYTES_MAX 65536u

/* config space is little-endian */
static u32 config_value(struct vfio_device *v, u64 offset, u32 len)
{
	u8 bytes[4] = { 0 };

	if (pread(v->fd, bytes, len, (off_t)(v->region_offset[DEVICE_REGION_CONFIG] + offset)) != (ssize_t)len)
		return ~0u;
	return bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24;
}

static int access_result(ssize_t got, u32 len)
{
	if (got < 0)
		return -errno;
	return got == (ssize_t)len ? 0 : -EIO;
}

static int vfio_read(struct device *d, u32 region, u64 offset, void *buf, u32 len)
{
	struct vfio_device *v = vfio_device_of(d);

	return access_result(pread(v->fd, buf, len, (off_t)(v->region_offset[region] + offset)), len);
}

static int vfio_write(struct device *d, u32 region, u64 offset, const void *buf, u32 len)
{
	struct vfio_device *v = vfio_device_of(d);

	return access_result(pwrite(v->fd, buf, len, (off_t)(v->region_offset[region] + offset)), len);
}

static int vfio_config_read(struct device *d, u64 offset, void *buf, u32 len)
{
	return vfio_read(d, DEVICE_REGION_CONFIG, offset, buf, len);
}

static int vfio_config_write(struct device *d, u64 offset, const void *buf, u32 len)
{
	return vfio_write(d, DEVICE_REGION_CONFIG, offset, buf, len);
}

static int reset_function(struct vfio_device *v)
{
	if (!v->d.resets)
		return -ENOTTY;
	__atomic_store_n(&v->counters.resets, v->counters.resets + 1, __ATOMIC_RELAXED);
	return ioctl(v->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

/* a client that left takes its interrupts with it; one that asks for a reset sets them up anew itself */
static void vfio_reset(struct device *d, enum device_reset_cause cause)
{
	struct vfio_device *v = vfio_device_of(d);

	if (cause == DEVICE_RESET_DISCONNECT)
		vfio_irqs_off(v);
	reset_function(v);
}

static void vfio_free(struct device *d)
{
	struct vfio_device *v = vfio_device_of(d);

	vfio_irqs_fini(v);
	close(v->fd);
	device_fini(d);
	free(v);
}

static const struct device_ops vfio_ops = {
	.read = vfio_read, .write = vfio_write, .config_read = vfio_config_read, .config_write = vfio_config_write, .reset = vfio_reset,
	.irq_set = vfio_irq_set, .work = vfio_irq_work, .free = vfio_free,
};

/* ---- what it is made of ---- */

static void add_area(struct device *d, u32 index, u64 offset, u64 len_bytes)
{
	u64 page_mask = (u64)sysconf(_SC_PAGESIZE) - 1;

	/* what is no whole page is trapped */
	len_bytes &= ~page_mask;
	if (len_bytes && !(offset & page_mask) && d->nareas < DEVICE_AREAS_MAX)
		d->areas[d->nareas++] = (struct device_area){ index, { offset, len_bytes } };
}

/* the parts of a region that may be mapped: those of the sparse list, or all of it */
static void take_areas(struct device *d, const struct vfio_region_info *info)
{
	const u8 *bytes = (const u8 *)info;
	u32 at = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	while (at >= sizeof(*info) && at <= info->argsz - sizeof(struct vfio_info_cap_header)) {
		const struct vfio_region_info_cap_sparse_mmap *c = (const void *)(bytes + at);

		if (c->header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && info->argsz - at >= sizeof(*c)) {
			u32 n = c->nr_areas, room = (u32)((info->argsz - at - sizeof(*c)) / sizeof(c->areas[0]));

			for (u32 i = 0; i < n && i < room; i++)
				add_area(d, info->index, c->areas[i].offset, c->areas[i].size);
			return;
		}
		if (c->header.next <= at)
			break;
		at = c->header.next;
	}
	add_area(d, info->index, 0, info->size);
}

static int take_region(struct vfio_device *v, u32 index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = REGION_INFO_BYTES_MAX, .index = index };
	if (ioctl(v->fd, VFIO_DEVICE_GET_REGION_INFO, info))
		return index == DEVICE_REGION_CONFIG ? -errno : 0; /* a function need not have any other */
	if (info->argsz > REGION_INFO_BYTES_MAX || index == DEVICE_REGION_VGA)
		return 0;
	v->d.region_bytes[index] = info->size;
	v->d.region_flags[index] = info->flags & (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	v->region_offset[index] = v->d.map_offset[index] = info->offset;
	take_areas(&v->d, info);
	return 0;
}

static int take_regions(struct vfio_device *v)
{
	struct vfio_region_info *info = malloc(REGION_INFO_BYTES_MAX);
	int err = info ? 0 : -ENOMEM;

	for (u32 index = 0; index < DEVICE_REGIONS && !err; index++)
		err = take_region(v, index, info);
	free(info);
	return err;
}

static int take_irqs(int fd, u32 count[IRQ_TYPES], u32 flags[IRQ_TYPES])
{
	for (u32 type = 0; type < IRQ_TYPES; type++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = type };

		count[type] = flags[type] = 0;
		if (ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
			continue; /* older kernels have fewer types */
		if (info.count > IRQS_VECTORS_MAX)
			return -E2BIG;
		count[type] = info.count;
		flags[type] = info.flags;
	}
	return 0;
}

/* sysfs says how the kernel would reset it: "flr bus" */
static void read_reset_method(const struct vfio_path *p, char *text, size_t text_bytes)
{
	char name[VFIO_PATH_BYTES + 32];
	FILE *f;

	text[0] = 0;
	snprintf(name, sizeof(name), "%s/reset_method", p->sysfs);
	f = fopen(name, "r");
	if (f && fgets(text, (int)text_bytes, f))
		text[strcspn(text, "\n")] = 0;
	if (f)
		fclose(f);
}

static void identify(struct vfio_device *v, const struct vfio_path *p)
{
	memcpy(v->identity.bdf, p->bdf, sizeof(v->identity.bdf));
	v->identity.vendor = (u16)config_value(v, 0, 2);
	v->identity.device = (u16)config_value(v, 2, 2);
	v->identity.class_code = config_value(v, 8, 4) >> 8;
	read_reset_method(p, v->identity.driver_reset, sizeof(v->identity.driver_reset));
	v->d.name = v->identity.bdf;
}

static int fill(struct vfio_device *v, const struct vfio_path *p)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	u32 count[IRQ_TYPES], flags[IRQ_TYPES];
	int err;

	if (ioctl(v->fd, VFIO_DEVICE_GET_INFO, &info))
		return -errno;
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return -ENODEV;
	err = take_irqs(v->fd, count, flags);
	if (!err)
		err = device_init(&v->d, &vfio_ops, v->identity.bdf, count);
	if (err)
		return err;
	v->d.resets = info.flags & VFIO_DEVICE_FLAGS_RESET;
	v->d.region_bytes[DEVICE_REGION_CONFIG] = 0;
	memcpy(v->d.irq_flags, flags, sizeof(flags));
	v->d.map_fd = v->fd;
	err = take_regions(v);
	if (!err)
		err = vfio_irqs_init(v);
	if (err) {
		device_fini(&v->d);
		return err;
	}
	identify(v, p);
	return 0;
}

int vfio_device_new(int fd, const struct vfio_path *p, struct device **out, char *error)
{
	struct vfio_device *v = calloc(1, sizeof(*v));
	int err = -ENOMEM;

	if (v) {
		v->fd = fd;
		err = fill(v, p);
	}
	if (err) {
		vfio_explain(error, err, "%s does not say what it is: %s", p->bdf, strerror(-err));
		close(fd);
		free(v);
		return err;
	}
	/* whatever an earlier user left in it ends here */
	err = reset_function(v);
	if (err && err != -ENOTTY) {
		vfio_explain(error, err, "%s cannot be reset: %s", p->bdf, strerror(-err));
		vfio_free(&v->d);
		return err;
	}
	*out = &v->d;
	return 0;
}

const struct vfio_identity *vfio_identity(const struct device *d)
{
	return &((const struct vfio_device *)d)->identity;
}

void vfio_counters(const struct device *d, struct vfio_counters *out)
{
	const struct vfio_counters *c = &((const struct vfio_device *)d)->counters;

	out->interrupts = __atomic_load_n(&c->interrupts, __ATOMIC_RELAXED);
	out->resets = __atomic_load_n(&c->resets, __ATOMIC_RELAXED);
}
