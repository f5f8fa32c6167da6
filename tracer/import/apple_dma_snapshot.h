/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * apple_dma_snapshot.h - "name: number" lines of /sys/kernel/debug/apple_dma/snapshot.
 *
 * Compiled: the apple-dma importer; private to it.
 */
#ifndef EGPU_TRACER_IMPORT_APPLE_DMA_SNAPSHOT_H
#define EGPU_TRACER_IMPORT_APPLE_DMA_SNAPSHOT_H

#include "tracer/import/import.h"

/* X(name, note): a line of the snapshot, and of the account as snapshot_NAME */
#define APPLE_DMA_SNAPSHOT(X)                                                                                                              \
	X(current_maps, "snapshot: mappings live when it was taken, before windows")                                                       \
	X(current_bytes, "snapshot: bytes of them")                                                                                        \
	X(hwm_maps, "snapshot: most mappings live at once since the module's counters were reset, before windows")                         \
	X(hwm_bytes, "snapshot: most bytes mapped at once")                                                                                \
	X(trace_entries, "snapshot: rows in the ring")                                                                                     \
	X(trace_capacity, "snapshot: rows that the ring can hold")                                                                         \
	X(window_shift, "snapshot: log2 of the window, 0 off")                                                                             \
	X(window_size, "snapshot: bytes of a window")                                                                                      \
	X(window_count, "snapshot: windows mapped when it was taken; these are what the IOMMU has")

/** struct apple_dma_snapshot - @read is false if there is none; a line that is not there is 0. */
struct apple_dma_snapshot {
	bool read;
#define X(name, note) uint64_t name;
	APPLE_DMA_SNAPSHOT(X)
#undef X
};

/** apple_dma_snapshot_read() - Return: 0; -ENODATA if no line of @path is one of a snapshot; other -errno; @error filled. */
int apple_dma_snapshot_read(const char *path, struct apple_dma_snapshot *out, char *error);

/** apple_dma_snapshot_describe() - put it into the report, if there is one, and say so. */
void apple_dma_snapshot_describe(struct import *im, const struct apple_dma_snapshot *snapshot);

#endif
