/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * companion.h - the host's side of the companion DMA device; the protocol is in runtime/core/companion.h.
 */
#ifndef EGPU_RUNTIME_DEVICE_COMPANION_H
#define EGPU_RUNTIME_DEVICE_COMPANION_H

#include "runtime/device/device.h"
#include "runtime/mapper.h"

/**
 * companion_new() - @mapper: where its entries go, must outlive it. @target_id: vendor | device << 16 of the function it serves.
 * @target_trace_id: that function in the trace: requests are recorded as its. Return: NULL without memory. Free with ops->free.
 */
struct device *companion_new(struct mapper *mapper, u32 target_id, u16 target_trace_id);

/** struct companion_counters - for the status line; read by other threads, each value on its own. */
struct companion_counters {
	u64 commands, entries, requests, live_requests, ring_bells;
};
void companion_counters(const struct device *d, struct companion_counters *out);

#endif
