/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sim_gpu.h - the simulated GPU; what a driver sees of it is in sim_gpu_regs.h.
 */
#ifndef EGPU_RUNTIME_DEVICE_SIM_GPU_H
#define EGPU_RUNTIME_DEVICE_SIM_GPU_H

#include "runtime/device/device.h"
#include "runtime/device/sim_gpu_regs.h"
#include "runtime/mapper.h"

/** sim_gpu_new() - @mapper: its IOMMU, must outlive it. Return: NULL without memory. Free with ops->free. */
struct device *sim_gpu_new(struct mapper *mapper);

/** struct sim_gpu_counters - for the status line; read by other threads, each value on its own. */
struct sim_gpu_counters {
	u64 frames, faults, copied_bytes, commands;
};
void sim_gpu_counters(const struct device *d, struct sim_gpu_counters *out);

#endif
