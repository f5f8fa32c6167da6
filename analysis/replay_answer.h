/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * replay_answer.h - reads what egpu-replay wrote: the array of --json and the table of --series.
 *
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_REPLAY_ANSWER_H
#define EGPU_ANALYSIS_REPLAY_ANSWER_H

#include "analysis/replay_run.h"

/** replay_answer_json() - fill all but the points of @r (all zero before). Return: 0; -EBADMSG; -ENOMEM. */
int replay_answer_json(struct replay_run *r, const char *text);

/** replay_answer_series() - fill the points of @r's rows. Return: 0; -EBADMSG; -ENOMEM; what opening @path says. */
int replay_answer_series(struct replay_run *r, const char *path);

#endif
