/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_hash.h - hashes and table size of the coalescer's tables; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_HASH_H
#define EGPU_CORE_COALESCE_HASH_H

#include "runtime/core/env.h"

/** coalesce_hash() - spreads @key; its high bits are the better ones. Addresses at equal distances end up at nearly equal distances. */
static inline u32 coalesce_hash(u64 key)
{
	return (u32)((key ^ key >> 32) * 0x9e3779b97f4a7c15ull >> 32);
}

/** coalesce_hash_below() - likewise, 0 to @n - 1. */
static inline u32 coalesce_hash_below(u64 key, u32 n)
{
	return (u32)((u64)coalesce_hash(key) * n >> 32);
}

/** coalesce_shuffle() - one to one, and without any order; 32-bit arithmetic only. */
static inline u32 coalesce_shuffle(u32 n)
{
	n = (n ^ n >> 16) * 0x85ebca6bu;
	n = (n ^ n >> 13) * 0xc2b2ae35u;
	return n ^ n >> 16;
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
