/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * mapper.h - the IOMMU of a session: the simulated DART with, for a real device, the machine's IOMMU behind it; traced.
 *
 * Purpose:  three ways lead here. companion: the guest module asks, the host picks the IOVA. premap: all memory the client announces is
 *           mapped where it lies. viommu: what the client announces is what the guest mapped in its virtual IOMMU. In these two each announced
 *           range is one request and one mapping.
 *           What the simulated limits refuse never reaches the real IOMMU; what that one refuses is recorded as such.
 * Threads:  every function may be called from any device's thread; a lock inside. A device's copy holds it, so that an unmap waits for a copy
 *           in flight, as an IOMMU's invalidation does.
 */
#ifndef EGPU_RUNTIME_MAPPER_H
#define EGPU_RUNTIME_MAPPER_H

#include "runtime/core/companion.h"
#include "runtime/dart/dart.h"
#include "runtime/guest_memory.h"
#include "runtime/iommu.h"
#include "tracer/tracer.h"

struct mapper;

enum mapper_way { MAPPER_COMPANION, MAPPER_PREMAP, MAPPER_VIOMMU };

/**
 * struct mapper_options - how to map.
 * @limits: of the simulated DART; where the guest picks the IOVA its aperture is the whole address space
 * @real:   the machine's IOMMU, NULL for a simulated device; outlives the mapper
 * @device: the trace's id of the device whose DMA this is
 * @low_ram_bytes: guest RAM below 4 GiB, 0 = all. Turns an offset in the client's RAM file into the guest-physical address of an event
 */
struct mapper_options {
	const struct dart_limits *limits;
	enum mapper_way way;
	struct iommu *real;
	u16 device;
	u64 low_ram_bytes;
};

/** mapper_new() - Return: NULL without memory, with absurd limits, or if these leave nothing of what the real IOMMU can map. */
struct mapper *mapper_new(const struct mapper_options *options);
void mapper_free(struct mapper *m); /* NULL is allowed */

/**
 * mapper_submit() - execute a batch of the companion, and record each entry as one map or unmap event.
 * @op:   COMPANION_OP_MAP or COMPANION_OP_UNMAP
 * @gm:   guest memory by guest-physical address, of the calling thread; what the real IOMMU maps. Parts of an entry that are no memory (a
 *        window over a hole) are left out there
 * @ring: the calling thread's; NULL = not traced
 */
void mapper_submit(struct mapper *m, u32 op, struct companion_entry *entries, u32 n, struct guest_memory *gm, struct tracer_ring *ring);

/**
 * mapper_client_map() - the client announced memory (premap, viommu).
 * @gm:     holds it already, by IOVA
 * @offset: in the client's RAM file
 *
 * Return: 0; why it was refused (see dart.h, iommu.h).
 */
int mapper_client_map(struct mapper *m, struct guest_memory *gm, struct span range_iova, u64 offset, struct tracer_ring *ring);

/**
 * mapper_client_unmap() - the client withdraws what lies in @range_iova; before the memory goes away.
 * Return: 0, also if nothing is mapped there; -EINVAL if a mapping sticks out, and nothing was unmapped.
 */
int mapper_client_unmap(struct mapper *m, struct span range_iova, struct tracer_ring *ring);

/** mapper_unmap_all() - Return: mappings ended; each is recorded. */
u64 mapper_unmap_all(struct mapper *m, struct tracer_ring *ring);

/**
 * mapper_copy() - a simulated device's DMA access.
 * @write:   true: device to system memory
 * @fault_iova: on -EFAULT, the first address that could not be reached. Nothing at or after it was touched
 */
int mapper_copy(struct mapper *m, struct guest_memory *gm, u64 iova, void *buf, u64 len_bytes, bool write, u64 *fault_iova);

/**
 * struct mapper_stats - @dart: of the simulated DART. @real_live, @real_peak: mappings in the real IOMMU; @real_refused: what it refused.
 * @requests: ranges announced (premap, viommu; with a companion requests come through its ring)
 */
struct mapper_stats {
	struct dart_stats dart;
	u64 real_live, real_peak, real_refused, requests;
};
void mapper_stats(struct mapper *m, struct mapper_stats *out);
const struct dart_limits *mapper_limits(const struct mapper *m);

#endif
