/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * mapper.h - the IOMMU of a session: the simulated DART, shared by the companion (which maps) and the GPU (which accesses), and traced.
 *
 * Threads:  every function may be called from any device's thread; a lock inside. A device's copy holds it, so that an unmap waits for a copy
 *           in flight, as an IOMMU's invalidation does.
 */
#ifndef EGPU_RUNTIME_MAPPER_H
#define EGPU_RUNTIME_MAPPER_H

#include "runtime/core/companion.h"
#include "runtime/dart/dart.h"
#include "runtime/guest_memory.h"
#include "tracer/tracer.h"

struct mapper;

/** mapper_new() - @device: the trace's id of the device whose DMA this is. Return: NULL without memory or with absurd limits. */
struct mapper *mapper_new(const struct dart_limits *limits, u16 device);
void mapper_free(struct mapper *m); /* NULL is allowed */

/**
 * mapper_submit() - execute a batch of the companion, and record each entry as one map or unmap event.
 * @op:   COMPANION_OP_MAP or COMPANION_OP_UNMAP
 * @ring: the calling thread's; NULL = not traced
 */
void mapper_submit(struct mapper *m, u32 op, struct companion_entry *entries, u32 n, struct tracer_ring *ring);

/** mapper_unmap_all() - Return: mappings ended; each is recorded. */
u64 mapper_unmap_all(struct mapper *m, struct tracer_ring *ring);

/**
 * mapper_copy() - a device's DMA access.
 * @write:   true: device to system memory
 * @fault_iova: on -EFAULT, the first address that could not be reached. Nothing at or after it was touched
 */
int mapper_copy(struct mapper *m, struct guest_memory *gm, u64 iova, void *buf, u64 len_bytes, bool write, u64 *fault_iova);

void mapper_stats(struct mapper *m, struct dart_stats *out);
const struct dart_limits *mapper_limits(const struct mapper *m);

#endif
