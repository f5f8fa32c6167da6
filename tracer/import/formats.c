/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/formats.h"

#include <string.h>

#include "tracer/import/apple_dma.h"
#include "tracer/import/frames.h"
#include "tracer/import/ftrace.h"
#include "tracer/import/mmiotrace.h"
#include "tracer/import/qemu.h"

static const struct import_format formats[] = {
	{ "ftrace", "Linux dma:* (and iommu:*) tracepoints as text: trace, trace_pipe, trace-cmd report, perf script", IMPORT_TAKES_IOMMU,
	  ftrace_import },
	{ "apple-dma", "debugfs trace of the apple_dma guest module: timestamp_ns,op,gpa_hex,size,active_maps,active_bytes",
	  IMPORT_TAKES_SNAPSHOT, apple_dma_import },
	{ "mmiotrace", "Linux' mmiotrace (x86): register accesses, with BARs by its PCIDEV lines", 0, mmiotrace_import },
	{ "qemu-log", "QEMU's -trace output in words: virtio_iommu_*, vfio_*, vfio_user_*; with or without times", 0, qemu_log_import },
	{ "qemu-simple", "QEMU's simple trace, version 4 (binary), with the same events", IMPORT_TAKES_EVENTS, qemu_simple_import },
	{ "mangohud", "MangoHud's log of frames (CSV), put onto a trace", IMPORT_NEEDS_ONTO, mangohud_import },
	{ "presentmon", "PresentMon's log of frames (CSV, 1.x and 2.x), put onto a trace", IMPORT_NEEDS_ONTO, presentmon_import },
};

const struct import_format *import_format_at(unsigned int index)
{
	return index < sizeof(formats) / sizeof(formats[0]) ? &formats[index] : NULL;
}

const struct import_format *import_format_find(const char *name)
{
	const struct import_format *format;

	for (unsigned int i = 0; (format = import_format_at(i)); i++) {
		if (strcmp(format->name, name) == 0)
			return format;
	}
	return NULL;
}
