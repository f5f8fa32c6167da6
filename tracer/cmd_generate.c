/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/generate/generate.h"

static const char help[] =
	"usage: egpu-trace generate WORKLOAD [options] -o OUT.egt\n\n"
	"Makes a trace of a workload, see workload(5), that nobody plays: the requests that the guest's player and driver would make, on pages of a\n"
	"model of Linux's page allocator. It is labelled modelled. What only a real play shows, it lacks: register accesses, interrupts, true times.\n\n"
	"  -o, --output OUT.egt   the trace to make\n"
	"  --force                replace OUT.egt if it is a trace\n"
	"  --events N             stop after N events (K, M, G); until then repeat what follows the last load\n"
	"  --scale K              so many times the memory, the buffers and the churn, 1 to 512 (1)\n"
	"  --seed N               another random sequence than the workload's\n";

static const char assumed[] =
	"pages: a buddy allocator with lists last in, first out, behind 64 MiB of the guest's own; no per-CPU lists, no reclaim\n"
	"times: 2 us a request; frames at the workload's pace, else 60 a second";

struct generate_args {
	const char *path;
	struct generate_options options;
	uint64_t seed;
	bool seeded;
};

static void show_progress(uint64_t events, uint64_t wanted)
{
	if (wanted)
		fprintf(stderr, "\r%5.1f %% generated ", 100.0 * (double)events / (double)wanted);
	else
		fprintf(stderr, "\r%" PRIu64 " M events ", events / 1000000);
}

static int read_workload(const char *path, struct workload *w)
{
	char error[WORKLOAD_ERROR_BYTES];
	FILE *in = fopen(path, "r");
	int rc;

	if (!in)
		return cmd_failed("%s: %s", path, strerror(errno));
	rc = workload_read(in, path, w, error);
	fclose(in);
	return rc ? cmd_failed("%s", error) : CMD_DONE;
}

static int describe(struct tracer *out, const struct generate_args *args, uint64_t seed)
{
	const char *name = strrchr(args->path, '/') ? strrchr(args->path, '/') + 1 : args->path;
	char origin[512];
	int err;

	snprintf(origin, sizeof(origin), "generated from %.200s, seed %" PRIu64 ", scale %" PRIu64 ": nobody played it", name, seed, args->options.scale);
	err = tracer_meta(out, TRACE_META_PROVENANCE, "modelled");
	err = err ? err : tracer_meta(out, TRACE_META_ORIGIN, origin);
	err = err ? err : tracer_meta(out, TRACE_META_WORKLOAD, name);
	err = err ? err : tracer_meta(out, TRACE_META_CLOCK, "modelled");
	err = err ? err : tracer_meta(out, TRACE_META_ASSUMED, assumed);
	err = err ? err : tracer_meta(out, TRACE_META_STARTED, NULL);
	return err ? err : tracer_meta(out, TRACE_META_HOST, NULL);
}

/* that of the workload's last statement, or the one asked for in place of all */
static uint64_t set_seed(struct workload *w, const struct generate_args *args)
{
	uint64_t seed = 0;
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		if (w->step[i].kind != WORKLOAD_SEED)
			continue;
		if (args->seeded)
			w->step[i].value = args->seed;
		seed = w->step[i].value;
	}
	return seed;
}

static int run(const struct generate_args *args, const struct tracer_options *options)
{
	char error[TRACE_ERROR_BYTES], close_error[TRACE_ERROR_BYTES];
	static struct workload w;
	struct generate_result result;
	int status = read_workload(args->path, &w), err, close_err;
	struct tracer *out;

	if (status != CMD_DONE)
		return status;
	if (tracer_open(options, &out, error) != 0)
		return cmd_failed("%s", error);
	err = describe(out, args, set_seed(&w, args));
	if (err)
		snprintf(error, sizeof(error), "%s", strerror(-err));
	else
		err = generate(&w, &args->options, out, &result, error);
	if (args->options.progress)
		fprintf(stderr, "\r%24s\r", "");
	close_err = tracer_close(out, close_error);
	if (err || close_err) {
		unlink(options->path);
		return cmd_failed("%s: %s", args->path, err ? error : close_error);
	}
	fprintf(stderr, "%" PRIu64 " events; %" PRIu64 " buffers live at the end; %" PRIu64 " contiguous ones made of single pages\n", result.events,
		result.live, result.fallbacks);
	return CMD_DONE;
}

/* digits and K, M or G, which are powers of ten: it counts events */
static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	static const char suffix[] = "KMG";
	const char *found;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || end == text || text[0] < '0' || text[0] > '9')
		return false;
	found = *end ? strchr(suffix, *end) : NULL;
	for (const char *s = suffix; found && s <= found; s++) {
		if (__builtin_mul_overflow(*out, 1000, out))
			return false;
	}
	return end[found != NULL] == '\0' && *out <= max;
}

static int generate_file(int argc, char **argv, struct generate_args *args, const struct tracer_options *out)
{
	if (optind + 1 != argc)
		return cmd_misused("generate", "give one workload");
	args->path = argv[optind];
	if (!out->path)
		return cmd_misused("generate", "say with -o which trace to make");
	args->options.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	return run(args, out);
}

int cmd_generate(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "force", no_argument, NULL, 'w' },   { "help", no_argument, NULL, 'h' },
		{ "events", required_argument, NULL, 'e' }, { "scale", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'r' },
		{ 0 },
	};
	struct generate_args args = { .options.scale = 1 };
	struct tracer_options out = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			printf("%s", help);
			return cmd_flush();
		case 'o': out.path = optarg; break;
		case 'w': out.overwrite = true; break;
		case 'e':
			if (!parse_number(optarg, 100000000000ull, &args.options.events) || args.options.events == 0)
				return cmd_misused("generate", "--events takes a number, 1 to 100G");
			break;
		case 's':
			if (!parse_number(optarg, GENERATE_SCALE_MAX, &args.options.scale) || args.options.scale == 0)
				return cmd_misused("generate", "--scale takes a number, 1 to %u", GENERATE_SCALE_MAX);
			break;
		case 'r':
			if (!parse_number(optarg, UINT64_MAX, &args.seed))
				return cmd_misused("generate", "--seed takes a number");
			args.seeded = true;
			break;
		default: return cmd_misused("generate", "unknown option");
		}
	}
	return generate_file(argc, argv, &args, &out);
}
