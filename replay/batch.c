/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/batch.h"

#include <stdlib.h>

#define START_ITEMS 16u

int batches_init(struct batches *b, u32 devices, int (*run)(void *ctx, struct batch *batch), void *ctx)
{
	*b = (struct batches){ .devices = devices, .run = run, .ctx = ctx };
	b->open = calloc((size_t)devices + 1, sizeof(*b->open));
	return b->open ? 0 : -ENOMEM;
}

void batches_destroy(struct batches *b)
{
	u32 i;

	for (i = 0; b->open && i <= b->devices; i++)
		free(b->open[i].items);
	free(b->open);
	b->open = NULL;
}

static int hand_on(struct batches *b, struct batch *batch)
{
	u32 n = batch->n;
	int rc;

	if (n == 0)
		return 0;
	rc = b->run(b->ctx, batch);
	b->open_items -= n;
	batch->n = 0;
	return rc;
}

static int reserve(struct batch *batch)
{
	u32 capacity = batch->capacity ? batch->capacity * 2 : START_ITEMS;
	struct batch_item *items;

	if (batch->n < batch->capacity)
		return 0;
	items = realloc(batch->items, capacity * sizeof(*items));
	if (!items)
		return -ENOMEM;
	batch->items = items;
	batch->capacity = capacity;
	return 0;
}

int batches_add(struct batches *b, const struct trace_event *event)
{
	u64 flags = event->arg[TRACE_REQ_FLAGS];
	struct batch *batch;
	int rc;

	if (event->device > b->devices)
		return -EINVAL;
	batch = &b->open[event->device];
	/* kinds do not mix in one call; a "more follow" that nothing followed ends here */
	if (batch->n && batch->kind != event->kind) {
		rc = hand_on(b, batch);
		if (rc)
			return rc;
	}
	rc = reserve(batch);
	if (rc)
		return rc;
	batch->kind = event->kind;
	batch->device = event->device;
	batch->items[batch->n++] = (struct batch_item){
		.gpa = { event->arg[TRACE_REQ_GPA], event->arg[TRACE_REQ_LEN] },
		.iova = event->arg[TRACE_REQ_IOVA],
		.t_ns = event->t_ns,
		.status = event->status,
		.dir = (u8)TRACE_REQ_DIR(flags),
		.align_log2 = (u8)TRACE_REQ_ALIGN_LOG2(flags),
		.rec_flags = (u8)TRACE_REQ_REC_FLAGS(flags),
	};
	b->open_items++;
	if (!TRACE_REQ_MORE(flags) || batch->n == BATCH_ITEMS_MAX)
		return hand_on(b, batch);
	return b->open_items > BATCH_OPEN_MAX ? batches_flush(b) : 0;
}

int batches_flush(struct batches *b)
{
	u32 i;
	int rc;

	for (i = 0; b->open_items && i <= b->devices; i++) {
		rc = hand_on(b, &b->open[i]);
		if (rc)
			return rc;
	}
	return 0;
}
