/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/replay_options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay/crew.h"
#include "replay/series.h"
#include "runtime/policy/policy_file.h"

#define MEMORY_DEFAULT_BYTES ((u64)2 << 30)

enum { OPT_POLICY = 256, OPT_ALIGN, OPT_DART, OPT_DEVICE, OPT_JSON, OPT_CSV, OPT_LIST, OPT_SERIES, OPT_BINS, OPT_SKIP, OPT_VERSION, OPT_THREADS,
       OPT_MEMORY, OPT_RESULTS, OPT_CELLS, OPT_SLACK, OPT_RESERVE, OPT_SEED, OPT_KEEP };

#define COMMON                                                                                                                                       \
	{ "policy", required_argument, NULL, OPT_POLICY }, { "align", required_argument, NULL, OPT_ALIGN },                                          \
	{ "dart", required_argument, NULL, OPT_DART }, { "limit", required_argument, NULL, OPT_DART },                                               \
	{ "device", required_argument, NULL, OPT_DEVICE }, { "json", no_argument, NULL, OPT_JSON }, { "csv", no_argument, NULL, OPT_CSV },           \
	{ "skip-damaged", no_argument, NULL, OPT_SKIP }, { "threads", required_argument, NULL, OPT_THREADS },                                        \
	{ "memory", required_argument, NULL, OPT_MEMORY }, { "results", required_argument, NULL, OPT_RESULTS },                                      \
	{ "list-policies", no_argument, NULL, OPT_LIST }, { "version", no_argument, NULL, OPT_VERSION }, { "help", no_argument, NULL, 'h' }

static const struct option run_options[] = {
	COMMON,
	{ "series", required_argument, NULL, OPT_SERIES },
	{ "bins", required_argument, NULL, OPT_BINS },
	{ NULL, 0, NULL, 0 },
};

static const struct option tune_options[] = {
	COMMON,
	{ "output", required_argument, NULL, 'o' },
	{ "cells", required_argument, NULL, OPT_CELLS },
	{ "slack", required_argument, NULL, OPT_SLACK },
	{ "reserve", required_argument, NULL, OPT_RESERVE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ NULL, 0, NULL, 0 },
};

#define COMMON_USAGE                                                                                                                                 \
	"  --align SHIM     none, downgrade, rewrite, pad or retry (default: as recorded, else none)\n"                                               \
	"  --dart SPEC      MODEL[:mappings=N,bytes=N,granule_log2=N], MODEL apple-tb4,\n"                                                            \
	"                   vfio-type1 or unlimited; also --limit\n"                                                                                  \
	"                   (default: as recorded, else apple-tb4)\n"                                                                                 \
	"  --device NAME    only this device of the trace (default: all, together)\n"                                                                 \
	"  --threads N      that replay (default: one for each processor)\n"                                                                          \
	"  --memory BYTES   for what is replayed at the same time, e.g. 4G (default 2G); more\n"                                                      \
	"                   takes several passes over the trace\n"                                                                                    \
	"  --results FILE   keep each result in this SQLite file, and take from it what is there\n"                                                   \
	"  --skip-damaged   leave out damaged chunks instead of stopping\n"                                                                           \
	"  --list-policies  list the policies and their parameters\n"                                                                                 \
	"  -h, --help       this text\n"                                                                                                              \
	"  --version        the version\n"                                                                                                            \
	"\n"

static const char run_usage[] =
	"Usage: egpu-replay TRACE... [--policy SPEC]... [OPTION]...\n"
	"       egpu-replay tune TRACE... [OPTION]...           find the policy that fits\n"
	"       egpu-replay fps [TRACE]... [OPTION]...          frame rates, and what if\n"
	"Replay the DMA requests of traces through mapping policies against a simulated DART.\n"
	"\n"
	"  --policy SPEC    a policy, e.g. direct, window:log2=18, a range of them as in\n"
	"                   window:log2=16..22 or grow:evidence=150..200/10, or @FILE, a policy\n"
	"                   file; may be repeated\n"
	"                   (default: direct, window with log2 16, 18, 20, 22, and grow)\n"
	"  --json           one array, an object per trace and policy\n"
	"  --csv            a header, then a line per trace and policy\n"
	"  --series FILE    also write how live mappings etc. went over time, as CSV (one trace)\n"
	"  --bins N         points in time of --series (default 1000)\n" COMMON_USAGE
	"--dart may be repeated: each policy meets each.\n"
	"Exit status: 0 done (also if a policy does not fit), 1 failed, 2 misused. See egpu-replay(1).\n";

static const char tune_usage[] =
	"Usage: egpu-replay tune TRACE... [-o FILE] [OPTION]...\n"
	"Search policies and their parameters for the one that fits all traces, and write it to a policy file for\n"
	"egpu-run --policy @FILE.\n"
	"\n"
	"  -o, --output FILE  write the policy chosen to FILE\n"
	"  --policy SPEC    search only among these and their neighbours; may be a range and be\n"
	"                   repeated (default: all shipped policies)\n"
	"  --cells N        how many to try at most (default 300)\n"
	"  --reserve P      it must fit also with P percent less of either limit (default 5)\n"
	"  --slack P        percent more mapped bytes than the leanest that is allowed for fewer\n"
	"                   mappings (default 15)\n"
	"  --keep           also try policies that keep mappings when their last request has ended\n"
	"  --seed N         of the random part of the search (default 1)\n"
	"  --json           the front and the choice as one object\n"
	"  --csv            the front, a line per policy\n" COMMON_USAGE
	"Exit status: 0 done, 1 failed or no policy fits, 2 misused. See egpu-replay(1).\n";

const char *replay_options_usage(enum replay_action action)
{
	return action == REPLAY_TUNE ? tune_usage : run_usage;
}

__attribute__((format(printf, 3, 4))) static int misused(char *error, size_t error_bytes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_bytes, format, args);
	va_end(args);
	return -EINVAL;
}

static const char *why(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "there is no such name";
	case -ESRCH:
		return "it has no such parameter";
	case -ERANGE:
		return "a value is out of range";
	case -E2BIG:
		return "that makes more than 100000 policies";
	case -ENOMEM:
		return "out of memory";
	default:
		return "it is malformed";
	}
}

static int add_file(struct replay_options *o, const char *path, char *error, size_t error_bytes)
{
	char text[POLICY_FILE_ERROR_BYTES];
	struct policy_file file;

	if (policy_file_read(path, &file, text))
		return misused(error, error_bytes, "--policy @%s", text);
	if (o->shim < 0)
		o->shim = file.shim;
	return grid_expand(&o->policies, file.policy) ? misused(error, error_bytes, "out of memory") : 0;
}

static int add_policy(struct replay_options *o, const char *spec, char *error, size_t error_bytes)
{
	int rc;

	if (spec[0] == '@')
		return add_file(o, spec + 1, error, error_bytes);
	rc = grid_expand(&o->policies, spec);
	return rc ? misused(error, error_bytes, "policy '%s': %s; see --list-policies", spec, why(rc)) : 0;
}

static int add_dart(struct replay_options *o, const char *spec, char *error, size_t error_bytes)
{
	int rc;

	if (o->darts_n == REPLAY_DARTS_MAX)
		return misused(error, error_bytes, "at most %d DARTs at a time", REPLAY_DARTS_MAX);
	rc = dart_parse(spec, &o->darts[o->darts_n]);
	if (rc)
		return misused(error, error_bytes, "--dart '%s': %s; see --help", spec, why(rc));
	o->darts_n++;
	return 0;
}

static int set_number(u32 *out, const char *option, const char *text, u32 min, u32 max, char *error, size_t error_bytes)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < min || n > max)
		return misused(error, error_bytes, "%s '%s': give a number from %u to %u", option, text, min, max);
	*out = (u32)n;
	return 0;
}

static int set_memory(struct replay_options *o, const char *text, char *error, size_t error_bytes)
{
	struct dart_limits number;
	char spec[64];

	/* the same numbers and suffixes as a DART's bytes */
	snprintf(spec, sizeof(spec), "unlimited:bytes=%s", text);
	if (strchr(text, ',') || dart_parse(spec, &number))
		return misused(error, error_bytes, "--memory '%s': give bytes, with suffix K, M or G", text);
	o->memory_bytes = number.max_bytes;
	return 0;
}

static int set_seed(struct replay_options *o, const char *text, char *error, size_t error_bytes)
{
	char *end;

	errno = 0;
	o->seed = strtoull(text, &end, 10);
	return text[0] < '0' || text[0] > '9' || *end || errno ? misused(error, error_bytes, "--seed '%s': give a number", text) : 0;
}

static int set_option(struct replay_options *o, int option, char *error, size_t n)
{
	switch (option) {
	case OPT_POLICY:
		return add_policy(o, optarg, error, n);
	case OPT_ALIGN:
		o->shim = align_shim_find(optarg);
		return o->shim >= 0 ? 0 : misused(error, n, "--align '%s': give " ALIGN_SHIM_NAMES, optarg);
	case OPT_DART:
		return add_dart(o, optarg, error, n);
	case OPT_BINS:
		return set_number(&o->bins, "--bins", optarg, 1, SERIES_BINS_MAX, error, n);
	case OPT_THREADS:
		return set_number(&o->threads, "--threads", optarg, 1, CREW_THREADS_MAX, error, n);
	case OPT_MEMORY:
		return set_memory(o, optarg, error, n);
	case OPT_CELLS:
		return set_number(&o->cells, "--cells", optarg, 1, REPLAY_TUNE_CELLS_MAX, error, n);
	case OPT_SLACK:
		return set_number(&o->slack_percent, "--slack", optarg, 0, 1000, error, n);
	case OPT_RESERVE:
		return set_number(&o->reserve_percent, "--reserve", optarg, 0, 99, error, n);
	case OPT_SEED:
		return set_seed(o, optarg, error, n);
	default:
		return 0;
	}
}

/* those that only keep a word; Return: false if @option is none of them */
static bool set_word(struct replay_options *o, int option)
{
	switch (option) {
	case OPT_DEVICE:
		o->device = optarg;
		return true;
	case OPT_JSON:
		o->format = REPLAY_JSON;
		return true;
	case OPT_CSV:
		o->format = REPLAY_CSV;
		return true;
	case OPT_LIST:
		o->action = REPLAY_LIST_POLICIES;
		return true;
	case OPT_SERIES:
		o->series_path = optarg;
		return true;
	case OPT_RESULTS:
		o->results_path = optarg;
		return true;
	case 'o':
		o->output_path = optarg;
		return true;
	case OPT_KEEP:
		o->keep = true;
		return true;
	case OPT_SKIP:
		o->skip_damaged = true;
		return true;
	case OPT_VERSION:
		o->action = REPLAY_VERSION;
		return true;
	case 'h':
		o->action = REPLAY_HELP;
		return true;
	default:
		return false;
	}
}

/* a policy must go with the granule, if that is known already; else the engine says it of the trace's own */
static int check_granule(const struct coalesce_config *policy, const struct dart_limits *dart, char *error, size_t error_bytes)
{
	struct coalesce_config config = *policy;

	config.granule_log2 = dart->granule_log2;
	config.max_mappings = config.max_requests = config.batch_max = 1;
	if (coalesce_state_bytes(&config) == 0)
		return misused(error, error_bytes, "policy '%s' does not go with granules of 2^%u bytes", config.policy->name,
			       config.granule_log2);
	return 0;
}

static int check(const struct replay_options *o, char *error, size_t error_bytes)
{
	u64 cells = (u64)(o->policies.n ? o->policies.n : 1) * (o->darts_n ? o->darts_n : 1);
	u32 i, k;
	int rc = 0;

	if (o->traces_n == 0)
		return misused(error, error_bytes, "no trace given; see --help");
	if (o->series_path && o->traces_n > 1)
		return misused(error, error_bytes, "--series takes one trace at a time");
	if (o->series_path && (o->results_path || cells > REPLAY_SERIES_CELLS_MAX || o->darts_n > 1))
		return misused(error, error_bytes, "--series goes with one --dart and at most %d policies, and without --results",
			       REPLAY_SERIES_CELLS_MAX);
	if (o->action == REPLAY_TUNE && o->darts_n > 1)
		return misused(error, error_bytes, "tune takes one --dart");
	if (o->action == REPLAY_TUNE && o->policies.n > o->cells)
		return misused(error, error_bytes, "--policy stands for %u policies to begin with, --cells allows %u: give more", o->policies.n, o->cells);
	if (cells > GRID_MAX)
		return misused(error, error_bytes, "at most %u policies and DARTs together", GRID_MAX);
	for (i = 0; i < o->darts_n && rc == 0; i++) {
		for (k = 0; k < o->policies.n && rc == 0; k++)
			rc = check_granule(&o->policies.configs[k], &o->darts[i], error, error_bytes);
	}
	return rc;
}

static void set_defaults(struct replay_options *o)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	memset(o, 0, sizeof(*o));
	o->shim = -1;
	o->bins = SERIES_BINS_DEFAULT;
	o->threads = processors < 1 ? 1 : processors > (long)CREW_THREADS_MAX ? CREW_THREADS_MAX : (u32)processors;
	o->memory_bytes = MEMORY_DEFAULT_BYTES;
	o->cells = 300;
	o->slack_percent = 15;
	o->reserve_percent = 5;
	o->seed = 1;
}

int replay_options_parse(struct replay_options *o, int argc, char **argv, char *error, size_t error_bytes)
{
	bool tune = argc > 1 && strcmp(argv[1], "tune") == 0;
	int option, rc;

	set_defaults(o);
	o->action = o->command = tune ? REPLAY_TUNE : REPLAY_RUN;
	argc -= tune;
	argv += tune;
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, tune ? ":ho:" : ":h", tune ? tune_options : run_options, NULL)) != -1) {
		if (option == '?')
			return misused(error, error_bytes, "unknown option '%s'; see --help", argv[optind - 1]);
		if (option == ':')
			return misused(error, error_bytes, "option '%s' needs a value; see --help", argv[optind - 1]);
		rc = set_word(o, option) ? 0 : set_option(o, option, error, error_bytes);
		if (rc)
			return rc;
	}
	o->traces = argv + optind;
	o->traces_n = argc - optind;
	return o->action == o->command ? check(o, error, error_bytes) : 0;
}

void replay_options_destroy(struct replay_options *o)
{
	grid_destroy(&o->policies);
}
