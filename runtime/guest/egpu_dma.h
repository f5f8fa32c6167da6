/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * egpu_dma.h - what a GPU's driver may say to, and learn from, the egpu_dma module through the stock DMA API.
 *
 * Purpose:  egpu_dma replaces the dma_map_ops of one PCI function. A driver needs no change to work with it. A driver that wants its DMA
 *           addresses aligned to large pages can use two things:
 *             - EGPU_DMA_ATTR_ALIGN() in the attrs of a map or an allocation says which alignment it wants. Nothing is promised; the
 *               wish is recorded, and the address shows whether it was met. A kernel without egpu_dma ignores the bits.
 *             - egpu_dma_promised_log2(), by symbol_get(), so that the driver also loads and runs without egpu_dma.
 * Compiled: guest kernel modules.
 */
#ifndef EGPU_GUEST_EGPU_DMA_H
#define EGPU_GUEST_EGPU_DMA_H

struct device;

#define EGPU_DMA_ATTR_ALIGN_SHIFT 24
#define EGPU_DMA_ATTR_ALIGN_MASK (0x3ful << EGPU_DMA_ATTR_ALIGN_SHIFT) /* above every DMA_ATTR_… of Linux 6.1 to 6.12 */

/* log2 of the alignment wanted, 0 = nothing special */
#define EGPU_DMA_ATTR_ALIGN(log2) ((unsigned long)(log2) << EGPU_DMA_ATTR_ALIGN_SHIFT & EGPU_DMA_ATTR_ALIGN_MASK)
#define EGPU_DMA_ATTR_ALIGN_OF(attrs) ((unsigned int)(((attrs)&EGPU_DMA_ATTR_ALIGN_MASK) >> EGPU_DMA_ATTR_ALIGN_SHIFT))

/**
 * egpu_dma_promised_log2() - the alignment that DMA addresses of @dev have for certain. Ask at probe; the answer holds until remove.
 *
 * Return: log2 of the granule if the alignment shim is on: more cannot be had, use default pages. 0 if nothing is said: the shim is off
 * (align=none), or @dev is not egpu_dma's.
 */
unsigned int egpu_dma_promised_log2(struct device *dev);

#endif
