/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The request ring: what the guest's driver asked, drained without an exit per event. */
#include "runtime/device/companion_state.h"

#define CHUNK_RECORDS 256u
#define CLOCK_CORRECTION_MAX_NS 1000000000u /* a time further ahead is the guest's mistake, not the offset's */

void companion_clock(struct companion *c)
{
	u64 now = tracer_now_ns();

	c->clock_offset_ns = (s64)(now - c->guest_time);
	c->clock_known = true;
	device_emit(&c->d, TRACE_CLOCK, 0, c->guest_time, 0, 0, 0);
}

void companion_ring_start(struct companion *c, u32 bytes)
{
	u32 capacity = bytes > sizeof(struct companion_ring) ? (u32)((bytes - sizeof(struct companion_ring)) / sizeof(struct companion_record)) : 0;

	c->ring.bytes = bytes;
	c->ring.records = 0;
	if (!bytes)
		return;
	if (capacity < COMPANION_RING_CAPACITY_MIN || capacity > COMPANION_RING_CAPACITY_MAX || (capacity & (capacity - 1)) ||
	    COMPANION_RING_BYTES(capacity) != bytes || (c->ring.gpa & 4095) ||
	    guest_memory_load32(c->d.memory, c->ring.gpa + offsetof(struct companion_ring, tail), &c->ring.tail)) {
		companion_broken(c, -EINVAL);
		return;
	}
	c->ring.records = capacity;
}

/*
 * The guest's time on our clock, never in the future and never going back, whatever a guest writes. A time in the future shows that the
 * offset is too large, by what the write of the guest's time took to reach us: less what it is too much, it is right for what follows.
 */
static u64 host_time(struct companion *c, u64 guest_t_ns)
{
	u64 now = tracer_now_ns();
	u64 t = c->clock_known ? guest_t_ns + (u64)c->clock_offset_ns : now;

	if (t > now && t - now <= CLOCK_CORRECTION_MAX_NS)
		c->clock_offset_ns -= (s64)(t - now);
	if (t > now)
		t = now;
	if (t < c->last_t_ns)
		t = c->last_t_ns;
	c->last_t_ns = t;
	return t;
}

static void record(struct companion *c, const struct companion_record *r)
{
	struct trace_event e = {
		.t_ns = host_time(c, r->guest_t_ns),
		.kind = r->kind == COMPANION_REC_MAP ? TRACE_REQ_MAP : TRACE_REQ_UNMAP,
		.device = c->target_trace_id,
		.status = r->status,
		.arg = { r->gpa, r->len, r->iova, TRACE_REQ_MAKE_FLAGS(r->dir, r->align_log2, r->flags), r->guest_t_ns },
	};
	u64 live = c->counters.live_requests;

	if (!r->status)
		live = r->kind == COMPANION_REC_MAP ? live + 1 : live - (live > 0);
	__atomic_store_n(&c->counters.live_requests, live, __ATOMIC_RELAXED);
	__atomic_store_n(&c->counters.requests, c->counters.requests + 1, __ATOMIC_RELAXED);
	if (c->d.ring)
		tracer_emit(c->d.ring, &e);
}

/* records [tail, tail + n) do not wrap; Return: 0 or what broke */
static int drain_run(struct companion *c, u32 n)
{
	struct companion_record records[CHUNK_RECORDS];
	u64 slot = c->ring.tail & (c->ring.records - 1);
	u64 at = c->ring.gpa + sizeof(struct companion_ring) + slot * sizeof(records[0]);

	if (guest_memory_read(c->d.memory, at, records, (u64)n * sizeof(records[0])))
		return -EFAULT;
	for (u32 i = 0; i < n; i++) {
		if (records[i].kind != COMPANION_REC_MAP && records[i].kind != COMPANION_REC_UNMAP)
			return -EPROTO;
		record(c, &records[i]);
	}
	c->ring.tail += n;
	return guest_memory_store32(c->d.memory, c->ring.gpa + offsetof(struct companion_ring, tail), c->ring.tail);
}

void companion_drain(struct companion *c)
{
	u32 head, left;
	int err = 0;

	if (!c->ring.records)
		return;
	if (guest_memory_load32(c->d.memory, c->ring.gpa + offsetof(struct companion_ring, head), &head)) {
		companion_broken(c, -EFAULT);
		return;
	}
	left = head - c->ring.tail;
	if (left > c->ring.records)
		err = -EPROTO;
	while (left && !err) {
		u32 to_wrap = c->ring.records - (c->ring.tail & (c->ring.records - 1));
		u32 n = left < to_wrap ? left : to_wrap;

		n = n < CHUNK_RECORDS ? n : CHUNK_RECORDS;
		err = drain_run(c, n);
		left -= n;
	}
	if (err)
		companion_broken(c, err);
}
