/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sim_gpu_regs.h - the simulated GPU as a driver sees it, version 1.
 *
 * Purpose:  register map, command format and semantics of the embedded device. Constants and layouts only.
 * Compiled: egpu-run (the device) and the guest's driver.
 *
 * A PCIe function, vendor 0x1234 device 0xe6b0, class 0x030200 (3D controller), with
 *   BAR0  64 KiB   registers (below), MSI-X table at 0x8000, pending bits at 0xc000
 *   BAR2  VRAM     64-bit prefetchable, SIM_GPU_VRAM_BYTES
 *   MSI-X 4 vectors: 0 fence, 1 fault, 2 present, 3 unused
 * All registers are 32-bit, little-endian; a 64-bit register is two, low half first. Every address the device is given is an IOVA and goes
 * through the IOMMU. An access to an address that is not mapped touches nothing, is recorded as a fault, raises vector 1, and ends the
 * command that made it; the commands after it are executed. A command that cannot be fetched is a ring error: the device stops until reset.
 *
 * Start: write CONTROL.RESET, set RING_IOVA and RING_LOG2, write CONTROL.ENABLE. The driver puts 64-byte commands into the ring (RING_LOG2
 * slots) and writes the new producer index to RING_HEAD (the doorbell; indexes count up and wrap at 2^32, slot = index mod slots). The device
 * fetches by DMA, executes in order, and advances RING_TAIL. A head more than the ring's size ahead of the tail is a ring error.
 */
#ifndef EGPU_RUNTIME_DEVICE_SIM_GPU_REGS_H
#define EGPU_RUNTIME_DEVICE_SIM_GPU_REGS_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "runtime/core/env.h"
#endif

#define SIM_GPU_VENDOR_ID 0x1234
#define SIM_GPU_DEVICE_ID 0xe6b0
#define SIM_GPU_CLASS 0x030200

#define SIM_GPU_REGS_BAR 0
#define SIM_GPU_REGS_BYTES 0x10000u
#define SIM_GPU_MSIX_TABLE_OFFSET 0x8000u
#define SIM_GPU_MSIX_PBA_OFFSET 0xc000u
#define SIM_GPU_VRAM_BAR 2
#define SIM_GPU_VRAM_BYTES (256u << 20)

#define SIM_GPU_VECTORS 4
#define SIM_GPU_VECTOR_FENCE 0
#define SIM_GPU_VECTOR_FAULT 1
#define SIM_GPU_VECTOR_PRESENT 2

#define SIM_GPU_ID_REG 0x00            /* RO */
#define SIM_GPU_ID_VAL 0x55504745u     /* "EGPU" */
#define SIM_GPU_VERSION_REG 0x04       /* RO */
#define SIM_GPU_VERSION_VAL 1u
#define SIM_GPU_STATUS_REG 0x08        /* RO */
#define SIM_GPU_STATUS_ENABLED_MASK 0x1u
#define SIM_GPU_STATUS_BUSY_MASK 0x2u
#define SIM_GPU_STATUS_RING_ERROR_MASK 0x4u /* bad ring set-up or head; cleared by reset */
#define SIM_GPU_STATUS_FAULT_MASK 0x8u      /* FAULT_COUNT is not 0 */
#define SIM_GPU_CONTROL_REG 0x0c       /* WO */
#define SIM_GPU_CONTROL_RESET_MASK 0x1u
#define SIM_GPU_CONTROL_ENABLE_MASK 0x2u
#define SIM_GPU_VRAM_LO_REG 0x10       /* RO, bytes of VRAM */
#define SIM_GPU_VRAM_HI_REG 0x14
#define SIM_GPU_RING_IOVA_LO_REG 0x20  /* RW, multiple of 64 */
#define SIM_GPU_RING_IOVA_HI_REG 0x24
#define SIM_GPU_RING_LOG2_REG 0x28     /* RW, log2 of slots, 4..16 */
#define SIM_GPU_RING_HEAD_REG 0x2c     /* RW, doorbell */
#define SIM_GPU_RING_TAIL_REG 0x30     /* RO */
#define SIM_GPU_FENCE_LO_REG 0x38      /* RO, value of the last fence executed */
#define SIM_GPU_FENCE_HI_REG 0x3c
#define SIM_GPU_FAULT_COUNT_REG 0x40   /* RW, any write clears the report */
#define SIM_GPU_FAULT_IOVA_LO_REG 0x44 /* RO, of the first fault since the report was cleared */
#define SIM_GPU_FAULT_IOVA_HI_REG 0x48
#define SIM_GPU_FAULT_INFO_REG 0x4c    /* RO, bit 0 write, bits 8-15 engine */
#define SIM_GPU_FRAME_REG 0x50         /* RO, last frame presented */
#define SIM_GPU_SCRATCH_REG 0x54       /* RW, no meaning */

enum sim_gpu_engine { SIM_GPU_ENGINE_FETCH = 1, SIM_GPU_ENGINE_COPY = 2, SIM_GPU_ENGINE_FENCE = 3 };

enum sim_gpu_op {
	SIM_GPU_OP_NOP = 0,
	SIM_GPU_OP_UPLOAD = 1,   /* system memory -> VRAM: copy */
	SIM_GPU_OP_DOWNLOAD = 2, /* VRAM -> system memory: copy */
	SIM_GPU_OP_FENCE = 3,    /* write value to iova (8 bytes), raise vector 0 if flagged: fence */
	SIM_GPU_OP_PRESENT = 4,  /* frame finished, raise vector 2 if flagged: present */
	SIM_GPU_OP_MARK = 5,     /* a phase of the workload begins: text */
};

#define SIM_GPU_CMD_IRQ_MASK 0x1u /* command flag */
#define SIM_GPU_CMD_BYTES 64
#define SIM_GPU_SEGMENTS_MAX 65536u
#define SIM_GPU_TEXT_BYTES 48

/** struct sim_gpu_segment - one piece of system memory in a scatter-gather list. */
struct sim_gpu_segment {
	u64 iova;
	u64 len;
};

/**
 * struct sim_gpu_cmd - one slot of the ring.
 * @copy: VRAM range [vram, vram + sum of segments) and system memory given by @segments segments: one inline (@segments 0: iova, len),
 *        or a list of struct sim_gpu_segment at @list_iova, itself fetched by DMA. Out of VRAM is a ring error.
 */
struct sim_gpu_cmd {
	u32 op;
	u32 flags;
	union {
		struct { u64 vram; u32 segments; u32 pad; u64 list_iova; u64 iova; u64 len; } copy;
		struct { u64 iova; u64 value; } fence;
		struct { u32 frame; } present;
		char text[SIM_GPU_TEXT_BYTES];
		u8 bytes[56];
	};
};

#endif
