/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * companion_state.h - inside the companion: what companion.c (registers, commands) and companion_ring.c (request ring) share.
 */
#ifndef EGPU_RUNTIME_DEVICE_COMPANION_STATE_H
#define EGPU_RUNTIME_DEVICE_COMPANION_STATE_H

#include "runtime/device/companion.h"

/* how long a request may wait in the ring before we look: short enough for a live status, long enough to cost nothing */
#define COMPANION_POLL_MS 1

struct companion_ring_view {
	u64 gpa;
	u32 bytes;
	u32 records; /* capacity; 0 = no ring */
	u32 tail;
};

struct companion {
	struct device d; /* first, so that a struct device * is a struct companion * */
	struct mapper *mapper;
	u32 target_id;
	u16 target_trace_id;
	u64 cmd_gpa;
	u32 features, status;
	struct companion_ring_view ring;
	u64 guest_time;
	bool clock_known;
	s64 clock_offset_ns; /* host - guest */
	u64 last_t_ns;       /* requests never go back in time */
	u64 broken;
	struct companion_entry *entries;
	struct companion_counters counters;
};

/** companion_ring_start() - RING_BYTES was written. */
void companion_ring_start(struct companion *c, u32 bytes);

/** companion_drain() - record every request in the ring. */
void companion_drain(struct companion *c);

/** companion_clock() - GUEST_TIME was written: relate the clocks. */
void companion_clock(struct companion *c);

/** companion_broken() - the guest broke the protocol; @err negative errno. */
void companion_broken(struct companion *c, int err);

#endif
