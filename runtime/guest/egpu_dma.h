/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * egpu_dma.h - what a GPU's driver may say to, and learn from, the egpu_dma module through the stock DMA API.
 *
 * Purpose:  egpu_dma replaces the dma_map_ops of one PCI function. A driver needs no change to work with it. A driver that wants its DMA
 *           addresses aligned to large pages can use two things that the DMA API passes through untouched:
 *             - EGPU_DMA_ATTR_ALIGN() in the attrs of a map or an allocation says which alignment it wants. Nothing is promised; the
 *               wish is recorded, and the address shows whether it was met. A kernel without egpu_dma ignores the bits.
 *             - dma_get_merge_boundary() returns the granule less one when the alignment shim is on ("align=downgrade"): larger alignment
 *               cannot be had, use default pages. It returns 0 when the shim is off.
 * Compiled: guest kernel modules. Constants only.
 */
#ifndef EGPU_GUEST_EGPU_DMA_H
#define EGPU_GUEST_EGPU_DMA_H

#define EGPU_DMA_ATTR_ALIGN_SHIFT 24
#define EGPU_DMA_ATTR_ALIGN_MASK (0x3ful << EGPU_DMA_ATTR_ALIGN_SHIFT) /* above every DMA_ATTR_… of Linux 6.1 to 6.12 */

/* log2 of the alignment wanted, 0 = nothing special */
#define EGPU_DMA_ATTR_ALIGN(log2) ((unsigned long)(log2) << EGPU_DMA_ATTR_ALIGN_SHIFT & EGPU_DMA_ATTR_ALIGN_MASK)
#define EGPU_DMA_ATTR_ALIGN_OF(attrs) ((unsigned int)(((attrs)&EGPU_DMA_ATTR_ALIGN_MASK) >> EGPU_DMA_ATTR_ALIGN_SHIFT))

#endif
