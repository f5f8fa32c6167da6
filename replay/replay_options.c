/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/replay_options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/series.h"

enum { OPT_POLICY = 256, OPT_ALIGN, OPT_DART, OPT_DEVICE, OPT_JSON, OPT_CSV, OPT_LIST, OPT_SERIES, OPT_BINS, OPT_SKIP, OPT_VERSION };

static const struct option long_options[] = {
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "align", required_argument, NULL, OPT_ALIGN },
	{ "dart", required_argument, NULL, OPT_DART },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "csv", no_argument, NULL, OPT_CSV },
	{ "list-policies", no_argument, NULL, OPT_LIST },
	{ "series", required_argument, NULL, OPT_SERIES },
	{ "bins", required_argument, NULL, OPT_BINS },
	{ "skip-damaged", no_argument, NULL, OPT_SKIP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

const char *replay_options_usage(void)
{
	return "Usage: egpu-replay TRACE... [--policy SPEC]... [OPTION]...\n"
	       "Replay the DMA requests of traces through mapping policies against a simulated DART.\n"
	       "\n"
	       "  --policy SPEC    a policy, e.g. direct or window:log2=18; may be repeated\n"
	       "                   (default: direct, window with log2 16, 18, 20, 22, and grow)\n"
	       "  --align SHIM     none, downgrade or rewrite (default: as recorded, else none)\n"
	       "  --dart SPEC      MODEL[:mappings=N,bytes=N,granule_log2=N], MODEL apple-tb4 or unlimited\n"
	       "                   (default: as recorded, else apple-tb4)\n"
	       "  --device NAME    only this device of the trace (default: all, together)\n"
	       "  --json           one array, an object per trace and policy\n"
	       "  --csv            a header, then a line per trace and policy\n"
	       "  --series FILE    also write how live mappings etc. went over time, as CSV (one trace)\n"
	       "  --bins N         points in time of --series (default 1000)\n"
	       "  --skip-damaged   leave out damaged chunks instead of stopping\n"
	       "  --list-policies  list the policies and their parameters\n"
	       "  -h, --help       this text\n"
	       "  --version        the version\n"
	       "\n"
	       "Exit status: 0 done (also if a policy does not fit), 1 failed, 2 misused. See egpu-replay(1).\n";
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
	default:
		return "it is malformed";
	}
}

static int add_policy(struct replay_options *o, const char *spec, char *error, size_t error_bytes)
{
	int rc;

	if (o->policies_n == REPLAY_POLICIES_MAX)
		return misused(error, error_bytes, "at most %d policies at a time", REPLAY_POLICIES_MAX);
	rc = coalesce_parse(spec, &o->policies[o->policies_n]);
	if (rc)
		return misused(error, error_bytes, "policy '%s': %s; see --list-policies", spec, why(rc));
	o->policies_n++;
	return 0;
}

static int set_bins(struct replay_options *o, const char *text, char *error, size_t error_bytes)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > SERIES_BINS_MAX)
		return misused(error, error_bytes, "--bins '%s': give a number from 1 to %u", text, SERIES_BINS_MAX);
	o->bins = (u32)n;
	return 0;
}

static int set_option(struct replay_options *o, int option, char *error, size_t error_bytes)
{
	int rc;

	switch (option) {
	case OPT_POLICY:
		return add_policy(o, optarg, error, error_bytes);
	case OPT_ALIGN:
		o->shim = align_shim_find(optarg);
		return o->shim >= 0 ? 0 : misused(error, error_bytes, "--align '%s': give " ALIGN_SHIM_NAMES, optarg);
	case OPT_DART:
		rc = dart_parse(optarg, &o->limits);
		o->limits_given = true;
		return rc ? misused(error, error_bytes, "--dart '%s': %s; see --help", optarg, why(rc)) : 0;
	case OPT_DEVICE:
		o->device = optarg;
		return 0;
	case OPT_JSON:
		o->format = REPLAY_JSON;
		return 0;
	case OPT_CSV:
		o->format = REPLAY_CSV;
		return 0;
	case OPT_LIST:
		o->action = REPLAY_LIST_POLICIES;
		return 0;
	case OPT_SERIES:
		o->series_path = optarg;
		return 0;
	case OPT_BINS:
		return set_bins(o, optarg, error, error_bytes);
	case OPT_SKIP:
		o->skip_damaged = true;
		return 0;
	case OPT_VERSION:
		o->action = REPLAY_VERSION;
		return 0;
	default:
		o->action = REPLAY_HELP;
		return 0;
	}
}

/* a policy must go with the granule, if that is known already; else the engine says it of the trace's own */
static int check(const struct replay_options *o, char *error, size_t error_bytes)
{
	u32 i;

	if (o->action != REPLAY_RUN)
		return 0;
	if (o->traces_n == 0)
		return misused(error, error_bytes, "no trace given; see --help");
	if (o->series_path && o->traces_n > 1)
		return misused(error, error_bytes, "--series takes one trace at a time");
	for (i = 0; o->limits_given && i < o->policies_n; i++) {
		struct coalesce_config config = o->policies[i];

		config.granule_log2 = o->limits.granule_log2;
		config.max_mappings = config.max_requests = config.batch_max = 1;
		if (coalesce_state_bytes(&config) == 0)
			return misused(error, error_bytes, "policy '%s' does not go with granules of 2^%u bytes", config.policy->name,
				       config.granule_log2);
	}
	return 0;
}

int replay_options_parse(struct replay_options *o, int argc, char **argv, char *error, size_t error_bytes)
{
	int option, rc;

	memset(o, 0, sizeof(*o));
	o->shim = -1;
	o->bins = SERIES_BINS_DEFAULT;
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == '?')
			return misused(error, error_bytes, "unknown option '%s'; see --help", argv[optind - 1]);
		if (option == ':')
			return misused(error, error_bytes, "option '%s' needs a value; see --help", argv[optind - 1]);
		rc = set_option(o, option, error, error_bytes);
		if (rc)
			return rc;
	}
	o->traces = argv + optind;
	o->traces_n = argc - optind;
	return check(o, error, error_bytes);
}
