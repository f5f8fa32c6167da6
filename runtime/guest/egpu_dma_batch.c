// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/ktime.h>

#include "runtime/guest/egpu_dma_device.h"

static void record_batch(struct egpu_dma *e, enum companion_record_kind kind, const struct coalesce_request *reqs, u32 n)
{
	struct companion_record record = { .guest_t_ns = ktime_get_ns(), .kind = kind };
	u32 i;

	for (i = 0; i < n; i++) {
		const struct coalesce_request *r = &reqs[i];

		record.gpa = r->gpa.start;
		record.len = r->gpa.len;
		record.iova = r->status && kind == COMPANION_REC_MAP ? ~0ull : r->iova;
		record.status = r->status;
		record.dir = r->dir;
		record.align_log2 = r->align_log2;
		record.flags = r->flags | (i + 1 < n ? COMPANION_REC_MORE : 0);
		egpu_dma_host_record(e, &record);
	}
}

u32 egpu_dma_batch_locked(struct egpu_dma *e, enum companion_record_kind kind, struct coalesce_request *reqs, u32 n)
{
	u32 failed;

	lockdep_assert_held(&e->lock);
	if (kind == COMPANION_REC_MAP)
		failed = coalesce_map(e->core, reqs, n);
	else
		failed = coalesce_unmap(e->core, reqs, n);
	record_batch(e, kind, reqs, n);
	return failed;
}

u32 egpu_dma_batch(struct egpu_dma *e, enum companion_record_kind kind, struct coalesce_request *reqs, u32 n)
{
	unsigned long flags;
	u32 failed;

	spin_lock_irqsave(&e->lock, flags);
	failed = egpu_dma_batch_locked(e, kind, reqs, n);
	spin_unlock_irqrestore(&e->lock, flags);
	return failed;
}
