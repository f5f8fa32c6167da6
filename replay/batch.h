/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * batch.h - puts the requests of a trace together again as the driver made them.
 *
 * Purpose:  one call of the driver (a scatter-gather list) is recorded as several events, each but the last flagged "more follow". Devices
 *           record side by side, so there is one open batch per device.
 */
#ifndef EGPU_REPLAY_BATCH_H
#define EGPU_REPLAY_BATCH_H

#include "runtime/core/span.h"
#include "tracer/event.h"

/*
 * A longer batch is handed on in pieces of this size. The coalescer works in slices of batch_max requests, and the replayer sets batch_max
 * to the same number, so the pieces give the same result as the whole.
 */
#define BATCH_ITEMS_MAX 4096u

/* open items of all devices; a trace that leaves more open has them handed on as they are */
#define BATCH_OPEN_MAX (1u << 20)

/**
 * struct batch_item - one request.
 * @slot: for the handler, see slots.h
 */
struct batch_item {
	struct span gpa;
	u64 iova; /* when it was recorded */
	u64 t_ns;
	s32 status; /* when it was recorded */
	u32 slot;
	u8 dir, align_log2, rec_flags;
};

/** struct batch - requests of one kind and device that belong together. */
struct batch {
	u16 kind; /* TRACE_REQ_MAP or TRACE_REQ_UNMAP */
	u16 device;
	u32 n, capacity;
	struct batch_item *items;
};

struct batches {
	struct batch *open; /* by device */
	u32 devices;
	u32 open_items;
	int (*run)(void *ctx, struct batch *batch);
	void *ctx;
};

/** batches_init() - for devices 0..@devices; @run gets each complete batch and may change its items. Return: 0 or -ENOMEM. */
int batches_init(struct batches *b, u32 devices, int (*run)(void *ctx, struct batch *batch), void *ctx);
void batches_destroy(struct batches *b);

/** batches_add() - the next request event of the trace. Return: 0, what @run returned, -ENOMEM, -EINVAL for a device out of range. */
int batches_add(struct batches *b, const struct trace_event *event);

/** batches_flush() - hand on what is open; at the end of a trace. */
int batches_flush(struct batches *b);

#endif
