/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd.h - the subcommands of egpu-trace, one file each, and what they share.
 *
 * Compiled: egpu-trace. Only these functions and main() print.
 */
#ifndef EGPU_TRACER_CMD_H
#define EGPU_TRACER_CMD_H

#include "tracer/tracer.h"

/* exit status */
enum { CMD_DONE = 0, CMD_FAILED = 1, CMD_MISUSED = 2 };

/* each gets its own argc and argv, argv[0] being its name; Return: an exit status */
int cmd_info(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_repair(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_sql(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_cut(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_export(int argc, char **argv);

/** cmd_failed() - "egpu-trace: …" on stderr. Return: CMD_FAILED. */
int cmd_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** cmd_misused() - the same, with a hint at --help. Return: CMD_MISUSED. */
int cmd_misused(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** cmd_flush() - end of output on stdout. Return: CMD_DONE, also if the reader of a pipe has gone; CMD_FAILED if writing failed. */
int cmd_flush(void);

/** cmd_open() - open the one file that is left in argv behind the options. Return: an exit status; *@out is set if it is CMD_DONE. */
int cmd_open(int argc, char **argv, struct trace **out);

#endif
