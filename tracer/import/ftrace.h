/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ftrace.h - from the text of Linux' dma:* tracepoints to a trace of requests.
 *
 * Purpose:  reads /sys/kernel/tracing/trace, trace_pipe, "trace-cmd report" or "perf script" text of any kernel that has the events
 *           (6.12 on) and emits what the drivers asked: REQ_MAP and REQ_UNMAP, FRAME and MARK for trace markers, GAP for lost events. No
 *           line is fatal; what was assumed, collapsed, not understood or not matched is counted and stored in the trace's account.
 * Compiled: egpu-trace.
 *
 * Semantics: one request is one map_page, map_phys, map_resource or alloc line, or one element of a map_sg line; the elements of a line
 * form a batch. unmap_sg ends what the map_sg with the same device and first physical address mapped. A failed map (dma_addr all ones, or
 * an allocation at 0) has status -EIO and IOVA ~0. Sync events are ignored. An unmap that matches nothing is counted and not emitted.
 * iommu:map and iommu:unmap have neither device nor domain: they become MAP and UNMAP only if asked for.
 */
#ifndef EGPU_TRACER_IMPORT_FTRACE_H
#define EGPU_TRACER_IMPORT_FTRACE_H

#include <stdint.h>

#include "tracer/import/import.h"

/*
 * X(name, note): a counter of struct ftrace_report and a line of the account. In this order, first what was read, then what is to be
 * known about it.
 */
#define FTRACE_COUNTS(X)                                                                                                                   \
	X(lines, "lines read")                                                                                                             \
	X(requests_mapped, "map requests emitted, failed ones included")                                                                   \
	X(requests_unmapped, "unmap requests emitted")                                                                                     \
	X(requests_live_at_end, "requests that no line of the trace ends")                                                                 \
	X(frames, "trace markers \"frame N\"")                                                                                             \
	X(marks, "other trace markers")                                                                                                    \
	X(maps_failed, "map requests that the kernel refused")                                                                             \
	X(syncs_ignored, "sync events: they map nothing")                                                                                  \
	X(events_other, "events that are no DMA request, ignored")                                                                         \
	X(lines_unknown, "lines of no known shape, ignored")                                                                               \
	X(lines_malformed, "DMA events with missing or nonsensical fields, ignored")                                                       \
	X(lines_too_long, "lines longer than 1 MiB, ignored")                                                                              \
	X(source_events_lost, "events the tracing kernel lost, as far as it says; each place is a gap event")                              \
	X(source_loss_markers, "places where the tracing kernel lost events")                                                              \
	X(source_events_overwritten, "events the tracing kernel overwrote before the text was read")                                       \
	X(sg_truncated, "map_sg lines that the kernel cut off")                                                                            \
	X(sg_elements_unknown, "elements of them that are therefore not in this trace")                                                    \
	X(sg_merged, "map_sg lines with fewer DMA segments than pages: their gpa is assumed to be the DMA address")                        \
	X(sg_unparsed, "sg lines read from their raw bytes, because the tool that printed them failed to parse them")                      \
	X(alloc_gpa_assumed, "allocations, which show no physical address: their gpa is assumed to be the DMA address")                    \
	X(maps_direct, "maps that show dma_addr equal to phys_addr")                                                                       \
	X(maps_translated, "maps that show dma_addr different from phys_addr")                                                             \
	X(double_reports_collapsed, "maps and unmaps reported twice, by a DMA layer above the kernel's own")                               \
	X(unmaps_unmatched, "unmaps of what the trace never mapped, not emitted")                                                          \
	X(unmaps_size_differs, "unmaps whose size is not what was mapped; the mapped size is taken")                                       \
	X(iommu_maps, "iommu:map events, emitted as mappings")                                                                             \
	X(iommu_unmaps, "mappings that iommu:unmap ended")                                                                                 \
	X(iommu_unmaps_unmatched, "iommu:unmap of what the trace never mapped, or of a part of a mapping; not emitted")                    \
	X(iommu_maps_replaced, "iommu:map where something was mapped: the older mapping is assumed to have ended, not emitted")            \
	X(iommu_ignored, "iommu:map and iommu:unmap events ignored; --iommu takes them")                                                   \
	X(swiotlb_bounced, "mappings that went through a bounce buffer (swiotlb)")                                                         \
	X(devices_refused, "lines of devices beyond the 65,535th, ignored")

/** struct ftrace_report - the counters. */
struct ftrace_report {
#define X(name, note) uint64_t name;
	FTRACE_COUNTS(X)
#undef X
};

/** ftrace_import() - see import_format. Return: also -ENODATA if nothing in the text is a DMA event. */
int ftrace_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);

#endif
