/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bars.h - where a device's BARs lay on the bus, worked out from the accesses to its configuration space.
 *
 * Purpose:  a trace records an access as BAR and offset. The bus address is what the guest last wrote into the BAR's register, if that is in
 *           the trace; else a made-up one that no machine uses, so that it cannot be taken for real: bits 63-56 0xe6, 55-40 the
 *           device's number in the trace, 39-36 the BAR, below it the offset.
 * Compiled: the pcap exporter.
 */
#ifndef EGPU_TRACER_EXPORT_BARS_H
#define EGPU_TRACER_EXPORT_BARS_H

#include <stdbool.h>
#include <stdint.h>

#define BARS_REGION_ROM 6u
#define BARS_REGION_CONFIG 7u
#define BARS_MADE_UP_BASE 0xe600000000000000u
#define BARS_CONFIG_BYTES 0x34u

/** struct bars - of one device. @value: first bytes of configuration space as last written, @known: by byte; @is64, @is_io: by BAR. */
struct bars {
	uint8_t value[BARS_CONFIG_BYTES];
	bool known[BARS_CONFIG_BYTES];
	bool is64[BARS_REGION_ROM + 1];
	bool is_io[BARS_REGION_ROM + 1];
};

/** bars_config() - an access of @len bytes at @offset of configuration space; only the first 8 bytes of @value count. */
void bars_config(struct bars *b, bool write, uint64_t offset, uint64_t len, uint64_t value);

/**
 * bars_address() - bus address of @offset in BAR @region (0..5, or BARS_REGION_ROM) of device number @device.
 * Return: true; false if it has none: an I/O BAR, or an offset that no address can express.
 */
bool bars_address(const struct bars *b, uint16_t device, uint64_t region, uint64_t offset, uint64_t *address);

#endif
