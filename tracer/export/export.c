/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/export.h"

#include <string.h>

const struct export_format export_formats[] = {
	{ .name = "pcap", .summary = "PCIe packets for Wireshark and tshark, times in ns", .binary = true, .follows = true, .write = pcap_write },
	{ .name = "perfetto", .summary = "protobuf for ui.perfetto.dev and trace_processor: live sets, frame rate, frames, phases, interrupts, faults",
	  .binary = true, .write = perfetto_write },
	{ .name = "csv", .summary = "comma-separated values, as dump --csv prints them", .dump_option = "--csv" },
	{ .name = "jsonl", .summary = "a JSON object a line, as dump --json prints them", .dump_option = "--json" },
};

const size_t export_formats_count = sizeof(export_formats) / sizeof(export_formats[0]);

const struct export_format *export_format(const char *name)
{
	for (size_t i = 0; i < export_formats_count; i++) {
		if (strcmp(export_formats[i].name, name) == 0)
			return &export_formats[i];
	}
	return NULL;
}
