/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * workload_memory.h - how much guest memory a workload is made for.
 */
#ifndef EGPU_RUNTIME_WORKLOAD_MEMORY_H
#define EGPU_RUNTIME_WORKLOAD_MEMORY_H

#include "runtime/core/env.h"

/**
 * workload_memory_mib() - what its statement "memory" says, see workload(5); the guest's player checks the rest.
 * Return: MiB; 0 if the file cannot be read or does not begin with that statement.
 */
u32 workload_memory_mib(const char *path);

#endif
