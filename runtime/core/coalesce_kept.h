/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_kept.h - granted mappings that no request uses any more but that are kept, oldest first; a part of the coalescer.
 *
 * Owner:    links in the table of mappings; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_KEPT_H
#define EGPU_CORE_COALESCE_KEPT_H

#include "runtime/core/coalesce_mapping.h"

/* most that are kept; a table of mappings has this much more room */
#define COALESCE_KEPT_MAX 4096u

struct coalesce_kept {
	struct coalesce_mapping *items;
	u32 oldest, newest, n;
	u64 bytes;
};

void coalesce_kept_init(struct coalesce_kept *k, struct coalesce_mapping *items);

/** coalesce_kept_add() - mapping @i is kept from now on. */
void coalesce_kept_add(struct coalesce_kept *k, u32 i);

/** coalesce_kept_take() - it is used again, or ends. */
void coalesce_kept_take(struct coalesce_kept *k, u32 i);

#endif
