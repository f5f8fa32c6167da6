/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sim_gpu_state.h - inside the simulated GPU: what sim_gpu.c (registers) and sim_gpu_exec.c (commands) share.
 */
#ifndef EGPU_RUNTIME_DEVICE_SIM_GPU_STATE_H
#define EGPU_RUNTIME_DEVICE_SIM_GPU_STATE_H

#include "runtime/device/sim_gpu.h"

struct sim_gpu {
	struct device d; /* first, so that a struct device * is a struct sim_gpu * */
	struct mapper *mapper;
	u8 *vram;
	int vram_fd;
	bool enabled, ring_error;
	u64 ring_iova, fence, fault_iova;
	u32 ring_log2, head, tail;
	u32 fault_count, fault_info, frame, scratch;
	struct sim_gpu_counters counters;
};

/** sim_gpu_execute() - fetch and execute the command at the tail. Return: bytes it moved, as a measure of time. */
u64 sim_gpu_execute(struct sim_gpu *g);

#endif
