/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/device/device.h"

#include <linux/vfio.h>

int device_init(struct device *d, const struct device_ops *ops, const char *name, const u32 irqs[IRQ_TYPES])
{
	int err = irqs_init(&d->irqs, irqs);

	if (err)
		return err;
	d->memory = guest_memory_new();
	if (!d->memory) {
		irqs_free(&d->irqs);
		return -ENOMEM;
	}
	d->ops = ops;
	d->name = name;
	d->poll_fd = d->map_fd = -1;
	d->resets = true;
	device_region(d, DEVICE_REGION_CONFIG, PCI_CONFIG_BYTES);
	for (u32 type = 0; type < IRQ_TYPES; type++)
		d->irq_flags[type] = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

void device_region(struct device *d, u32 index, u64 len_bytes)
{
	d->region_bytes[index] = len_bytes;
	d->region_flags[index] = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
}

void device_fini(struct device *d)
{
	guest_memory_free(d->memory);
	irqs_free(&d->irqs);
}

int device_read_registers(struct device *d, u64 offset, void *buf, u32 len, u32 (*get)(const struct device *d, u64 reg))
{
	if ((offset | len) & 3)
		return -EINVAL;
	for (u32 i = 0; i < len; i += 4) {
		u32 value = get(d, offset + i);

		memcpy((u8 *)buf + i, &value, 4);
	}
	return 0;
}

int device_write_registers(struct device *d, u64 offset, const void *buf, u32 len, void (*set)(struct device *d, u64 reg, u32 value))
{
	if ((offset | len) & 3)
		return -EINVAL;
	for (u32 i = 0; i < len; i += 4) {
		u32 value;

		memcpy(&value, (const u8 *)buf + i, 4);
		set(d, offset + i, value);
	}
	return 0;
}

void device_emit(struct device *d, enum trace_kind kind, s32 status, u64 a0, u64 a1, u64 a2, u64 a3)
{
	struct trace_event e = {
		.t_ns = tracer_now_ns(), .kind = (u16)kind, .device = d->trace_id, .status = status, .arg = { a0, a1, a2, a3 },
	};

	if (d->ring)
		tracer_emit(d->ring, &e);
}

void device_emit_text(struct device *d, enum trace_kind kind, const char *text, size_t text_bytes)
{
	char clean[128];
	size_t n = 0;

	if (!d->tracer)
		return;
	for (; n < text_bytes && n < sizeof(clean) - 1 && text[n]; n++)
		clean[n] = text[n] >= ' ' && text[n] < 127 ? text[n] : '?';
	clean[n] = 0;
	if (d->texts++ >= DEVICE_TEXTS_MAX)
		strcpy(clean, "(too many texts)");
	device_emit(d, kind, 0, tracer_string(d->tracer, clean), 0, 0, 0);
}

void device_raise(struct device *d, enum irq_type type, u32 vector)
{
	int got = irqs_raise(&d->irqs, type, vector);

	device_emit(d, TRACE_IRQ, got < 0 ? got : 0, type, vector, got > 0, 0);
}
