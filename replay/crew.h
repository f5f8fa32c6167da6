/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * crew.h - a few threads that share out numbered tasks.
 *
 * Purpose:  lets one thread go on (decoding) while others work (replaying), and then join them.
 * Threads:  all calls come from the thread that made the crew. What it wrote before crew_start() the tasks see; what they wrote it sees
 *           after crew_wait().
 */
#ifndef EGPU_REPLAY_CREW_H
#define EGPU_REPLAY_CREW_H

#include "runtime/core/env.h"

#define CREW_THREADS_MAX 256u

struct crew;

/** crew_new() - @threads in all, the caller's included, 1 to CREW_THREADS_MAX. Return: 0 or a negative errno. */
int crew_new(u32 threads, struct crew **out);
void crew_free(struct crew *c); /* NULL is allowed; waits for what is under way */

/** crew_start() - have @run called once for each i below @n, in any order and at the same time; after a crew_wait() only. */
void crew_start(struct crew *c, u32 n, void (*run)(void *ctx, u32 i), void *ctx);

/** crew_wait() - help until all tasks are done. */
void crew_wait(struct crew *c);

#endif
