/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ftrace_dma.h - what the lines of dma:* events mean.
 *
 * Compiled: the ftrace importer; shared by ftrace.c (the file), ftrace_dma.c and ftrace_iommu.c (the events), private to them.
 */
#ifndef EGPU_TRACER_IMPORT_FTRACE_DMA_H
#define EGPU_TRACER_IMPORT_FTRACE_DMA_H

#include "tracer/import/ftrace.h"
#include "tracer/import/ftrace_line.h"
#include "tracer/import/live.h"
#include "tracer/import/spans.h"

#define FTRACE_RECENT_SLOTS 256

/** struct ftrace_recent - the last single map of a task, to recognise when the same is reported again. */
struct ftrace_recent {
	bool set;
	uint32_t pid;
	uint16_t device;
	uint8_t dir;
	uint64_t phys, size, dma_addr;
};

/**
 * struct ftrace_import - an import under way.
 * @mappings:   of iommu:map
 * @bare_clock: a line's time is a whole number without a unit
 */
struct ftrace_import {
	struct import base;
	struct ftrace_report report;
	struct live *live;
	struct spans mappings;
	uint64_t seq;
	bool bare_clock;
	struct ftrace_array phys, addrs, lens;
	struct ftrace_recent recent[FTRACE_RECENT_SLOTS];
};

/**
 * ftrace_dma_line() - handle a line if it is a dma:* event.
 * Return: 1 it was; 0 it is another event; -EINVAL it was, but makes no sense; -ENOMEM; -ENOSPC too many devices.
 */
int ftrace_dma_line(struct ftrace_import *im, const struct ftrace_line *line);

/** ftrace_iommu_line() - the same for iommu:map, iommu:unmap and swiotlb:swiotlb_bounced. */
int ftrace_iommu_line(struct ftrace_import *im, const struct ftrace_line *line);

/** ftrace_dma_free() - what ftrace_dma_line() has allocated. */
void ftrace_dma_free(struct ftrace_import *im);

#endif
