/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-replay TRACE... - each trace through each policy behind each DART. */
#include <stdlib.h>

#include "replay/cmd.h"
#include "replay/output.h"
#include "replay/plan.h"

static int write_series(void *ctx, struct engine *e, char *error)
{
	const char *path = ctx;
	FILE *out = fopen(path, "w");
	bool failed;

	if (!out) {
		snprintf(error, TRACE_ERROR_BYTES, "%.180s: %s", path, strerror(errno));
		return -errno;
	}
	output_series(out, e);
	failed = ferror(out) != 0;
	if (fclose(out) == 0 && !failed)
		return 0;
	snprintf(error, TRACE_ERROR_BYTES, "%.180s: cannot write the series: is the disk full?", path);
	return -EIO;
}

static bool same_limits(const struct result *a, const struct result *b)
{
	char x[DART_TEXT_BYTES], y[DART_TEXT_BYTES];

	dart_format(&a->limits, x, sizeof(x));
	dart_format(&b->limits, y, sizeof(y));
	return strcmp(x, y) == 0;
}

/* a table for each DART, the measured row on top of each */
static int write_tables(const struct result *list, u32 n, const struct result *measured)
{
	struct result *group = calloc(n + 1, sizeof(*group));
	u32 i = 0, k;

	if (!group)
		return -ENOMEM;
	while (i < n) {
		k = 0;
		if (measured) {
			group[k] = *measured;
			group[k].limits = list[i].limits;
			group[k++].bound = list[i].bound;
		}
		do
			group[k++] = list[i++];
		while (i < n && same_limits(&list[i], &list[i - 1]));
		output_table(stdout, group, k);
	}
	free(group);
	return 0;
}

static int write_results(const struct replay_options *o, const struct result *list, u32 n, const struct result *measured,
			 struct json_object *array)
{
	int rc = 0;
	u32 i;

	if (o->format == REPLAY_TABLE)
		return write_tables(list, n, measured);
	if (o->format == REPLAY_CSV && measured)
		output_csv(stdout, measured);
	for (i = 0; i < n && rc == 0; i++) {
		if (o->format == REPLAY_CSV)
			output_csv(stdout, &list[i]);
		else
			rc = output_json(array, &list[i], measured);
	}
	return rc;
}

static int replay_trace(const struct replay_options *o, struct sweep_options *sweep, const char *path, struct json_object *array)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct result *list = NULL;
	struct trace *trace = NULL;
	struct plan plan = { 0 };
	bool measured;
	int rc = trace_open(path, &trace, error);

	if (rc) {
		complain("", error);
		return rc;
	}
	rc = plan_make(o, trace, &plan, error);
	if (rc == 0) {
		list = calloc(plan.n + 1, sizeof(*list));
		cmd_progress_start(sweep, path);
		rc = list ? sweep_trace(sweep, trace, path, plan.cells, plan.n, list, &measured, error) : -ENOMEM;
		cmd_progress_end(sweep);
	}
	if (rc == 0)
		rc = write_results(o, list, plan.n, measured ? &list[plan.n] : NULL, array);
	if (rc)
		complain(path, error[0] ? error : strerror(-rc));
	free(list);
	plan_destroy(&plan);
	trace_close(trace);
	return rc;
}

int cmd_run(const struct replay_options *o)
{
	struct json_object *array = json_object_new_array();
	struct sweep_options sweep;
	int i, status = EXIT_DONE;

	if (!array || cmd_sweep_options(o, &sweep))
		return EXIT_FAILED;
	if (o->series_path) {
		sweep.engine.bins = o->bins;
		sweep.memory_bytes = ~(u64)0; /* one pass, one file */
		sweep.ran = write_series;
		sweep.ran_ctx = (void *)o->series_path;
	}
	if (o->format == REPLAY_CSV)
		output_csv_header(stdout);
	for (i = 0; i < o->traces_n; i++) {
		if (replay_trace(o, &sweep, o->traces[i], array))
			status = EXIT_FAILED;
	}
	if (o->format == REPLAY_JSON)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	cmd_sweep_end(&sweep);
	return status;
}
