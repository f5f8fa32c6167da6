/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * qmp.h - a small client of QEMU's machine protocol: learn which threads run the guest and why it ended, ask it to end.
 *
 * Source:   QEMU's docs/interop/qmp-spec: one JSON object a line, a greeting, then qmp_capabilities.
 */
#ifndef EGPU_RUNTIME_QMP_H
#define EGPU_RUNTIME_QMP_H

#include <sys/types.h>

#include "runtime/core/env.h"

#define QMP_THREADS_MAX 1024
#define QMP_LINE_BYTES (QMP_THREADS_MAX * 256) /* query-cpus-fast takes about 180 for each */

/**
 * struct qmp - a connection; @fd is -1 while there is none.
 * @reason: of the SHUTDOWN event ("guest-shutdown", "guest-reset", "host-signal", …), empty before it
 * @panicked: GUEST_PANICKED was seen
 * @threads:  of QEMU, that run vCPUs: @threads_n of them, without duplicates (single-threaded TCG has one for all); 0 until QEMU has answered
 */
struct qmp {
	int fd;
	char reason[64];
	bool panicked;
	pid_t threads[QMP_THREADS_MAX];
	u32 threads_n;
	char line[QMP_LINE_BYTES];
	size_t used;
};

void qmp_init(struct qmp *q);

/** qmp_connect() - connect to QEMU's socket, and ask for the vCPUs' threads. Return: 0; -errno (QEMU may not listen yet: try again). */
int qmp_connect(struct qmp *q, const char *path);

/** qmp_read() - take what has come; call when @fd is readable. Return: 0; -EPIPE QEMU closed it. */
int qmp_read(struct qmp *q);

/** qmp_quit() - ask QEMU to end at once. Return: 0 or -errno. */
int qmp_quit(struct qmp *q);

void qmp_close(struct qmp *q);

#endif
