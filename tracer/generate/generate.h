/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * generate.h - a trace of a workload that nobody played: the requests that the guest's player and driver would make, at any scale.
 *
 * Purpose:  does what runtime/guest/player_play.c and egpu_gpu_buffer.c do, in the same order and from the same random sequence, so that a
 *           generated trace asks for the same lengths as a played one. Which pages they get is the model's (pages.h) in place of a kernel's,
 *           and so are the times. There are requests, frames and marks; no accesses to BARs, no interrupts.
 * Compiled: egpu-trace. One thread. Memory: 13 bytes per page of the workload's memory, and its live buffers.
 */
#ifndef EGPU_TRACER_GENERATE_GENERATE_H
#define EGPU_TRACER_GENERATE_GENERATE_H

#include "runtime/guest/player.h"
#include "tracer/tracer.h"

#define GENERATE_SCALE_MAX 512u
#define GENERATE_REQUEST_NS 2000ull /* assumed: between two requests */
#define GENERATE_FPS 60ull          /* assumed: of frames that have no pace */

/**
 * struct generate_options - how much.
 * @scale:    memory, buffers and churn are so many times those of the workload, 1..GENERATE_SCALE_MAX
 * @events:   stop at so many; until then repeat what follows the last load. 0 = play it once
 * @progress: called now and then; may be NULL
 */
struct generate_options {
	uint64_t scale, events;
	void (*progress)(uint64_t events, uint64_t wanted);
};

/** struct generate_result - what came out. @fallbacks: contiguous buffers that had to be made of single pages; @live: buffers at the end */
struct generate_result {
	uint64_t events, fallbacks, live;
};

/**
 * generate() - emit the events of @w into @out, and describe them there.
 * @error: receives one line, TRACE_ERROR_BYTES
 *
 * Return: 0; -ENOMEM the workload's memory or this machine's is too little; -EINVAL it can never make so many events.
 */
int generate(const struct workload *w, const struct generate_options *options, struct tracer *out, struct generate_result *result, char *error);

#endif
