/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd.h - the commands of egpu-replay, and what they share.
 */
#ifndef EGPU_REPLAY_CMD_H
#define EGPU_REPLAY_CMD_H

#include "replay/replay_options.h"
#include "replay/sweep.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

/** complain() - one line on standard error; @what may be empty. */
void complain(const char *what, const char *why);

/** cmd_sweep_options() - from the command line; shows progress if standard error is a terminal. Return: 0, or one line has been said. */
int cmd_sweep_options(const struct replay_options *o, struct sweep_options *out);
void cmd_sweep_end(struct sweep_options *s);

/** cmd_progress_start(), cmd_progress_end() - what is under way; nothing is shown before and after. */
void cmd_progress_start(struct sweep_options *s, const char *what);
void cmd_progress_end(const struct sweep_options *s);

int cmd_run(const struct replay_options *o);  /* Return: exit status */
int cmd_tune(const struct replay_options *o);
int cmd_fps(int argc, char **argv); /* its own options; argv[0] is "fps" */

#endif
