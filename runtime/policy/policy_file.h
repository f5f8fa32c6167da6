/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * policy_file.h - a policy as egpu-replay tune hands it on: what egpu-run and egpu-replay take as --policy @FILE.
 *
 * Format:   lines KEY = VALUE; empty lines and what follows a '#' at the start of a line are left out. Keys: policy (must be there), align,
 *           limits (what it was made for); each once.
 * Compiled: egpu-run, egpu-replay. Depends on runtime/core only.
 */
#ifndef EGPU_RUNTIME_POLICY_POLICY_FILE_H
#define EGPU_RUNTIME_POLICY_POLICY_FILE_H

#include "runtime/core/coalesce.h"

#define POLICY_FILE_LIMITS_BYTES 256
#define POLICY_FILE_ERROR_BYTES 512

/**
 * struct policy_file - its values.
 * @policy: as coalesce_parse() takes it; it does
 * @shim:   enum align_shim, or -1 if the file does not say
 * @limits: empty if the file does not say
 */
struct policy_file {
	char policy[COALESCE_SPEC_BYTES];
	int shim;
	char limits[POLICY_FILE_LIMITS_BYTES];
};

/**
 * policy_file_read() - read @path.
 * @error: receives one line, POLICY_FILE_ERROR_BYTES
 *
 * Return: 0; -EINVAL if it is not a policy file; what opening or reading said.
 */
int policy_file_read(const char *path, struct policy_file *out, char *error);

#endif
