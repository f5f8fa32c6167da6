/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * env.h - everything core asks of its surroundings.
 *
 * Purpose:  core is compiled three times from the same files: into the guest kernel module (Linux >= 6.1), into egpu-run and into
 *           egpu-replay. This header is the whole list of what it needs from outside: fixed-width integers, bool, negative errno
 *           values, memset and memcpy. No allocation, clock, randomness, log, lock, float, recursion, mutable static or 64-bit
 *           division (32-bit kernels have none) may be used in core; tests/lint proves it from the symbol table.
 * Compiled: everywhere.
 */
#ifndef EGPU_CORE_ENV_H
#define EGPU_CORE_ENV_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif

#endif
