/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * output.h - a replay's result for people (table) and for programs (JSON, CSV).
 */
#ifndef EGPU_REPLAY_OUTPUT_H
#define EGPU_REPLAY_OUTPUT_H

#include <json-c/json.h>
#include <stdio.h>

#include "replay/engine.h"

/** struct output_trace - what is said of the trace beside its rows. */
struct output_trace {
	const char *path;
	const char *provenance;
	const char *device; /* NULL = all */
	const char *shim;
	const struct engine *engine;
};

/** output_fits() - true if every request was served. */
bool output_fits(const struct row *row);

/** output_misfit() - why no policy can serve every request; NULL if the bound does not say so. */
const char *output_misfit(const struct bound *b);

void output_table(FILE *out, const struct output_trace *t);

/** output_csv_header(), output_csv() - a line per row; "source" says measured or replayed. */
void output_csv_header(FILE *out);
void output_csv(FILE *out, const struct output_trace *t);

/** output_json() - add an object per policy to @array. Return: 0 or -ENOMEM. */
int output_json(struct json_object *array, const struct output_trace *t);

/** output_series() - CSV over time of all policies, and "measured" if there is such. */
void output_series(FILE *out, struct engine *e);

#endif
