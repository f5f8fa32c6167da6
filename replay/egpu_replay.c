/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-replay - what would another policy have asked of the IOMMU? See egpu-replay(1). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/cmd.h"

void complain(const char *what, const char *why)
{
	fprintf(stderr, "egpu-replay: %s%s%s\n", what, what[0] ? ": " : "", why);
}

static void show_progress(void *ctx, unsigned int percent)
{
	fprintf(stderr, "\r%s: %u %%", (const char *)ctx, percent);
	fflush(stderr);
}

int cmd_sweep_options(const struct replay_options *o, struct sweep_options *out)
{
	char error[TRACE_ERROR_BYTES];

	*out = (struct sweep_options){
		.engine = { .threads = o->threads, .device = o->device, .skip_damaged = o->skip_damaged },
		.memory_bytes = o->memory_bytes,
	};
	if (!o->results_path || results_open(o->results_path, &out->results, error) == 0)
		return 0;
	complain("", error);
	return -EIO;
}

void cmd_sweep_end(struct sweep_options *s)
{
	results_close(s->results);
}

void cmd_progress_start(struct sweep_options *s, const char *what)
{
	if (!isatty(STDERR_FILENO))
		return;
	s->engine.progress = show_progress;
	s->engine.progress_ctx = (void *)what;
}

void cmd_progress_end(const struct sweep_options *s)
{
	if (s->engine.progress)
		fprintf(stderr, "\r\033[K");
}

static void list_policies(const struct coalesce_policy *const *p)
{
	u32 i;

	for (; *p; p++) {
		printf("%s\n    %s\n", (*p)->name, (*p)->summary);
		for (i = 0; i < (*p)->nparams; i++) {
			const struct coalesce_param *param = &(*p)->params[i];

			printf("    %s=%u..%u (default %u): %s\n", param->name, param->min, param->max, param->def, param->help);
		}
	}
}

static int act(const struct replay_options *o)
{
	switch (o->action) {
	case REPLAY_HELP:
		fputs(replay_options_usage(o->command), stdout);
		return EXIT_DONE;
	case REPLAY_VERSION:
		puts("egpu-replay " EGPU_VERSION);
		return EXIT_DONE;
	case REPLAY_LIST_POLICIES:
		list_policies(coalesce_policies);
		list_policies(policies_lab);
		return EXIT_DONE;
	case REPLAY_TUNE:
		return cmd_tune(o);
	default:
		return cmd_run(o);
	}
}

static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	complain("", "cannot write the result to standard output");
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static struct replay_options o;
	char error[TRACE_ERROR_BYTES];
	int status;

	if (argc > 1 && strcmp(argv[1], "fps") == 0)
		return finish(cmd_fps(argc - 1, argv + 1));
	if (replay_options_parse(&o, argc, argv, error, sizeof(error))) {
		complain("", error);
		replay_options_destroy(&o);
		return EXIT_MISUSED;
	}
	status = act(&o);
	replay_options_destroy(&o);
	return finish(status);
}
