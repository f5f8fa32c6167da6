/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * tune_rule.h - which of the candidates is chosen, and which are on the front; see tune.h for the rule.
 */
#ifndef EGPU_REPLAY_TUNE_RULE_H
#define EGPU_REPLAY_TUNE_RULE_H

#include "replay/tune.h"

/** tune_less() - @limits less by @percent, but one mapping and one granule. */
struct dart_limits tune_less(const struct dart_limits *limits, u32 percent);

/** tune_judge() - sum up what candidate @i did on all traces. */
void tune_judge(struct tune *t, u32 i);

/** tune_choose() - set choice, front and what became of the rule. */
void tune_choose(struct tune *t);

#endif
