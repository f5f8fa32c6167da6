/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * device.h - what is passed through to the guest: one PCI function, behind one ops table.
 *
 * Purpose:  the vfio-user server speaks the protocol and knows no device; a device knows no protocol. Shipped: sim_gpu, companion.
 * Threads:  every op of one device is called from one thread, its connection's.
 */
#ifndef EGPU_RUNTIME_DEVICE_DEVICE_H
#define EGPU_RUNTIME_DEVICE_DEVICE_H

#include "runtime/core/env.h"
#include "runtime/device/pci_config.h"
#include "runtime/guest_memory.h"
#include "runtime/irqs.h"
#include "tracer/tracer.h"

/* VFIO's numbering (linux/vfio.h, VFIO_PCI_…_REGION_INDEX) */
#define DEVICE_REGION_BAR0 0u
#define DEVICE_REGION_ROM 6u
#define DEVICE_REGION_CONFIG 7u
#define DEVICE_REGION_VGA 8u
#define DEVICE_REGIONS 9u

struct device;

enum device_reset_cause { DEVICE_RESET_CLIENT, DEVICE_RESET_GUEST, DEVICE_RESET_DISCONNECT };

/**
 * struct device_ops - what a device does.
 * @read:  @len (1..DEVICE_ACCESS_MAX) bytes at @offset of BAR @region into @buf; the range lies inside the BAR. Outcomes: 0; -EINVAL for
 *         an access the device does not take (wrong width) - the client gets an error, nothing changed
 * @write: likewise
 * @reset: back to power-on state: no DMA goes on, nothing of the guest is remembered
 * @work:  do a bounded piece (some milliseconds) of what is pending. Return: milliseconds until it wants to be called again, 0 at once,
 *         -1 not before the next access
 * @free:  release everything
 */
struct device_ops {
	int (*read)(struct device *d, u32 region, u64 offset, void *buf, u32 len);
	int (*write)(struct device *d, u32 region, u64 offset, const void *buf, u32 len);
	void (*reset)(struct device *d, enum device_reset_cause cause);
	int (*work)(struct device *d);
	void (*free)(struct device *d);
};

#define DEVICE_ACCESS_MAX (1u << 20)

/**
 * struct device - what the server may know of one.
 * @region_bytes: size of each BAR, 0 = absent; config space is @config
 * @irqs, @memory: made with the device; filled by the server as the client says
 * @tracer, @ring, @trace_id: for events; NULL if there is no trace. Set before the device's thread starts
 * @texts: texts a guest put into the trace so far, bounded by DEVICE_TEXTS_MAX
 */
struct device {
	const struct device_ops *ops;
	const char *name;
	struct pci_config config;
	u64 region_bytes[DEVICE_REGIONS];
	struct irqs irqs;
	struct guest_memory *memory;
	struct tracer *tracer;
	struct tracer_ring *ring;
	u16 trace_id;
	u32 texts;
};

#define DEVICE_TEXTS_MAX 4096u

/** device_init() - common part: guest memory, interrupts (@msix vectors). Return: 0 or -ENOMEM. */
int device_init(struct device *d, const struct device_ops *ops, const char *name, u32 msix);

/** device_fini() - undo device_init(); for a device's own free op. */
void device_fini(struct device *d);

/**
 * device_read_registers() / device_write_registers() - a BAR of 32-bit registers; a wider access is several.
 * @get, @set: one register
 * Return: 0; -EINVAL if the access is not made of whole registers.
 */
int device_read_registers(struct device *d, u64 offset, void *buf, u32 len, u32 (*get)(const struct device *d, u64 reg));
int device_write_registers(struct device *d, u64 offset, const void *buf, u32 len, void (*set)(struct device *d, u64 reg, u32 value));

/** device_emit() - record one event of this device, with its first four arguments; @status: 0 or negative errno. */
void device_emit(struct device *d, enum trace_kind kind, s32 status, u64 a0, u64 a1, u64 a2, u64 a3);

/** device_emit_text() - an event whose argument is a text that came from the guest: made printable, bounded in length and number. */
void device_emit_text(struct device *d, enum trace_kind kind, const char *text, size_t text_bytes);

/** device_raise() - raise MSI-X vector @vector and record it. */
void device_raise(struct device *d, u32 vector);

#endif
