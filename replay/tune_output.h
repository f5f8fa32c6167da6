/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * tune_output.h - what a search found, for people, for programs, and as a policy file.
 */
#ifndef EGPU_REPLAY_TUNE_OUTPUT_H
#define EGPU_REPLAY_TUNE_OUTPUT_H

#include <stdio.h>

#include "replay/tune.h"

void tune_output_table(FILE *out, const struct tune *t);
void tune_output_csv(FILE *out, const struct tune *t);
int tune_output_json(FILE *out, const struct tune *t); /* Return: 0 or -ENOMEM */

/** tune_output_policy() - the choice, which there must be, as policy_file.h has it. */
void tune_output_policy(FILE *out, const struct tune *t);

#endif
