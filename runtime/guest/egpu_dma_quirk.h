/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * egpu_dma_quirk.h - hot patches ("quirks") for drivers that do not ask what the DMA layer can give.
 *
 * Purpose:  a quirk waits for a function of another module, and changes the arguments of its calls. It is a kretprobe, so the driver's code is
 *           not touched, and nothing is left of it when it is switched off or egpu_dma unloads. What to change is core's decision (align.h);
 *           a quirk only knows where it stands.
 * Safety:   a quirk checks at every call that the arguments look as it expects, before it changes anything. What does not is left alone and
 *           counted; after EGPU_DMA_QUIRK_ANOMALIES_MAX of these the quirk switches itself off and says so once in the kernel log.
 * Wish:     the page size that a driver asked for before the quirk saw it; every DMA request that the same task makes until the function
 *           returns is recorded with it as its wish for alignment. Assumed: the driver maps in the task that called.
 * Switch:   module parameter quirks=; and, while loaded, /sys/kernel/debug/egpu_dma/quirk-NAME, which also shows the counters.
 * To add one: a file with a struct egpu_dma_quirk, and a line in egpu_dma_quirk.c.
 */
#ifndef EGPU_GUEST_EGPU_DMA_QUIRK_H
#define EGPU_GUEST_EGPU_DMA_QUIRK_H

#include <linux/ptrace.h>

#include "runtime/core/coalesce.h"

struct egpu_dma;
struct egpu_dma_quirk_state;
struct seq_file;

#define EGPU_DMA_QUIRK_ANOMALIES_MAX 5 /* as published (README, "Sources") */

/**
 * struct egpu_dma_quirk - one hot patch.
 * @module: as in /proc/modules, with _ for -
 * @symbol: function in it
 * @act:    called when the function is entered, in atomic context. Checks, and changes arguments or what they point to.
 *          @wish_log2: 0; set it to the alignment wished for.
 *          Return: 1 something was changed; 0 nothing had to be; -EINVAL the arguments are not as expected, nothing was changed.
 */
struct egpu_dma_quirk {
	const char *name, *module, *symbol;
	int (*act)(const struct coalesce_config *cfg, struct pt_regs *regs, u8 *wish_log2);
};

extern const struct egpu_dma_quirk egpu_dma_quirk_uvm;

#ifdef CONFIG_KRETPROBES

/**
 * egpu_dma_quirks_start() - attach to what is loaded, wait for the rest.
 * @select: "all", "none", "NAME,…" (only these), "-NAME,…" (all but these)
 *
 * Return: 0; -EINVAL @select names what is not there, said in the kernel log; -ENOMEM.
 */
int egpu_dma_quirks_start(struct egpu_dma *e, const char *select);
void egpu_dma_quirks_stop(struct egpu_dma *e); /* fine if never started */

/** egpu_dma_quirk_at() - Return: quirk number @i, NULL past the last. */
struct egpu_dma_quirk_state *egpu_dma_quirk_at(struct egpu_dma *e, unsigned int i);

const char *egpu_dma_quirk_name(const struct egpu_dma_quirk_state *s);

/** egpu_dma_quirk_switch() - @on: also forgets the anomalies; off: detaches. May sleep. */
void egpu_dma_quirk_switch(struct egpu_dma_quirk_state *s, bool on);

/** egpu_dma_quirk_show() - one line: on or off, and counters. */
void egpu_dma_quirk_show(struct egpu_dma_quirk_state *s, struct seq_file *file);

/** egpu_dma_quirk_wish_log2() - Return: what the running task wishes just now, 0 = nothing. Any context. */
u8 egpu_dma_quirk_wish_log2(struct egpu_dma *e);

#else /* a kernel without kretprobes has no quirks; that is said by the absence of their files in debugfs */

static inline int egpu_dma_quirks_start(struct egpu_dma *e, const char *select) { return 0; }
static inline void egpu_dma_quirks_stop(struct egpu_dma *e) {}
static inline struct egpu_dma_quirk_state *egpu_dma_quirk_at(struct egpu_dma *e, unsigned int i) { return NULL; }
static inline const char *egpu_dma_quirk_name(const struct egpu_dma_quirk_state *s) { return NULL; }
static inline void egpu_dma_quirk_switch(struct egpu_dma_quirk_state *s, bool on) {}
static inline void egpu_dma_quirk_show(struct egpu_dma_quirk_state *s, struct seq_file *file) {}
static inline u8 egpu_dma_quirk_wish_log2(struct egpu_dma *e) { return 0; }

#endif
#endif
