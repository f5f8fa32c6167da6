/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * fps_trace.h - frames of a trace, and what a frame does that passthrough makes dear: accesses to registers, calls to the host.
 *
 * Compiled: egpu-replay.
 */
#ifndef EGPU_REPLAY_FPS_TRACE_H
#define EGPU_REPLAY_FPS_TRACE_H

#include "tracer/tracer.h"

/**
 * struct fps_trace - between the first frame and the last, both of one device.
 * @frames:              times from frame to frame
 * @reads, @writes, @calls, @irqs: trapped accesses to BARs, calls that map or unmap, interrupts
 */
struct fps_trace {
	uint64_t frames, reads, writes, calls, irqs;
	double seconds;
};

/** fps_trace_read() - Return: 0; -ENODATA fewer than two frames; what the tracer said. @error: TRACE_ERROR_BYTES. */
int fps_trace_read(struct trace *t, bool skip_damaged, struct fps_trace *out, char *error);

#endif
