/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * companion.h - the protocol between the guest kernel module and the companion DMA device, version 1.
 *
 * Purpose:  the companion is a small PCI device beside the GPU. The guest module sends it batches of map and unmap entries, the host
 *           answers each with a status and the IOVA it picked. A second channel, the request ring, carries every request the GPU's
 *           driver made, including those that a live mapping satisfied and that therefore never reach the host otherwise.
 * Compiled: guest kernel module, egpu-run, egpu-replay (which answers the same entries from the simulated DART). Constants and
 *           layouts only. All fields little-endian; every structure has the same layout for 32- and 64-bit guests.
 *
 * Start:    guest reads MAGIC, VERSION, ENTRY_BYTES, RECORD_BYTES (refuses what it does not know), writes the features it will use to
 *           FEATURES_ACK, the GPA of its command block to CMD_GPA, of its ring to RING_GPA and RING_BYTES, its clock to
 *           GUEST_TIME, then sends a COMPANION_OP_HELLO command. GPAs are guest-physical: the companion is host software and does
 *           not go through the IOMMU.
 * Command:  guest fills the block (op, count, entries), sets done to 0, and writes the command's sequence number to DOORBELL. Host
 *           executes, fills status (and iova) of each entry, then stores that sequence number in done. The guest waits for done to equal
 *           it. One command at a time. A count above BATCH_MAX or an unknown op fails the whole command with -EINVAL in status.
 * Ring:     single producer (guest, under its lock), single consumer (host, polling). head and tail count records and wrap at 2^32;
 *           record k lies in slot k mod capacity. Producer stores the record, then head with release order. A full ring makes the
 *           producer write RING_BELL and wait for tail to move: nothing is ever dropped.
 * End:      guest writes 1 to RESET: host drains the ring, unmaps everything, forgets both addresses. Also done on device reset.
 */
#ifndef EGPU_CORE_COMPANION_H
#define EGPU_CORE_COMPANION_H

#include "runtime/core/env.h"

#define COMPANION_VENDOR_ID 0x1234 /* the vendor id QEMU's own teaching devices use */
#define COMPANION_DEVICE_ID 0xe6b1

#define COMPANION_MAGIC_VAL 0x43504745u /* "EGPC" */
#define COMPANION_VERSION_VAL 1u

/* BAR0, 4 KiB, 32-bit accesses; a 64-bit register is two 32-bit ones, low half first; the high write takes effect */
#define COMPANION_BAR_BYTES 4096u
#define COMPANION_MAGIC_REG 0x00         /* RO */
#define COMPANION_VERSION_REG 0x04       /* RO */
#define COMPANION_FEATURES_REG 0x08      /* RO, COMPANION_F_… the host offers */
#define COMPANION_FEATURES_ACK_REG 0x0c  /* RW, subset the guest uses */
#define COMPANION_ENTRY_BYTES_REG 0x10   /* RO, sizeof(struct companion_entry) */
#define COMPANION_RECORD_BYTES_REG 0x14  /* RO, sizeof(struct companion_record) */
#define COMPANION_BATCH_MAX_REG 0x18     /* RO, entries per command */
#define COMPANION_GRANULE_LOG2_REG 0x1c  /* RO, of the IOMMU */
#define COMPANION_MAX_MAPPINGS_LO_REG 0x20 /* RO, limit of the IOMMU */
#define COMPANION_MAX_MAPPINGS_HI_REG 0x24
#define COMPANION_MAX_BYTES_LO_REG 0x28  /* RO, limit of the IOMMU */
#define COMPANION_MAX_BYTES_HI_REG 0x2c
#define COMPANION_TARGET_ID_REG 0x30     /* RO, vendor | device << 16 of the PCI function whose DMA this companion serves */
#define COMPANION_CMD_GPA_LO_REG 0x40    /* RW, of a struct companion_command, 4 KiB aligned */
#define COMPANION_CMD_GPA_HI_REG 0x44
#define COMPANION_DOORBELL_REG 0x48      /* WO, sequence number of the command to execute, never 0 */
#define COMPANION_RING_GPA_LO_REG 0x50   /* RW, of a struct companion_ring, 4 KiB aligned */
#define COMPANION_RING_GPA_HI_REG 0x54
#define COMPANION_RING_BYTES_REG 0x58    /* RW, header + capacity * record; capacity a power of two; written last, starts the ring */
#define COMPANION_RING_BELL_REG 0x5c     /* WO, "the ring is full" or "drain now" */
#define COMPANION_GUEST_TIME_LO_REG 0x60 /* WO, guest's monotonic clock in ns at the moment of the high write */
#define COMPANION_GUEST_TIME_HI_REG 0x64
#define COMPANION_RESET_REG 0x68         /* WO, 1 = unmap everything */
#define COMPANION_STATUS_REG 0x6c        /* RO, 0 or a positive errno that ended service (bad ring, bad address) */

#define COMPANION_F_REQUEST_RING 0x1u

#define COMPANION_BATCH_MAX 4096u

enum companion_op {
	COMPANION_OP_HELLO = 1, /* text carries the policy the guest runs; count 0 */
	COMPANION_OP_MAP = 2,
	COMPANION_OP_UNMAP = 3,
};

#define COMPANION_DIR_TO_DEVICE 0x1u   /* the device may read */
#define COMPANION_DIR_FROM_DEVICE 0x2u /* the device may write */
#define COMPANION_DIR_BOTH 0x3u

/**
 * struct companion_entry - one mapping to make or to end.
 * @gpa:    map: first byte, a multiple of the granule
 * @len:    bytes, a multiple of the granule; unmap: as mapped
 * @iova:   map: answer; unmap: as answered when it was mapped
 * @flags:  COMPANION_DIR_…
 * @status: answer: 0 or a negative errno (ENOSPC count limit, EDQUOT byte limit, EADDRNOTAVAIL no hole large enough,
 *          E2BIG too many segments, EINVAL not granular, ENOENT unmap of what is not mapped)
 */
struct companion_entry {
	u64 gpa;
	u64 len;
	u64 iova;
	u32 flags;
	s32 status;
};

#define COMPANION_TEXT_BYTES 224 /* the entries begin at 256 */

/**
 * struct companion_command - the command block in guest memory.
 * @op:      enum companion_op
 * @count:   entries used
 * @done:    answer: sequence number of the finished command
 * @status:  answer: 0 if the command was understood (entries have their own status), else negative errno
 * @text:    HELLO: NUL-terminated policy spec, shim and kernel release, e.g. "window:log2=18 align=downgrade kernel=6.1.0-56-cloud-amd64"
 * @entries: COMPANION_BATCH_MAX of them
 */
struct companion_command {
	u32 op;
	u32 count;
	u32 done;
	s32 status;
	u8 reserved[16];
	char text[COMPANION_TEXT_BYTES];
	struct companion_entry entries[];
};

#define COMPANION_COMMAND_BYTES(max) (sizeof(struct companion_command) + (size_t)(max) * sizeof(struct companion_entry))

enum companion_record_kind {
	COMPANION_REC_MAP = 1,
	COMPANION_REC_UNMAP = 2,
};

/* struct companion_record.flags; the first three are struct coalesce_request.flags */
#define COMPANION_REC_HIT 0x01u        /* a live mapping served it */
#define COMPANION_REC_DOWNGRADED 0x02u /* the shim took the wish for alignment back */
#define COMPANION_REC_MISALIGNED 0x04u /* the wish for alignment stood and was not met */
#define COMPANION_REC_MORE 0x08u       /* the next record belongs to the same batch (one coalesce_map or coalesce_unmap call) */

/**
 * struct companion_record - one request of the GPU's driver.
 * @gpa:          what the driver asked for, not widened
 * @len:          bytes asked for
 * @iova:         DMA address the driver got; ~0 if it failed
 * @guest_t_ns:   guest's monotonic clock
 * @status:       0 or negative errno
 * @kind:         enum companion_record_kind
 * @dir:          COMPANION_DIR_…
 * @align_log2:   alignment the driver wanted, 0 = none
 * @flags:        COMPANION_REC_…
 */
struct companion_record {
	u64 gpa;
	u64 len;
	u64 iova;
	u64 guest_t_ns;
	s32 status;
	u8 kind;
	u8 dir;
	u8 align_log2;
	u8 flags;
};

/**
 * struct companion_ring - the request ring in guest memory.
 * @head:    records produced; written by the guest
 * @tail:    records consumed; written by the host
 */
struct companion_ring {
	u32 head;
	u8 pad0[60];
	u32 tail;
	u8 pad1[60];
	struct companion_record records[];
};

#define COMPANION_RING_CAPACITY_MIN 64u
#define COMPANION_RING_CAPACITY_MAX (1u << 20)
#define COMPANION_RING_BYTES(capacity) (sizeof(struct companion_ring) + (size_t)(capacity) * sizeof(struct companion_record))

#endif
