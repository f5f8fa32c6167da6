/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * run_options.h - what the user asked of egpu-run.
 */
#ifndef EGPU_RUNTIME_RUN_OPTIONS_H
#define EGPU_RUNTIME_RUN_OPTIONS_H

#include <sys/types.h>

#include "runtime/core/coalesce.h"
#include "runtime/device/areas.h"
#include "runtime/mapper.h"
#include "runtime/policy/policy_file.h"
#include "runtime/sched.h"

enum run_viommu { RUN_VIOMMU_INTEL, RUN_VIOMMU_VIRTIO };
enum run_accel { RUN_ACCEL_AUTO, RUN_ACCEL_KVM, RUN_ACCEL_TCG };

/**
 * struct run_options - NULL or 0 means not given.
 * @vfio:      address of the real function ("0000:01:00.0"); NULL = the simulated GPU
 * @dma:       how its DMA is mapped; @viommu: QEMU's device for MAPPER_VIOMMU
 * @dart:      limits to simulate; of a real device that was given none the name is NULL: the machine's own count
 * @traps:     what of the device's BARs is trapped; the rest is mapped into the guest
 * @policy:    of the guest module; a valid spec of coalesce_parse(); @policy_file: where it comes from, if its policy is not empty
 * @sched:     of QEMU's vCPU threads
 * @guest:     folder of a built-in guest (vmlinuz, initrd.img)
 * @serve_dir: serve sockets here and start no QEMU
 * @qemu_args: what stood after "--", NULL-terminated
 */
struct run_options {
	const char *trace, *qemu, *guest, *kernel, *initrd, *disk, *append, *workload, *console, *serve_dir;
	const char *vfio, *policy, *align;
	struct policy_file policy_file;
	enum mapper_way dma;
	enum run_viommu viommu;
	struct dart_limits dart;
	struct areas traps;
	enum run_accel accel;
	struct sched_spec sched;
	u32 memory_mib, cpus, timeout_s, ring_events, flush_ms, tick_ns;
	bool dma_given, dart_given, traps_given, force, drop, once, quiet, json, help, version;
	char **qemu_args;
};

/**
 * run_options_parse() - @error receives one line that says what to do.
 * Return: 0; -EINVAL misuse.
 */
int run_options_parse(int argc, char **argv, struct run_options *o, char *error, size_t error_bytes);

/** run_options_help() - text of --help. */
const char *run_options_help(void);

#endif
