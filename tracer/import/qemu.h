/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * qemu.h - QEMU's own trace events, as its log prints them and as its "simple" backend stores them.
 *
 * Purpose:  one table of the events that say something about a passed-through device or a virtual IOMMU, with their formats (which also
 *           give the types of their arguments) and what each becomes:
 *             virtio_iommu_map, _unmap         REQ_MAP, REQ_UNMAP (iova and gpa; one device a domain)
 *             vfio_iommu_map_notify            MAP, UNMAP (iova; the gpa is looked up in the virtio_iommu_map that covers it)
 *             vfio_listener_region_add_ram, _del, vfio_user_dma_map, _unmap   RAM_MAP, RAM_UNMAP
 *             vfio_region_*, vfio_pci_*_config REGION_READ, REGION_WRITE
 *             vfio_intx_interrupt, vfio_msi_interrupt   IRQ;  vfio_user_set_irqs   IRQ_CONFIG
 * Compiled: the importers; shared by qemu_events.c, qemu_log.c and qemu_simple.c, private to them.
 */
#ifndef EGPU_TRACER_IMPORT_QEMU_H
#define EGPU_TRACER_IMPORT_QEMU_H

#include "tracer/import/import.h"
#include "tracer/import/spans.h"

#define QEMU_ARGS_MAX 6

/* X(name, note): see FTRACE_COUNTS */
#define QEMU_COUNTS(X)                                                                                                                     \
	X(records, "lines or records read")                                                                                                \
	X(requests_mapped, "virtio_iommu_map, emitted as map requests")                                                                    \
	X(requests_unmapped, "map requests that a virtio_iommu_unmap ended")                                                               \
	X(requests_live_at_end, "map requests that nothing in the log ends")                                                               \
	X(mappings, "vfio_iommu_map_notify MAP and UNMAP, emitted as mappings")                                                            \
	X(ram, "memory regions added, removed, and vfio_user_dma_map and _unmap")                                                          \
	X(ram_repeated, "memory regions of vfio_listener_region_* that the vfio_user_dma_* behind them says again, collapsed")             \
	X(accesses, "reads and writes of BARs and config space")                                                                           \
	X(interrupts, "interrupts")                                                                                                        \
	X(interrupt_configs, "vfio_user_set_irqs")                                                                                         \
	X(mappings_repeated, "vfio_iommu_map_notify MAP of what is mapped just so (a second container), collapsed")                        \
	X(unmaps_unmatched, "unmaps of what the log never mapped, not emitted")                                                            \
	X(unmaps_partial, "mappings that an unmap only touched: they are taken to stay mapped")                                            \
	X(maps_replaced, "maps where something else was mapped: the older one is assumed to have ended, and emitted as such")              \
	X(gpa_unknown, "vfio_iommu_map_notify that no virtio_iommu_map explains; their gpa is 0")                                          \
	X(irq_type_assumed, "vfio_msi_interrupt of devices that the log does not show enabling MSI or MSI-X: assumed to be MSI-X")         \
	X(directionless, "vfio_user_region_rw, which show no direction and no data, ignored; the same accesses are in vfio_region_*")      \
	X(events_other, "other events, ignored")                                                                                           \
	X(lines_unknown, "lines that are no trace event, ignored")                                                                         \
	X(lines_malformed, "events that do not have their known format, or make no sense, ignored")                                        \
	X(lines_too_long, "lines longer than 1 MiB, ignored")                                                                              \
	X(lines_untimed, "events without a time in a log that has times: the time before is taken")                                        \
	X(time_backwards, "events earlier than the one before; their order in the file is kept")                                           \
	X(source_events_lost, "events that QEMU dropped; each place is a gap event")                                                       \
	X(file_cut, "the file ends inside a record, or at one that makes no sense; what is behind it was not read")                        \
	X(devices_refused, "events of devices beyond the 65,535th, ignored")

struct qemu_report {
#define X(name, note) uint64_t name;
	QEMU_COUNTS(X)
#undef X
};

/** struct qemu_value - an argument: a text (not NUL-terminated), or a number if @text is NULL. */
struct qemu_value {
	const char *text;
	size_t len;
	uint64_t n;
};

/**
 * struct qemu_import - an import under way.
 * @msi_type: what each device uses: 0 not seen, 1 MSI, 2 MSI-X
 */
struct qemu_import {
	struct import base;
	struct qemu_report report;
	struct spans requests; /* of virtio_iommu_map */
	struct spans mappings; /* of vfio_iommu_map_notify */
	uint64_t seq, t_ns;
	uint8_t *msi_type;
	struct trace_event held; /* a memory region that may be said again with more detail; kind 0: none */
};

/**
 * struct qemu_event - an event of the table.
 * @format: as in QEMU's trace-events, with %s text, %d decimal, %x and %p hexadecimal, %c a character; NULL if the event is only counted
 * @args:   names of the arguments, in the format's order, separated by commas
 * @handle: Return: 0; -EINVAL makes no sense; -ENOSPC too many devices; -ENOMEM
 */
struct qemu_event {
	const char *name;
	const char *format;
	const char *args;
	int (*handle)(struct qemu_import *im, const struct qemu_value *arg);
};

int qemu_begin(struct qemu_import *im, const struct import_args *args, struct tracer *out, struct import_report *report, char *error);
void qemu_end(struct qemu_import *im);

/** qemu_event_find() - Return: the event called @name; NULL if it is not in the table. */
const struct qemu_event *qemu_event_find(const char *name, size_t len);

/** qemu_event_handle() - count and emit an event at im->t_ns. Return: 0 or -ENOMEM. */
int qemu_event_handle(struct qemu_import *im, const struct qemu_event *event, const struct qemu_value *arg);

/** qemu_finish() - fill the report and describe the trace, or fail because nothing in it is of use. Return: 0 or negative errno. */
int qemu_finish(struct qemu_import *im, const char *what, const char *clock);

int qemu_log_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);
int qemu_simple_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);

#endif
