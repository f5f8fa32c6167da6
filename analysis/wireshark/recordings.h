/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * recordings.h - the traces that are being recorded on this machine right now.
 *
 * Purpose:  a recorder holds PATH-lock open as long as it lives, so the processes' open files name all of them; nothing has to be registered
 *           and nothing is left behind by a recorder that was killed. Other users' processes cannot be looked into.
 * Compiled: egpu-extcap.
 */
#ifndef EGPU_ANALYSIS_WIRESHARK_RECORDINGS_H
#define EGPU_ANALYSIS_WIRESHARK_RECORDINGS_H

#include <stddef.h>

#define RECORDINGS_MAX 64u
#define RECORDINGS_PATH_BYTES 4096

struct recordings {
	size_t n;
	char *path[RECORDINGS_MAX];
};

/** recordings_find() - look for them, at most RECORDINGS_MAX, in order of process and file. Return: 0; -ENOMEM; -errno without /proc. */
int recordings_find(struct recordings *r);
void recordings_free(struct recordings *r);

#endif
