/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ballast.h - fragmented memory, as the guest's driver makes it (runtime/guest/egpu_gpu_fragment.c): nearly all pages are taken, then a
 * pattern of holes is given back.
 *
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_GENERATE_BALLAST_H
#define EGPU_TRACER_GENERATE_BALLAST_H

#include <stdbool.h>

#include "runtime/guest/player.h"
#include "tracer/generate/pages.h"

/**
 * ballast_take() - do a WORKLOAD_FRAGMENT step on @p.
 * @held:  by page, @npages of them: what is held, which is given back first; receives what is held then
 * @seed:  of the pattern
 * @scale: of its sizes
 *
 * Return: 0; -ENOMEM.
 */
int ballast_take(struct pages *p, bool *held, uint32_t npages, const struct workload_step *step, uint64_t seed, uint64_t scale);

#endif
