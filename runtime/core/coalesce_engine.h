/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_engine.h - what the files of the coalescer share; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_ENGINE_H
#define EGPU_CORE_COALESCE_ENGINE_H

#include "runtime/core/coalesce.h"
#include "runtime/core/coalesce_kept.h"
#include "runtime/core/coalesce_live.h"
#include "runtime/core/coalesce_mapping.h"
#include "runtime/core/coalesce_order.h"

/**
 * struct coalesce - the engine.
 * @order: kept up for an ordered policy only
 * @kept:  mappings without requests, at most @keep_bytes of them
 * @asked: first mapping of the batch being built, in order of @entries; @asked_n of them with @asked_bytes, @asked_last the last
 */
struct coalesce {
	struct coalesce_config cfg;
	struct coalesce_host host;
	struct companion_entry *entries;
	struct coalesce_mappings mappings;
	struct coalesce_order order;
	struct coalesce_kept kept;
	u64 keep_bytes;
	u64 asked_bytes;
	u32 asked, asked_last, asked_n;
	struct coalesce_live live;
	struct coalesce_stats stats;
};

/** coalesce_ask() - a mapping, @own or not, that will be asked for with the batch being built. Return: COALESCE_NONE if there is no room. */
u32 coalesce_ask(struct coalesce *c, struct span gpa, bool own);

/** coalesce_ask_host() - ask for the batch. What is kept makes way for what is refused, which is asked for once more then. */
void coalesce_ask_host(struct coalesce *c);

/** coalesce_idle() - nobody uses granted mapping @i any more: keep it, or collect it for the next coalesce_tell_host(). */
void coalesce_idle(struct coalesce *c, u32 i);

/** coalesce_retire() - collect mapping @i, which is not kept, likewise. */
void coalesce_retire(struct coalesce *c, u32 i);

/** coalesce_evict() - collect the one that has been kept longest; there is one. */
void coalesce_evict(struct coalesce *c);

/** coalesce_tell_host() - have what was collected unmapped. */
void coalesce_tell_host(struct coalesce *c);

/** coalesce_realign() - try to give granted, misaligned @r an aligned address, by the shim; nothing is asked for now. It keeps the one it has else. */
void coalesce_realign(struct coalesce *c, struct coalesce_request *r);

/** coalesce_forget() - mapping @i is no more, or never was granted. */
void coalesce_forget(struct coalesce *c, u32 i);

#endif
