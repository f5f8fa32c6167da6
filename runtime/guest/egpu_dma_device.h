/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * egpu_dma_device.h - the parts of the egpu_dma module, and the one structure they share.
 *
 * Parts:    egpu_dma_main.c    module and PCI driver of the companion
 *           egpu_dma_host.c    the companion's protocol: registers, commands, request ring
 *           egpu_dma_batch.c   one batch of requests: core, then the ring
 *           egpu_dma_ops.c     the dma_map_ops
 *           egpu_dma_target.c  which function is taken over, and when
 *           egpu_dma_quirk.c   hot patches for other modules; egpu_dma_quirk_<name>.c one of them each
 *           egpu_dma_stats.c   counters and switches in debugfs
 * Locks:    @lock serialises core, command block and ring; taken with interrupts off, nothing sleeps or allocates under it.
 *           @target_lock guards @target and @saved_ops; taken inside the target's device lock.
 */
#ifndef EGPU_GUEST_EGPU_DMA_DEVICE_H
#define EGPU_GUEST_EGPU_DMA_DEVICE_H

#include <linux/dma-map-ops.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/spinlock.h>

#include "runtime/core/coalesce.h"
#include "runtime/guest/egpu_dma_quirk.h"

#define EGPU_DMA_SLICE COMPANION_BATCH_MAX /* requests per call of core, so that one call is at most one command */

/**
 * struct egpu_dma - one companion and the function it serves.
 * @ops:         what the target's dma_map_ops are replaced with; also the way from a struct device to this
 * @dead:        0, or the errno that all requests get because the companion stopped answering
 * @slice:       EGPU_DMA_SLICE requests, for scatter-gather lists; under @lock
 * @ring_tail:   last value seen of the ring's tail
 * @ring_waits:  times the ring was full
 */
struct egpu_dma {
	struct pci_dev *companion;
	void __iomem *regs;
	struct dma_map_ops ops;
	struct coalesce_config cfg;
	char policy[COALESCE_SPEC_BYTES];

	spinlock_t lock;
	int dead;
	u32 seq;
	struct coalesce *core;
	void *core_memory;
	struct coalesce_request *slice;
	struct companion_command *command;
	size_t command_bytes;
	struct companion_ring *ring;
	size_t ring_bytes;
	u32 ring_capacity, ring_head, ring_tail;
	u64 ring_waits;

	struct mutex target_lock;
	struct pci_dev *target;
	u32 target_id;
	const struct dma_map_ops *saved_ops;
	struct notifier_block notifier;
	struct egpu_dma_quirks *quirks;
	struct dentry *debugfs;
};

/**
 * egpu_dma_host_identify() - check the companion's identity and read what it offers into @e->cfg and @e->target_id.
 * Return: 0; -ENODEV if it speaks another protocol.
 */
int egpu_dma_host_identify(struct egpu_dma *e);

/**
 * egpu_dma_host_start() - allocate command block and ring, tell the companion, say hello.
 * @ring_records: capacity of the ring, a power of two in COMPANION_RING_CAPACITY_MIN..EGPU_DMA_RING_MAX
 */
int egpu_dma_host_start(struct egpu_dma *e, u32 ring_records);
void egpu_dma_host_stop(struct egpu_dma *e); /* reset the companion, free the memory; fine if never started */

/* the largest power of two of records that the page allocator can give in one piece */
#define EGPU_DMA_RING_MAX 65536u

/** egpu_dma_host_submit() - struct coalesce_host.submit; under @lock. */
int egpu_dma_host_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n);

/** egpu_dma_host_record() - put one record into the ring, waiting for room if need be; under @lock. */
void egpu_dma_host_record(struct egpu_dma *e, const struct companion_record *record);

/**
 * egpu_dma_batch() - one coalesce_map or coalesce_unmap call, recorded. Takes @lock; the _locked form wants it held.
 * Return: number of requests whose status is not 0.
 */
u32 egpu_dma_batch(struct egpu_dma *e, enum companion_record_kind kind, struct coalesce_request *reqs, u32 n);
u32 egpu_dma_batch_locked(struct egpu_dma *e, enum companion_record_kind kind, struct coalesce_request *reqs, u32 n);

/** egpu_dma_ops_init() - fill @e->ops. */
void egpu_dma_ops_init(struct egpu_dma *e);

/** egpu_dma_target_start() - take over the target, now if it is there, else as soon as it appears. */
int egpu_dma_target_start(struct egpu_dma *e);
void egpu_dma_target_stop(struct egpu_dma *e); /* unbind the target's driver, give its ops back */

void egpu_dma_stats_start(struct egpu_dma *e);
void egpu_dma_stats_stop(struct egpu_dma *e);

#endif
