/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * egpu_gpu_device.h - the parts of the simulated GPU's driver.
 *
 * Parts:    egpu_gpu_main.c      module, PCI driver, interrupts, life and death
 *           egpu_gpu_ring.c      command ring and fences
 *           egpu_gpu_buffer.c    buffers: memory, DMA, pattern
 *           egpu_gpu_fragment.c  holes in the page allocator
 *           egpu_gpu_file.c      /dev/egpu0
 * Locks:    @lock for everything but what interrupts touch (fence memory, @wedged, the counters). A device that goes while files are open sets
 *           @gone under @lock; the structure itself lives as long as a file or the driver refers to it.
 * DMA:      nothing but Linux's stock DMA API, and the two things that egpu_dma.h describes.
 */
#ifndef EGPU_GUEST_EGPU_GPU_DEVICE_H
#define EGPU_GUEST_EGPU_GPU_DEVICE_H

#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "runtime/device/sim_gpu_regs.h"
#include "runtime/guest/egpu_gpu.h"

#define EGPU_GPU_RING_LOG2 10
#define EGPU_GPU_RING_SLOTS (1u << EGPU_GPU_RING_LOG2)
#define EGPU_GPU_PATIENCE_MS 10000

struct egpu_gpu {
	struct kref kref;
	struct mutex lock;
	bool gone;
	struct pci_dev *pdev;
	void __iomem *regs;
	void __iomem *vram;
	u64 vram_bytes;
	u32 promised_log2; /* egpu_dma_promised_log2(), 0 if egpu_dma is not there */
	struct miscdevice misc;
	struct list_head files;

	struct sim_gpu_cmd *ring;
	dma_addr_t ring_iova;
	u64 *fence; /* last fence value that the device wrote; in the page behind the ring */
	u64 head;   /* commands ever queued */
	u64 tail;   /* of those, known to be executed */

	wait_queue_head_t wait;
	u64 fence_seen; /* *@fence at the last interrupt; outlives the ring */
	bool wedged;
	u64 live_buffers, live_bytes;
	u64 faults, first_fault_iova, fence_irqs, fault_irqs, present_irqs;
};

/**
 * struct egpu_buffer - system memory that is mapped for the device.
 * @chunk:       the memory if it is one chunk, else @chunks lists @nchunks of them, each of 2^@order pages
 * @iova:        one chunk: its address. More: @table holds the addresses, and @segments at @list_iova the same for the device
 * @last_use:    @head after the last command that uses it
 */
struct egpu_buffer {
	u64 len_bytes;
	u32 order;
	u32 nchunks;
	union {
		struct page *chunk;
		struct page **chunks;
	};
	dma_addr_t iova;
	unsigned long attrs;
	struct sg_table *table;
	struct sim_gpu_segment *list;
	dma_addr_t list_iova;
	u64 last_use;
};

/** struct egpu_ballast - memory held by EGPU_IOC_FRAGMENT: bit k of @map is page frame @first + k. */
struct egpu_ballast {
	unsigned long first, npages;
	unsigned long *map;
};

struct egpu_file {
	struct list_head link;
	struct egpu_gpu *gpu;
	struct xarray buffers;
	struct egpu_ballast ballast;
};

void egpu_gpu_put(struct egpu_gpu *g);

/* ---- ring: under @lock ---- */
int egpu_gpu_ring_start(struct egpu_gpu *g); /* also resets the device */
void egpu_gpu_ring_stop(struct egpu_gpu *g); /* the device does no DMA any more */
int egpu_gpu_queue(struct egpu_gpu *g, const struct sim_gpu_cmd *cmd);
int egpu_gpu_queue_fence(struct egpu_gpu *g, u64 *value);
/** egpu_gpu_wait() - may be called without @lock. Return: 0, -ETIMEDOUT, -EIO, -ENODEV, -ERESTARTSYS. */
int egpu_gpu_wait(struct egpu_gpu *g, u64 value, u32 timeout_ms);
/** egpu_gpu_idle_until() - wait until the command before @position is executed; not interruptible, bounded. */
int egpu_gpu_idle_until(struct egpu_gpu *g, u64 position);

/* ---- buffers: under @lock ---- */
int egpu_buffer_new(struct egpu_gpu *g, struct egpu_alloc *want, struct egpu_buffer **out);
void egpu_buffer_free(struct egpu_gpu *g, struct egpu_buffer *b); /* waits for the device to be done with it */
int egpu_buffer_copy(struct egpu_gpu *g, struct egpu_buffer *b, bool upload, u64 vram_bytes);
void egpu_buffer_fill(struct egpu_buffer *b, u64 seed);
/** egpu_buffer_check() - Return: offset of the first word that is not as egpu_buffer_fill() left it; ~0 if none. */
u64 egpu_buffer_check(struct egpu_buffer *b, u64 seed);

/* ---- fragmentation ---- */
int egpu_fragment(struct egpu_ballast *ballast, struct egpu_fragment *f);
void egpu_fragment_release(struct egpu_ballast *ballast);

/* ---- files ---- */
extern const struct file_operations egpu_gpu_fops;
void egpu_file_release_all(struct egpu_file *f); /* under @lock: free its buffers while the device is there */

#endif
