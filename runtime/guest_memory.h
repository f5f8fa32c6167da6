/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * guest_memory.h - the memory a client let one device reach.
 *
 * Purpose:  holds what DMA_MAP and DMA_UNMAP said, maps the file descriptors, and copies to and from guest memory. Addresses are those
 *           of the client's DMA address space: guest-physical, unless the guest has a vIOMMU.
 * Owner:    one per connection, used by that connection's thread alone.
 * Trust:    the client may be hostile. Ranges and counts are bounded, and a file that was truncated under our mapping makes an access
 *           fail with -EFAULT instead of killing the process (SIGBUS is caught, see guest_memory_protect()).
 */
#ifndef EGPU_RUNTIME_GUEST_MEMORY_H
#define EGPU_RUNTIME_GUEST_MEMORY_H

#include "runtime/core/span.h"

#define GUEST_MEMORY_RANGES_MAX 65536u

struct guest_memory;

/** guest_memory_protect() - install the SIGBUS handler; once per process, before any access. Return: 0 or -errno. */
int guest_memory_protect(void);

struct guest_memory *guest_memory_new(void); /* NULL without memory */
void guest_memory_free(struct guest_memory *gm); /* NULL is allowed */

/**
 * guest_memory_add() - a range became reachable.
 * @fd:       file behind it; -1 if there is none (another device's BAR, a ROM): the range is known but cannot be accessed. Not kept:
 *            the caller closes it
 * @offset:   of the range in the file
 * @writable: the device may write
 *
 * Return: 0; -EINVAL empty, wrapping or not page-granular; -EEXIST overlaps a range; -ENOSPC too many ranges; -ENXIO the file is too
 * short; else what mmap(2) said.
 */
int guest_memory_add(struct guest_memory *gm, struct span range, int fd, u64 offset, bool writable);

/**
 * guest_memory_remove() - everything in @range stops being reachable; ranges that stick out are cut.
 * Return: bytes that were reachable and no longer are (0 is no error, see formats: QEMU unmaps what it never mapped); -ENOSPC if a cut
 * would make too many ranges.
 */
s64 guest_memory_remove(struct guest_memory *gm, struct span range);

/** guest_memory_clear() - forget everything. */
void guest_memory_clear(struct guest_memory *gm);

/** guest_memory_read() / _write() - copy. Return: 0; -EFAULT if any byte is not reachable (a prefix may have been copied). */
int guest_memory_read(struct guest_memory *gm, u64 addr, void *buf, u64 len_bytes);
int guest_memory_write(struct guest_memory *gm, u64 addr, const void *buf, u64 len_bytes);

/**
 * guest_memory_reach() - where @addr lies in our address space.
 * @len_bytes: receives how far it goes on from there; for NULL, how far nothing can be reached
 * @writable:  the client lets the device write
 *
 * Return: the address; NULL if the client gave no memory there. Only to be handed to the kernel: an access of our own is guest_memory_read().
 */
void *guest_memory_reach(struct guest_memory *gm, u64 addr, u64 *len_bytes, bool *writable);

/** guest_memory_load32() / _store32() - one aligned word, acquire and release order, for rings shared with the guest's CPUs. */
int guest_memory_load32(struct guest_memory *gm, u64 addr, u32 *value);
int guest_memory_store32(struct guest_memory *gm, u64 addr, u32 value);

/** guest_memory_bytes() - bytes reachable now; @ranges, if not NULL, receives the number of ranges. */
u64 guest_memory_bytes(const struct guest_memory *gm, u32 *ranges);

#endif
