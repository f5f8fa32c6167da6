/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * egpu_gpu.h - /dev/egpu0: what a program in the guest can ask of the simulated GPU's driver.
 *
 * Purpose:  enough of a GPU's interface to load, run and verify a workload: buffers in system memory, copies between them and VRAM,
 *           fences, frames, marks; and a way to put the page allocator into the state of a machine that has been used for a while.
 * Compiled: guest kernel module and guest programs.
 * Errors:   every request returns 0 or -1 with errno. ENODEV: the device or its driver has gone. EIO: the GPU no longer fetches commands (a DMA
 *           fault on its ring or fence, a ring error). All that a file made ends when the file is closed, by death too.
 * Order:    copies, fences, presents and marks of all files go through one ring and are executed in order.
 */
#ifndef EGPU_GUEST_EGPU_GPU_H
#define EGPU_GUEST_EGPU_GPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define EGPU_GPU_PATH "/dev/egpu0"

#define EGPU_PAGE_BYTES 4096u
#define EGPU_BUFFER_BYTES_MAX (64u << 20)
#define EGPU_CONTIGUOUS_BYTES_MAX (4u << 20)
#define EGPU_PAGE_LOG2_MAX 22

#define EGPU_BUFFER_CONTIGUOUS 0x1u /* one piece of memory, @len_bytes a power of two; else single pages, each mapped for itself */

/**
 * struct egpu_alloc - make a buffer and map it for the device.
 * @len_bytes: a multiple of EGPU_PAGE_BYTES, at most EGPU_BUFFER_BYTES_MAX
 * @page_log2: size of page that the GPU should use, 0 = default, 12..EGPU_PAGE_LOG2_MAX. If the DMA layer says that it cannot promise such
 *             alignment, default pages are used. If it makes no statement and the address is misaligned, the request fails with EINVAL, as
 *             NVIDIA's resource manager fails (NV_ERR_INVALID_OFFSET).
 * @flags:     EGPU_BUFFER_…
 * @handle:    out, never 0
 * @used_log2: out, page size used; 0 = default
 *
 * Errors: ENOMEM no memory (of this shape); ENOSPC the DMA layer could not map it; EINVAL.
 */
struct egpu_alloc {
	__u64 len_bytes;
	__u32 page_log2;
	__u32 flags;
	__u32 handle;
	__u32 used_log2;
};

/**
 * struct egpu_pattern - fill a buffer with egpu_pattern_word(), or compare it.
 * @mismatch_bytes: compare: out, offset of the first wrong word; ~0 if all are right
 */
struct egpu_pattern {
	__u32 handle;
	__u32 pad;
	__u64 seed;
	__u64 mismatch_bytes;
};

/**
 * struct egpu_copy - queue a copy of a whole buffer to (upload) or from VRAM at @vram_bytes. Returns before it is done.
 */
struct egpu_copy {
	__u32 handle;
	__u32 upload;
	__u64 vram_bytes;
};

/**
 * struct egpu_vram - CPU access to VRAM through the BAR.
 * @write: 0 read into, 1 write from the @len_bytes (at most EGPU_PAGE_BYTES) at user address @data
 */
struct egpu_vram {
	__u64 vram_bytes;
	__u64 data;
	__u32 len_bytes;
	__u32 write;
};

/** struct egpu_wait - wait until fence @value is reached; ETIMEDOUT after @timeout_ms. */
struct egpu_wait {
	__u64 value;
	__u32 timeout_ms;
	__u32 pad;
};

struct egpu_mark {
	char text[48]; /* NUL-terminated */
};

/**
 * struct egpu_fragment - take most free memory in single pages and give a pattern of holes back, so that later allocations are scattered
 * as on a machine that has run for long. The rest is held until the file is closed; a second call releases the first's.
 * @keep_bytes:      memory left free beside the holes
 * @blocks_bytes:    given back as whole, aligned 4 MiB blocks (for large buffers)
 * @seed:            of the pattern
 * @touched_percent: share of the 16 KiB granules that get holes
 * @pages_min, @pages_max: holes (4 KiB pages) per such granule, 1..4
 * @cluster_log2:    holes are given back cluster by cluster in random order, so what is allocated together lies together; 14..24
 * @held_bytes, @hole_pages, @hole_granules: out
 */
struct egpu_fragment {
	__u64 keep_bytes;
	__u64 blocks_bytes;
	__u64 seed;
	__u32 touched_percent;
	__u32 pages_min;
	__u32 pages_max;
	__u32 cluster_log2;
	__u64 held_bytes;
	__u64 hole_pages;
	__u64 hole_granules;
};

struct egpu_stats {
	__u64 vram_bytes;
	__u64 promised_log2;    /* alignment that DMA addresses have for certain, 0 = nothing is said */
	__u64 live_buffers;
	__u64 live_bytes;
	__u64 faults;           /* reported by the device */
	__u64 first_fault_iova; /* ~0 = none */
	__u64 fence_irqs, fault_irqs, present_irqs;
	__u64 commands;
};

#define EGPU_IOC_ALLOC _IOWR('E', 1, struct egpu_alloc)
#define EGPU_IOC_FREE _IOW('E', 2, __u32)
#define EGPU_IOC_FILL _IOW('E', 3, struct egpu_pattern)
#define EGPU_IOC_CHECK _IOWR('E', 4, struct egpu_pattern)
#define EGPU_IOC_COPY _IOW('E', 5, struct egpu_copy)
#define EGPU_IOC_FENCE _IOR('E', 6, __u64) /* queue a fence behind all that was queued; its value */
#define EGPU_IOC_WAIT _IOW('E', 7, struct egpu_wait)
#define EGPU_IOC_PRESENT _IOW('E', 8, __u32) /* queue the end of frame number N */
#define EGPU_IOC_MARK _IOW('E', 9, struct egpu_mark)
#define EGPU_IOC_VRAM _IOW('E', 10, struct egpu_vram)
#define EGPU_IOC_FRAGMENT _IOWR('E', 11, struct egpu_fragment)
#define EGPU_IOC_STATS _IOR('E', 12, struct egpu_stats)

/* a good mixer (the finaliser of splitmix64): neighbouring inputs give unrelated outputs */
static inline __u64 egpu_mix64(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/** egpu_random() - next number of the sequence that @state holds. */
static inline __u64 egpu_random(__u64 *state)
{
	return egpu_mix64(*state += 0x9e3779b97f4a7c15ull);
}

/** egpu_pattern_word() - what 8-byte word number @index of a buffer holds after EGPU_IOC_FILL with @seed. */
static inline __u64 egpu_pattern_word(__u64 seed, __u64 index)
{
	return (seed ^ index) * 0x9e3779b97f4a7c15ull;
}

#endif
