/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * folders.h - where figures go.
 *
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_FOLDERS_H
#define EGPU_ANALYSIS_FOLDERS_H

#include <stddef.h>

/** folders_make() - make @path and the folders above it. Return: 0, also if it exists and can be written; -ENOTDIR, -EACCES, … */
int folders_make(const char *path);

/**
 * folders_name() - a name for trace @index of @traces: its file's name without ".egt"; with "-2", "-3", … if an earlier one has it.
 * @name: receives it, cut at @name_bytes
 */
void folders_name(char *const *traces, int index, char *name, size_t name_bytes);

#endif
