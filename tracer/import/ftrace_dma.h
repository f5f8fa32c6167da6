/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ftrace_dma.h - what the lines of dma:* events mean.
 *
 * Compiled: the ftrace importer; shared by ftrace.c (the file) and ftrace_dma.c (the events), private to them.
 */
#ifndef EGPU_TRACER_IMPORT_FTRACE_DMA_H
#define EGPU_TRACER_IMPORT_FTRACE_DMA_H

#include "tracer/import/ftrace.h"
#include "tracer/import/ftrace_line.h"
#include "tracer/import/live.h"

#define FTRACE_RECENT_SLOTS 256

/** struct ftrace_recent - the last single map of a task, to recognise when the same is reported again. */
struct ftrace_recent {
	bool set;
	uint32_t pid;
	uint16_t device;
	uint8_t dir;
	uint64_t phys, size, dma_addr;
};

struct ftrace_import {
	struct tracer *out;
	struct tracer_ring *ring;
	struct ftrace_report *report;
	struct live *live;
	void *devices; /* tsearch tree */
	uint64_t last_t_ns;
	struct ftrace_array phys, addrs, lens;
	struct ftrace_recent recent[FTRACE_RECENT_SLOTS];
};

/**
 * ftrace_dma_line() - handle a line if it is a dma:* event.
 * Return: 1 it was; 0 it is another event; -EINVAL it was, but makes no sense; -ENOMEM; -ENOSPC too many devices.
 */
int ftrace_dma_line(struct ftrace_import *im, const struct ftrace_line *line);

/** ftrace_dma_free() - what ftrace_dma_line() has allocated. */
void ftrace_dma_free(struct ftrace_import *im);

#endif
