/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-replay tune TRACE... - find the policy that fits all of them. */
#include <stdlib.h>

#include "replay/cmd.h"
#include "replay/plan.h"
#include "replay/tune_output.h"

static int open_trace(const struct replay_options *o, const char *path, struct tune_trace *t)
{
	char error[TRACE_ERROR_BYTES] = "";
	int rc = trace_open(path, &t->trace, error);

	if (rc) {
		complain("", error);
		return rc;
	}
	t->path = path;
	t->shim = plan_shim(o, t->trace);
	rc = plan_limits(o, t->trace, &t->limits, error);
	if (rc)
		complain(path, error);
	return rc;
}

static int write_policy(const struct tune *t, const char *path)
{
	FILE *out = fopen(path, "w");
	bool failed;

	if (!out) {
		complain(path, strerror(errno));
		return -EIO;
	}
	tune_output_policy(out, t);
	failed = ferror(out) != 0;
	if (fclose(out) == 0 && !failed)
		return 0;
	complain(path, "cannot write the policy: is the disk full?");
	return -EIO;
}

static int write_output(const struct replay_options *o, const struct tune *t)
{
	int rc = 0;

	if (o->format == REPLAY_JSON)
		rc = tune_output_json(stdout, t);
	else if (o->format == REPLAY_CSV)
		tune_output_csv(stdout, t);
	else
		tune_output_table(stdout, t);
	if (rc)
		complain("", strerror(-rc));
	else if (t->choice == TUNE_NONE)
		complain("", "no policy that was tried serves every request of every trace: nothing to write");
	else if (o->output_path)
		rc = write_policy(t, o->output_path);
	return rc || t->choice == TUNE_NONE ? EXIT_FAILED : EXIT_DONE;
}

static int tune(const struct replay_options *o, const struct tune_trace *traces)
{
	struct tune_options options = { .start = &o->policies, .cells_max = o->cells, .slack_percent = o->slack_percent,
					.reserve_percent = o->reserve_percent, .keep = o->keep, .seed = o->seed };
	char error[TRACE_ERROR_BYTES] = "";
	struct sweep_options sweep;
	struct tune t = { 0 };
	int rc, status;

	if (cmd_sweep_options(o, &sweep))
		return EXIT_FAILED;
	options.sweep = &sweep;
	cmd_progress_start(&sweep, "tuning");
	rc = tune_run(&t, &options, traces, (u32)o->traces_n, error);
	cmd_progress_end(&sweep);
	if (rc)
		complain("", error);
	status = rc ? EXIT_FAILED : write_output(o, &t);
	tune_destroy(&t);
	cmd_sweep_end(&sweep);
	return status;
}

int cmd_tune(const struct replay_options *o)
{
	struct tune_trace *traces = calloc((size_t)o->traces_n, sizeof(*traces));
	int i, rc = traces ? 0 : -ENOMEM, status = EXIT_FAILED;

	if (rc)
		complain("", strerror(-rc));
	for (i = 0; i < o->traces_n && rc == 0; i++)
		rc = open_trace(o, o->traces[i], &traces[i]);
	if (rc == 0)
		status = tune(o, traces);
	for (i = 0; traces && i < o->traces_n; i++)
		trace_close(traces[i].trace);
	free(traces);
	return status;
}
