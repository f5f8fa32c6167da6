/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * apple_dma.h - from the debugfs trace of the apple_dma guest module (scottjg/qemu-vfio-apple) to a trace of requests.
 *
 * Purpose:  reads /sys/kernel/debug/apple_dma/trace, "timestamp_ns,op,gpa_hex,size,active_maps,active_bytes", and optionally its snapshot.
 *           Rows are what the guest's drivers asked, before windows coalesce it: M maps or allocates, U unmaps, F frees, S and T map and
 *           unmap one segment of a list. The module's ring keeps the newest 262,144 rows, so the first ones may end what was mapped before.
 * Compiled: egpu-trace.
 *
 * Semantics: an M is ended by a U or an F of the same address, an S by a T; the same address may be live several times. The rows hold no
 * IOVA (it is 0 here), no direction (both is assumed), no device (one is assumed) and no failed maps. A size of 4 GiB or more wraps in its
 * column: it is mended from active_bytes where the rows are next to each other.
 */
#ifndef EGPU_TRACER_IMPORT_APPLE_DMA_H
#define EGPU_TRACER_IMPORT_APPLE_DMA_H

#include "tracer/import/import.h"

/** apple_dma_import() - see import_format. */
int apple_dma_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);

#endif
