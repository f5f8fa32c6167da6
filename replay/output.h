/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * output.h - results for people (table) and for programs (JSON, CSV).
 */
#ifndef EGPU_REPLAY_OUTPUT_H
#define EGPU_REPLAY_OUTPUT_H

#include <json-c/json.h>
#include <stdio.h>

#include "replay/result.h"

/**
 * output_table() - @n results of the same trace, device, shim and limits, with what they have in common above and below.
 * Rows of a live run are told from replayed ones by row.measured.
 */
void output_table(FILE *out, const struct result *results, u32 n);

/** output_csv_header(), output_csv() - a line per result; "source" says measured or replayed. */
void output_csv_header(FILE *out);
void output_csv(FILE *out, const struct result *r);

/** output_json() - add an object for @r to @array; @measured, what a live run did, goes inside, and may be NULL. Return: 0 or -ENOMEM. */
int output_json(struct json_object *array, const struct result *r, const struct result *measured);

/** output_series() - CSV over time of all policies, and "measured" if there is such. */
void output_series(FILE *out, struct engine *e);

#endif
