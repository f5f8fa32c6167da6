/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * qemu.h - find, describe and start the stock QEMU that is our client.
 */
#ifndef EGPU_RUNTIME_QEMU_H
#define EGPU_RUNTIME_QEMU_H

#include <limits.h>

#include "runtime/run_options.h"

/**
 * struct qemu - what was found.
 * @program:        path of QEMU
 * @version:        first line of its --version
 * @kernel, @initrd: of the guest to boot; empty if it boots from a disk alone
 * @builtin:        the built-in guest, which reports its result through isa-debug-exit
 */
struct qemu {
	char program[PATH_MAX], kernel[PATH_MAX], initrd[PATH_MAX];
	char version[128];
	bool builtin, kvm;
};

/**
 * qemu_find() - the program (--qemu, one beside egpu-run, one in PATH), its version, and the guest's files.
 * Return: 0; -ENOENT, -ENOTSUP (no vfio-user-pci) with one line in @error.
 */
int qemu_find(const struct run_options *o, struct qemu *q, char *error, size_t error_bytes);

/**
 * qemu_start() - run it.
 * @dir:     of the sockets and of QMP's (dir/qmp.sock); @sockets: their names, NULL-terminated
 * @console: file for the serial console; NULL = this terminal
 *
 * Return: process id; negative errno.
 */
pid_t qemu_start(const struct run_options *o, const struct qemu *q, const char *dir, const char *const *sockets, const char *console);

/** qemu_low_ram_bytes() - guest RAM below 4 GiB; what is left lies above it. 0 = all of it is below. */
u64 qemu_low_ram_bytes(const struct run_options *o);

/** qemu_device_json() - the -device argument for one socket. */
void qemu_device_json(char *text, size_t text_bytes, const char *dir, const char *socket_name);

#endif
