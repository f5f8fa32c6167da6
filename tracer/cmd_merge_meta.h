/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_merge_meta.h - what a merged trace says about itself.
 *
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_CMD_MERGE_META_H
#define EGPU_TRACER_CMD_MERGE_META_H

#include "tracer/cmd_output.h"

#define CMD_MERGE_MAX 65 /* one more than traces that can be merged */

/** struct cmd_merge_source - a trace to merge; @remap: its numbers in the new one, devices known. */
struct cmd_merge_source {
	struct trace *t;
	const struct cmd_remap *remap;
	const char *path;
	int64_t offset_ns;
};

/** cmd_merge_same_clock() - true if times of @a and @b can be compared: clocks of one name, of one host. */
bool cmd_merge_same_clock(struct trace *a, struct trace *b);

/**
 * cmd_merge_describe() - provenance (the least certain of the sources'), origin, what all sources agree on, and the sum of their accounts.
 * Return: 0 or negative errno.
 */
int cmd_merge_describe(struct cmd_output *o, const struct cmd_merge_source *sources, int n);

#endif
