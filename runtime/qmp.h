/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * qmp.h - a small client of QEMU's machine protocol: learn why the guest ended, ask it to end.
 *
 * Source:   QEMU's docs/interop/qmp-spec: one JSON object a line, a greeting, then qmp_capabilities.
 */
#ifndef EGPU_RUNTIME_QMP_H
#define EGPU_RUNTIME_QMP_H

#include "runtime/core/env.h"

/**
 * struct qmp - a connection; @fd is -1 while there is none.
 * @reason: of the SHUTDOWN event ("guest-shutdown", "guest-reset", "host-signal", …), empty before it
 * @panicked: GUEST_PANICKED was seen
 */
struct qmp {
	int fd;
	char reason[64];
	bool panicked;
	char line[8192];
	size_t used;
};

void qmp_init(struct qmp *q);

/** qmp_connect() - connect to QEMU's socket. Return: 0; -errno (QEMU may not listen yet: try again). */
int qmp_connect(struct qmp *q, const char *path);

/** qmp_read() - take what has come; call when @fd is readable. Return: 0; -EPIPE QEMU closed it. */
int qmp_read(struct qmp *q);

/** qmp_quit() - ask QEMU to end at once. Return: 0 or -errno. */
int qmp_quit(struct qmp *q);

void qmp_close(struct qmp *q);

#endif
