/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-replay - what would another policy have asked of the IOMMU? See egpu-replay(1). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay/output.h"
#include "replay/replay_options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

static const char *const default_policies[] = { "direct", "window:log2=16", "window:log2=18", "window:log2=20", "window:log2=22", "grow" };

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "egpu-replay: %s%s%s\n", what, what[0] ? ": " : "", why);
}

static void list_policies(void)
{
	const struct coalesce_policy *const *p;
	u32 i;

	for (p = coalesce_policies; *p; p++) {
		printf("%s\n    %s\n", (*p)->name, (*p)->summary);
		for (i = 0; i < (*p)->nparams; i++) {
			const struct coalesce_param *param = &(*p)->params[i];

			printf("    %s=%u..%u (default %u): %s\n", param->name, param->min, param->max, param->def, param->help);
		}
	}
}

static void show_progress(void *ctx, unsigned int percent)
{
	fprintf(stderr, "\r%s: %u %%", (const char *)ctx, percent);
	fflush(stderr);
}

/* 0, or one line has been said */
static int choose_limits(const struct replay_options *o, struct trace *trace, const char *path, struct dart_limits *limits)
{
	const char *recorded = trace_meta(trace, TRACE_META_LIMITS);
	char why[TRACE_ERROR_BYTES];

	if (o->limits_given) {
		*limits = o->limits;
		return 0;
	}
	if (!recorded) {
		*limits = dart_models[0];
		return 0;
	}
	if (dart_parse(recorded, limits) == 0)
		return 0;
	snprintf(why, sizeof(why), "cannot use the limits it was recorded with ('%.100s'): give --dart", recorded);
	complain(path, why);
	return -EINVAL;
}

static u32 choose_shim(const struct replay_options *o, struct trace *trace)
{
	const char *recorded = trace_meta(trace, TRACE_META_ALIGN);
	int shim = o->shim;

	if (shim < 0 && recorded)
		shim = align_shim_find(recorded);
	return shim < 0 ? ALIGN_NONE : (u32)shim;
}

static bool fits_granule(struct coalesce_config config, u32 granule_log2)
{
	config.granule_log2 = granule_log2;
	config.max_mappings = config.max_requests = config.batch_max = 1;
	return coalesce_state_bytes(&config) != 0;
}

/* Return: how many policies; of the default set those that go with the granule */
static u32 choose_policies(const struct replay_options *o, const struct dart_limits *limits, u32 shim, struct coalesce_config *policies)
{
	u32 i, n = 0;

	for (i = 0; i < o->policies_n; i++)
		policies[n++] = o->policies[i];
	for (i = 0; o->policies_n == 0 && i < sizeof(default_policies) / sizeof(default_policies[0]); i++) {
		if (coalesce_parse(default_policies[i], &policies[n]) == 0 && fits_granule(policies[n], limits->granule_log2))
			n++;
	}
	for (i = 0; i < n; i++)
		policies[i].shim = shim;
	return n;
}

static int write_series(const char *path, struct engine *e)
{
	FILE *out = fopen(path, "w");
	bool failed;

	if (!out) {
		complain(path, strerror(errno));
		return -errno;
	}
	output_series(out, e);
	failed = ferror(out) != 0;
	if (fclose(out) || failed) {
		complain(path, "cannot write the series: is the disk full?");
		return -EIO;
	}
	return 0;
}

static int write_result(const struct replay_options *o, const struct output_trace *t, struct engine *e, struct json_object *array)
{
	int rc = 0;

	if (o->format == REPLAY_JSON)
		rc = output_json(array, t);
	else if (o->format == REPLAY_CSV)
		output_csv(stdout, t);
	else
		output_table(stdout, t);
	if (rc)
		complain(t->path, strerror(-rc));
	else if (o->series_path)
		rc = write_series(o->series_path, e);
	return rc;
}

static int replay_trace(const struct replay_options *o, const char *path, struct json_object *array)
{
	struct coalesce_config policies[REPLAY_POLICIES_MAX] = { 0 };
	struct engine_options options = { .policies = policies, .device = o->device, .skip_damaged = o->skip_damaged };
	struct output_trace t = { .path = path, .device = o->device };
	char error[TRACE_ERROR_BYTES] = "";
	struct dart_limits limits;
	struct trace *trace = NULL;
	struct engine engine = { 0 };
	int rc = trace_open(path, &trace, error);

	if (rc) {
		complain("", error);
		return rc;
	}
	rc = choose_limits(o, trace, path, &limits);
	if (rc)
		goto out_close;
	options.limits = &limits;
	options.bins = o->series_path ? o->bins : 0;
	options.policies_n = choose_policies(o, &limits, choose_shim(o, trace), policies);
	if (isatty(STDERR_FILENO)) {
		options.progress = show_progress;
		options.progress_ctx = (void *)path;
	}
	rc = engine_run(&engine, trace, &options, error);
	if (options.progress)
		fprintf(stderr, "\r\033[K");
	if (rc) {
		complain(path, error);
		goto out_destroy;
	}
	t.engine = &engine;
	t.provenance = trace_meta(trace, TRACE_META_PROVENANCE) ?: "of unknown provenance";
	t.shim = align_shim_name(policies[0].shim);
	rc = write_result(o, &t, &engine, array);
out_destroy:
	engine_destroy(&engine);
out_close:
	trace_close(trace);
	return rc;
}

static int replay_all(const struct replay_options *o)
{
	struct json_object *array = json_object_new_array();
	int i, exit_code = EXIT_DONE;

	if (!array)
		return EXIT_FAILED;
	if (o->format == REPLAY_CSV)
		output_csv_header(stdout);
	for (i = 0; i < o->traces_n; i++) {
		if (replay_trace(o, o->traces[i], array))
			exit_code = EXIT_FAILED;
	}
	if (o->format == REPLAY_JSON)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	if (fflush(stdout) || ferror(stdout)) {
		complain("", "cannot write the result to standard output");
		exit_code = EXIT_FAILED;
	}
	return exit_code;
}

int main(int argc, char **argv)
{
	static struct replay_options o;
	char error[TRACE_ERROR_BYTES];

	if (replay_options_parse(&o, argc, argv, error, sizeof(error))) {
		complain("", error);
		return EXIT_MISUSED;
	}
	if (o.action == REPLAY_HELP) {
		fputs(replay_options_usage(), stdout);
		return EXIT_DONE;
	}
	if (o.action == REPLAY_VERSION) {
		puts("egpu-replay " EGPU_VERSION);
		return EXIT_DONE;
	}
	if (o.action == REPLAY_LIST_POLICIES) {
		list_policies();
		return EXIT_DONE;
	}
	return replay_all(&o);
}
