/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * device.h - what is passed through to the guest: one PCI function, behind one ops table.
 *
 * Purpose:  the vfio-user server speaks the protocol and knows no device; a device knows no protocol. Shipped: sim_gpu, companion, vfio.
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

#define DEVICE_AREAS_MAX 32u

struct device;
struct mapper;

enum device_reset_cause { DEVICE_RESET_CLIENT, DEVICE_RESET_GUEST, DEVICE_RESET_DISCONNECT };

/**
 * struct device_ops - what a device does.
 * @read:  @len (1..DEVICE_ACCESS_MAX) bytes at @offset of BAR @region into @buf; the range lies inside the BAR. Outcomes: 0; -EINVAL for
 *         an access the device does not take (wrong width) - the client gets an error, nothing changed
 * @write: likewise
 * @config_read, @config_write: likewise for config space; NULL: it is emulated, see @config of struct device
 * @reset: back to power-on state: no DMA goes on, nothing of the guest is remembered
 * @irq_set: the client changed interrupts: vectors [@start, @start + @count) of @type in struct irqs (eventfds, masks) are as @flags
 *         (VFIO_IRQ_SET_…, linux/vfio.h) says. Outcomes: 0; negative errno, which the client gets. NULL: nothing to do
 * @work:  do a bounded piece (some milliseconds) of what is pending. Return: milliseconds until it wants to be called again, 0 at once,
 *         -1 not before the next access, or until @poll_fd is readable
 * @free:  release everything
 */
struct device_ops {
	int (*read)(struct device *d, u32 region, u64 offset, void *buf, u32 len);
	int (*write)(struct device *d, u32 region, u64 offset, const void *buf, u32 len);
	int (*config_read)(struct device *d, u64 offset, void *buf, u32 len);
	int (*config_write)(struct device *d, u64 offset, const void *buf, u32 len);
	void (*reset)(struct device *d, enum device_reset_cause cause);
	int (*irq_set)(struct device *d, u32 type, u32 start, u32 count, u32 flags);
	int (*work)(struct device *d);
	void (*free)(struct device *d);
};

#define DEVICE_ACCESS_MAX (1u << 20)

/** struct device_area - a part of a region that the client may map instead of asking for every access; whole pages. */
struct device_area {
	u32 region;
	struct span span;
};

/**
 * struct device - what the server may know of one.
 * @region_bytes: size of each region, 0 = absent
 * @region_flags: VFIO_REGION_INFO_FLAG_READ | _WRITE
 * @areas:  @nareas of them, disjoint, in order of region and offset
 * @map_fd, @map_offset: what to mmap for an area: offset 0 of a region lies at @map_offset of it. -1 if nothing can be mapped. The
 *         client gets the descriptor
 * @config: emulated config space, unless the ops have their own
 * @irq_flags: VFIO_IRQ_INFO_… of each type
 * @resets: the client may ask for a reset
 * @poll_fd: readable when the device wants to work; -1 = never
 * @dma:    where the client's memory becomes reachable for the device as the client announces it (premap, viommu); NULL: the device's
 *          mappings are made another way (companion)
 * @irqs, @memory: made with the device; filled by the server as the client says
 * @tracer, @ring, @trace_id: for events; NULL if there is no trace. Set before the device's thread starts
 * @texts: texts a guest put into the trace so far, bounded by DEVICE_TEXTS_MAX
 */
struct device {
	const struct device_ops *ops;
	const char *name;
	struct pci_config config;
	u64 region_bytes[DEVICE_REGIONS];
	u32 region_flags[DEVICE_REGIONS];
	struct device_area areas[DEVICE_AREAS_MAX];
	u32 nareas;
	int map_fd;
	u64 map_offset[DEVICE_REGIONS];
	u32 irq_flags[IRQ_TYPES];
	bool resets;
	int poll_fd;
	struct mapper *dma;
	struct irqs irqs;
	struct guest_memory *memory;
	struct tracer *tracer;
	struct tracer_ring *ring;
	u16 trace_id;
	u32 texts;
};

#define DEVICE_TEXTS_MAX 4096u

/** device_init() - common part: guest memory, interrupts (@irqs vectors per type). Return: 0, -ENOMEM, -EINVAL too many vectors. */
int device_init(struct device *d, const struct device_ops *ops, const char *name, const u32 irqs[IRQ_TYPES]);

/** device_region() - declare region @index, of @len_bytes, as readable and writable. */
void device_region(struct device *d, u32 index, u64 len_bytes);

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

/** device_raise() - raise vector @vector of @type and record it. */
void device_raise(struct device *d, enum irq_type type, u32 vector);

#endif
