/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * packets.h - the packets that stand for an event.
 *
 * Purpose:  decides which event is which transaction; see egpu-trace(1), "export", for the mapping. What has no form on a PCI Express link is a
 *           Vendor_Defined message with a struct packets_record.
 * Compiled: the pcap exporter.
 * Memory:   about 100 bytes per device of the trace.
 */
#ifndef EGPU_TRACER_EXPORT_PACKETS_H
#define EGPU_TRACER_EXPORT_PACKETS_H

#include "tracer/export/bars.h"
#include "tracer/export/tlp.h"
#include "tracer/tracer.h"

#define PACKETS_RECORD_VERSION 1
#define PACKETS_TEXT_MAX 1024u

/* numbers of records that are no events */
#define PACKETS_KIND_META 0xff00   /* text: key=value of what the trace says about itself */
#define PACKETS_KIND_DEVICE 0xff01 /* text: name and identity of the device; before its first packet */

/* bits 63-56 of the made-up address of an interrupt, where the guest's own is not in the trace; 55-40 device, 39-36 type, 35-4 vector */
#define PACKETS_IRQ_BASE 0xe700000000000000u

#define PACKETS_FLAG_TEXT_CUT 1u

/**
 * struct packets_record - data of a Vendor_Defined message; little-endian, followed by text_bytes of text and zeros to a multiple of 4.
 * @version: PACKETS_RECORD_VERSION; a reader that knows a lower one must not read on
 * @kind:    enum trace_kind, or PACKETS_KIND_…
 * @device:  its number in the trace, 0 none
 * @status, @arg: as in the event
 * @flags:   PACKETS_FLAG_…
 */
struct packets_record {
	uint16_t version;
	uint16_t kind;
	uint16_t device;
	uint16_t text_bytes;
	int32_t status;
	uint32_t flags;
	uint64_t arg[TRACE_ARGS_MAX];
};

/* what is known of a device */
struct packets_device {
	struct bars bars;
	uint16_t id; /* bus, device, function */
	bool announced;
	uint8_t next_tag;
};

/**
 * struct packets - the way from events to packets.
 * @put: gets every packet. Return: 0 or negative errno, which ends it all
 * The rest is private.
 */
struct packets {
	struct trace *trace;
	int (*put)(void *ctx, uint64_t t_ns, const struct tlp *p);
	void *ctx;
	struct packets_device *device;
	unsigned int devices;
	uint64_t t_ns;
	struct tlp tlp;
};

/** packets_begin() - what the trace says about itself, dated @t_ns. */
int packets_begin(struct packets *p, uint64_t t_ns);

/** packets_event() - Return: 0; -ENOMEM; what put returned. */
int packets_event(struct packets *p, const struct trace_event *event);

void packets_free(struct packets *p);

#endif
