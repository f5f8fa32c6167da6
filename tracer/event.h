/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * event.h - the one table of events.
 *
 * Purpose:  every kind of event that a trace can hold, with the name, meaning and print form of its arguments. The store, the dump,
 *           the importers and the manual page's table are made from it; a new kind is one line here (kinds are never renumbered, old
 *           traces are readable for ever).
 * Compiled: everything but core and the guest.
 */
#ifndef EGPU_TRACER_EVENT_H
#define EGPU_TRACER_EVENT_H

#include <stdint.h>

#define TRACE_ARGS_MAX 6

/* print form of an argument */
enum trace_form {
	TRACE_UNUSED,
	TRACE_DEC,    /* decimal */
	TRACE_HEX,    /* address or register value */
	TRACE_BYTES,  /* a size, decimal */
	TRACE_NS,     /* time on another clock, ns */
	TRACE_STRING, /* id in the trace's string table */
	TRACE_FLAGS,  /* see the comment of the kind */
};

/*
 * X(number, NAME, name, arg0, form0, … arg5, form5). "status" (0 or negative errno) and "device" are common to all kinds.
 *
 * region_read/write: a CPU access to region 0..5 (BAR), 6 (ROM), 7 (config space)
 * ram_map/unmap:     the client (QEMU) announced or withdrew guest memory; flags 1 readable 2 writable 4 has a file descriptor
 * req_map/unmap:     what the guest's driver asked ("request"); flags = dir (bits 0-1) | align_log2 << 8 | COMPANION_REC_… << 16
 *                    (bit 16 hit, 17 downgraded, 18 misaligned, 19 more of the same batch follow). iova is ~0 for a failed map
 * map/unmap:         what the IOMMU was asked ("mapping"); seq counts host calls, so events of one command share it. by: who refused it, 0 the
 *                    simulated IOMMU, 1 the machine's real one
 * irq:               the device raised an interrupt; type 0 INTx 1 MSI 2 MSI-X; delivered 0 if nobody listens
 * irq_config:        the client set up interrupts; flags as in VFIO_DEVICE_SET_IRQS
 * fault:             a device access to an address that is not mapped; flags 1 write
 * frame:             the device finished (presented) frame number n
 * mark:              a phase begins; text
 * clock:             relation of clocks: at this t_ns (the trace's clock) the guest's monotonic clock was guest_t_ns
 * gap:               lost events: count of them, since the previous event of the same stream
 * reset:             device reset; cause 0 client, 1 guest register, 2 disconnect
 * policy:            the guest announced the policy it runs; text
 */
#define TRACE_EVENTS(X)                                                                                                                    \
	X(1, REGION_READ, region_read, "region", DEC, "offset", HEX, "len", BYTES, "value", HEX, "", UNUSED, "", UNUSED)                   \
	X(2, REGION_WRITE, region_write, "region", DEC, "offset", HEX, "len", BYTES, "value", HEX, "", UNUSED, "", UNUSED)                 \
	X(3, RAM_MAP, ram_map, "iova", HEX, "len", BYTES, "offset", HEX, "flags", FLAGS, "", UNUSED, "", UNUSED)                           \
	X(4, RAM_UNMAP, ram_unmap, "iova", HEX, "len", BYTES, "", UNUSED, "flags", FLAGS, "", UNUSED, "", UNUSED)                          \
	X(5, REQ_MAP, req_map, "gpa", HEX, "len", BYTES, "iova", HEX, "flags", FLAGS, "guest_t", NS, "", UNUSED)                           \
	X(6, REQ_UNMAP, req_unmap, "gpa", HEX, "len", BYTES, "iova", HEX, "flags", FLAGS, "guest_t", NS, "", UNUSED)                       \
	X(7, MAP, map, "gpa", HEX, "len", BYTES, "iova", HEX, "seq", DEC, "by", DEC, "", UNUSED)                                           \
	X(8, UNMAP, unmap, "gpa", HEX, "len", BYTES, "iova", HEX, "seq", DEC, "by", DEC, "", UNUSED)                                       \
	X(9, IRQ, irq, "type", DEC, "vector", DEC, "delivered", DEC, "", UNUSED, "", UNUSED, "", UNUSED)                                   \
	X(10, IRQ_CONFIG, irq_config, "type", DEC, "start", DEC, "count", DEC, "flags", FLAGS, "", UNUSED, "", UNUSED)                     \
	X(11, FAULT, fault, "iova", HEX, "len", BYTES, "engine", DEC, "flags", FLAGS, "", UNUSED, "", UNUSED)                              \
	X(12, FRAME, frame, "frame", DEC, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED)                                      \
	X(13, MARK, mark, "text", STRING, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED)                                      \
	X(14, CLOCK, clock, "guest_t", NS, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED)                                     \
	X(15, GAP, gap, "count", DEC, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED)                                          \
	X(16, RESET, reset, "cause", DEC, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED)                                      \
	X(17, POLICY, policy, "text", STRING, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED, "", UNUSED)

enum trace_kind {
#define X(number, NAME, ...) TRACE_##NAME = number,
	TRACE_EVENTS(X)
#undef X
	TRACE_KINDS, /* one more than the highest number */
};

/* argument indexes, by the table above */
enum {
	TRACE_REGION_REGION = 0, TRACE_REGION_OFFSET, TRACE_REGION_LEN, TRACE_REGION_VALUE,
	TRACE_MAP_GPA = 0, TRACE_MAP_LEN, TRACE_MAP_IOVA, TRACE_MAP_SEQ, TRACE_MAP_BY, /* map, unmap */
	TRACE_REQ_GPA = 0, TRACE_REQ_LEN, TRACE_REQ_IOVA, TRACE_REQ_FLAGS, TRACE_REQ_GUEST_T, /* req_map, req_unmap */
	TRACE_RAM_IOVA = 0, TRACE_RAM_LEN, TRACE_RAM_OFFSET, TRACE_RAM_FLAGS,
};

/* flags of req_map and req_unmap */
#define TRACE_REQ_DIR(flags) ((unsigned int)((flags) & 3))
#define TRACE_REQ_ALIGN_LOG2(flags) ((unsigned int)((flags) >> 8 & 0xff))
#define TRACE_REQ_REC_FLAGS(flags) ((unsigned int)((flags) >> 16 & 0xff))
#define TRACE_REQ_MAKE_FLAGS(dir, align_log2, rec_flags) ((uint64_t)(dir) | (uint64_t)(align_log2) << 8 | (uint64_t)(rec_flags) << 16)
#define TRACE_REQ_MORE(flags) (((flags) >> 16 & 0x08) != 0)

/**
 * struct trace_event - one event, as emitted and as read back; 64 bytes.
 * @t_ns:   the trace's clock (CLOCK_MONOTONIC of the recorder, or the imported trace's own)
 * @kind:   enum trace_kind
 * @device: id from tracer_device(), 0 = none
 * @status: 0 or negative errno
 * @arg:    by the table above; unused ones are 0
 */
struct trace_event {
	uint64_t t_ns;
	uint16_t kind;
	uint16_t device;
	int32_t status;
	uint64_t arg[TRACE_ARGS_MAX];
};

struct trace_event_info {
	const char *name;
	const char *arg_name[TRACE_ARGS_MAX];
	enum trace_form arg_form[TRACE_ARGS_MAX];
};

/** trace_event_info() - the table's row for @kind; NULL if there is none. */
const struct trace_event_info *trace_event_info(unsigned int kind);

/** trace_event_kind() - the kind called @name; 0 if there is none. */
unsigned int trace_event_kind(const char *name);

#endif
