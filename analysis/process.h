/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * process.h - run another program and wait for it.
 *
 * Purpose:  egpu-report works through egpu-replay and gnuplot. What they say goes to temporary files, so neither side can block the other.
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_PROCESS_H
#define EGPU_ANALYSIS_PROCESS_H

#include <stddef.h>
#include <stdio.h>

/**
 * process_run() - run a program to its end; its standard input is empty.
 * @argv: NULL-terminated; argv[0] is searched in PATH if it has no slash
 * @dir:  its working directory; NULL = ours
 * @out, @err: receive its standard output and error; rewound afterwards
 * @exit_code: receives its exit status, or 128 + the signal that ended it
 *
 * Return: 0 if it ran; -ENOENT if there is no such program; other -errno.
 */
int process_run(const char *const *argv, const char *dir, FILE *out, FILE *err, int *exit_code);

/** process_in_path() - Return: 0 if a program called @name can be found in PATH, else -ENOENT. */
int process_in_path(const char *name);

/** process_first_line() - first line of @file that is not blank, without its newline; empty if there is none. */
void process_first_line(FILE *file, char *line, size_t line_bytes);

#endif
