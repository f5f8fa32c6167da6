/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * results.h - an SQLite file of results, so that what has been replayed need not be replayed again.
 *
 * Key:      the trace's fingerprint, device, source (replayed or measured), policy, shim, limits and egpu's version.
 * Safe:     results of one pass are written in one transaction; a process killed at any moment leaves a sound file. Several may use one.
 */
#ifndef EGPU_REPLAY_RESULTS_H
#define EGPU_REPLAY_RESULTS_H

#include "replay/result.h"

struct results;

/** results_open() - open or make @path. Return: 0; -EINVAL if it is something else; other negative errno. @error: TRACE_ERROR_BYTES. */
int results_open(const char *path, struct results **out, char *error);
void results_close(struct results *r); /* NULL is allowed */

/**
 * results_find() - look up what belongs to @io's device, source, policy (any if measured), shim and limits.
 * @io: row, bound and what follows are set if found; texts stay
 *
 * Return: 1 found; 0 not; negative errno.
 */
int results_find(struct results *r, u64 fingerprint, struct result *io);

/** results_put() - add or replace @n results of one trace. Return: 0 or negative errno. */
int results_put(struct results *r, u64 fingerprint, const struct result *list, u32 n);

#endif
