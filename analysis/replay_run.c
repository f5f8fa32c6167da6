/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/replay_run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/process.h"
#include "analysis/replay_answer.h"

#define ANSWER_BYTES_MAX (16u << 20)
#define FIXED_ARGS 16
#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(value) #value

static void find_program(char *path, size_t path_bytes)
{
	ssize_t len = readlink("/proc/self/exe", path, path_bytes - 1);
	char *slash = NULL;

	if (len > 0) {
		path[len] = '\0';
		slash = strrchr(path, '/');
	}
	if (slash) {
		snprintf(slash + 1, path_bytes - (size_t)(slash + 1 - path), "egpu-replay");
		if (access(path, X_OK) == 0)
			return;
	}
	snprintf(path, path_bytes, "egpu-replay");
}

static void add(const char **argv, unsigned int *n, const char *option, const char *value)
{
	argv[(*n)++] = option;
	if (value)
		argv[(*n)++] = value;
}

/* Return: 0; -EINVAL misused, -EIO failed: @error is the program's own line */
static int run(const char *const *argv, FILE *out, char *error)
{
	char line[REPLAY_RUN_ERROR_BYTES];
	FILE *err = tmpfile();
	int exit_code = 0, rc;

	if (!err)
		return -errno;
	rc = process_run(argv, NULL, out, err, &exit_code);
	if (rc) {
		snprintf(error, REPLAY_RUN_ERROR_BYTES, "cannot run egpu-replay (%s): it belongs beside egpu-report, or in PATH", strerror(-rc));
	} else if (exit_code) {
		process_first_line(err, line, sizeof(line));
		if (line[0])
			snprintf(error, REPLAY_RUN_ERROR_BYTES, "%s", line);
		else
			snprintf(error, REPLAY_RUN_ERROR_BYTES, "egpu-replay ended with status %d", exit_code);
		rc = exit_code == 2 ? -EINVAL : -EIO;
	}
	fclose(err);
	return rc;
}

static FILE *scratch(char *error)
{
	FILE *out = tmpfile();

	if (!out)
		snprintf(error, REPLAY_RUN_ERROR_BYTES, "cannot make a temporary file: %s", strerror(errno));
	return out;
}

int replay_run_check(const struct replay_run_options *options, char *error)
{
	const char *argv[REPLAY_RUN_POLICIES_MAX * 2 + FIXED_ARGS] = { 0 };
	char program[PATH_MAX];
	FILE *out = scratch(error);
	unsigned int i, n = 0;
	int rc;

	if (!out)
		return -EIO;
	find_program(program, sizeof(program));
	add(argv, &n, program, NULL);
	for (i = 0; i < options->npolicies; i++)
		add(argv, &n, "--policy", options->policies[i]);
	if (options->dart)
		add(argv, &n, "--dart", options->dart);
	add(argv, &n, "--list-policies", NULL);
	rc = run(argv, out, error);
	fclose(out);
	return rc;
}

/* all of @out as one NUL-terminated text; the caller frees it */
static char *slurp(FILE *out)
{
	long len = fseek(out, 0, SEEK_END) ? -1 : ftell(out);
	char *text = len >= 0 && (unsigned long)len <= ANSWER_BYTES_MAX ? malloc((size_t)len + 1) : NULL;

	rewind(out);
	if (text)
		text[fread(text, 1, (size_t)len, out)] = '\0';
	return text;
}

static int ask(FILE *out, const char *path, const char *series_path, const struct replay_run_options *options, char *error)
{
	const char *argv[REPLAY_RUN_POLICIES_MAX * 2 + FIXED_ARGS] = { 0 };
	char program[PATH_MAX];
	unsigned int i, n = 0;

	find_program(program, sizeof(program));
	add(argv, &n, program, NULL);
	for (i = 0; i < options->npolicies; i++)
		add(argv, &n, "--policy", options->policies[i]);
	if (options->dart)
		add(argv, &n, "--dart", options->dart);
	if (options->device)
		add(argv, &n, "--device", options->device);
	if (options->skip_damaged)
		add(argv, &n, "--skip-damaged", NULL);
	add(argv, &n, "--json", NULL);
	add(argv, &n, "--series", series_path);
	add(argv, &n, "--bins", TEXT_OF(REPLAY_RUN_BINS));
	add(argv, &n, "--", path);
	return run(argv, out, error);
}

int replay_run_fps(char **csv, char *error)
{
	const char *argv[FIXED_ARGS] = { 0 };
	char program[PATH_MAX];
	FILE *out = scratch(error);
	unsigned int n = 0;
	int rc;

	if (!out)
		return -EIO;
	find_program(program, sizeof(program));
	add(argv, &n, program, NULL);
	add(argv, &n, "fps", "--csv");
	rc = run(argv, out, error);
	*csv = rc ? NULL : slurp(out);
	fclose(out);
	if (rc == 0 && !*csv) {
		snprintf(error, REPLAY_RUN_ERROR_BYTES, "no memory for what egpu-replay fps says");
		rc = -ENOMEM;
	}
	return rc;
}

int replay_run(struct replay_run *r, const char *path, const char *series_path, const struct replay_run_options *options, char *error)
{
	FILE *out = scratch(error);
	char *text = NULL;
	int rc;

	memset(r, 0, sizeof(*r));
	if (!out)
		return -EIO;
	rc = ask(out, path, series_path, options, error);
	if (rc)
		goto out_unlink;
	text = slurp(out);
	rc = text ? replay_answer_json(r, text) : -ENOMEM;
	if (rc == 0)
		rc = replay_answer_series(r, series_path);
	if (rc)
		snprintf(error, REPLAY_RUN_ERROR_BYTES, "cannot use the answer of egpu-replay (%s): are both programs of one version?", strerror(-rc));
out_unlink:
	free(text);
	unlink(series_path);
	fclose(out);
	return rc;
}

void replay_run_destroy(struct replay_run *r)
{
	unsigned int i;

	for (i = 0; i < REPLAY_RUN_ROWS_MAX; i++)
		free(r->rows[i].points);
	memset(r, 0, sizeof(*r));
}
