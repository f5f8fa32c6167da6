/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * tlp.h - transaction layer packets of PCI Express, as bytes.
 *
 * Purpose:  builds the headers of the PCI Express Base Specification's chapter 2 ("Transaction Layer Specification"): double words in
 *           big-endian order, data in the order of memory. No prefixes, no digest, traffic class 0.
 * Compiled: the pcap exporter. Pure functions of their arguments.
 */
#ifndef EGPU_TRACER_EXPORT_TLP_H
#define EGPU_TRACER_EXPORT_TLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLP_PAYLOAD_MAX 4096u
#define TLP_PAGE_BYTES 4096u /* no request crosses a multiple of this */
#define TLP_CONFIG_BYTES 4096u

/* who sends a Vendor_Defined message, in its header: the id of the simulated devices, which no vendor owns */
#define TLP_VENDOR_ID 0x1234
#define TLP_VENDOR_MAGIC 0x65677075u /* "egpu", in the header's last double word */

struct tlp {
	uint8_t bytes[16 + TLP_PAYLOAD_MAX];
	size_t len;
};

/**
 * struct tlp_access - one access of the CPU, within one TLP_PAGE_BYTES page (memory) or one double word (configuration space).
 * @requester: bus, device and function of who asks
 * @completer: of the device
 * @address:   bus address, or offset in configuration space
 * @len:       1..8 bytes
 * @value:     little-endian
 */
struct tlp_access {
	uint16_t requester;
	uint16_t completer;
	uint8_t tag;
	uint64_t address;
	uint32_t len;
	uint64_t value;
};

/** tlp_memory() - MRd or MWr; three double words of header below 4 GiB, four above. */
void tlp_memory(struct tlp *p, const struct tlp_access *a, bool write);

/** tlp_memory_completion() - the CplD of a successful tlp_memory() read. */
void tlp_memory_completion(struct tlp *p, const struct tlp_access *a);

/** tlp_config() - CfgRd0 or CfgWr0. */
void tlp_config(struct tlp *p, const struct tlp_access *a, bool write);

/** tlp_config_completion() - the CplD of a read, the Cpl of a write. */
void tlp_config_completion(struct tlp *p, const struct tlp_access *a, bool write);

/** tlp_intx() - Msg Assert_INTA (@pin 0) to Assert_INTD (3). */
void tlp_intx(struct tlp *p, uint16_t requester, uint8_t pin);

/** tlp_vendor() - MsgD Vendor_Defined Type 1 to the root complex with @len bytes of data, padded with zeros to double words. */
void tlp_vendor(struct tlp *p, uint16_t requester, const void *data, size_t len);

#endif
