/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_hash.h - hash and table size of the coalescer's two tables; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_HASH_H
#define EGPU_CORE_COALESCE_HASH_H

#include "runtime/core/env.h"

/** coalesce_hash() - all bits of @key count in all bits of the result; 32-bit arithmetic only. */
static inline u32 coalesce_hash(u64 key)
{
	u32 h = (u32)key ^ (u32)(key >> 32) * 0x9e3779b1u;

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

/** coalesce_pow2() - smallest power of two that is not below @n; 1 <= @n <= 2^31. */
static inline u32 coalesce_pow2(u32 n)
{
	u32 p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

#endif
