/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/report_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/report.h"

enum { OPT_POLICY = 256, OPT_DART, OPT_DEVICE, OPT_FORMAT, OPT_TITLE, OPT_SKIP, OPT_VERSION };

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "dart", required_argument, NULL, OPT_DART },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "title", required_argument, NULL, OPT_TITLE },
	{ "skip-damaged", no_argument, NULL, OPT_SKIP },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

const char *report_options_usage(void)
{
	return "usage: egpu-report TRACE... -o DIR [OPTION]...\n"
	       "Make figures from traces: how many mappings and how much memory each mapping policy needs over time, policies side by side,\n"
	       "sizes of requests, frames per second; and a page, DIR/index.html, that holds them all and their numbers.\n"
	       "\"egpu-report compare TRACE TRACE...\" wants at least two; the page sets them side by side.\n"
	       "\n"
	       "  -o, --output DIR   put the figures here; made if missing. With several traces each gets a folder of its own in DIR\n"
	       "  --policy SPEC      a policy to draw, e.g. direct or window:log2=18; up to 8 times (egpu-replay --list-policies)\n"
	       "                     (default: direct, window with log2 18, 20, 22, and grow); what a live run measured is always drawn\n"
	       "  --dart SPEC        limits to replay against, e.g. apple-tb4 or apple-tb4:mappings=4096,bytes=256M (default: as recorded,\n"
	       "                     else apple-tb4)\n"
	       "  --device NAME      only this device of the trace (default: all, together)\n"
	       "  --format LIST      svg, png or svg,png (default: both)\n"
	       "  --title TEXT       what the figures are about (default: the workload, else the name of the trace)\n"
	       "  --skip-damaged     leave out damaged parts of a trace instead of stopping\n"
	       "  -h, --help, --version\n"
	       "\n"
	       "Each figure NAME comes with NAME.dat and NAME.gp: change them and run 'gnuplot NAME.gp' in DIR.\n"
	       "Exit status: 0 done, 1 failed, 2 misused. See egpu-report(1).\n";
}

__attribute__((format(printf, 2, 3))) static int misused(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, REPORT_OPTIONS_ERROR_BYTES, format, args);
	va_end(args);
	return -EINVAL;
}

static int set_formats(struct report_options *o, const char *list, char *error)
{
	const char *at = list;

	o->formats = 0;
	while (*at) {
		size_t len = strcspn(at, ",");

		if (len == 3 && memcmp(at, "svg", len) == 0)
			o->formats |= REPORT_SVG;
		else if (len == 3 && memcmp(at, "png", len) == 0)
			o->formats |= REPORT_PNG;
		else
			return misused(error, "--format '%.60s': give svg, png or svg,png", list);
		at += len + (at[len] == ',');
	}
	return o->formats ? 0 : misused(error, "--format: give svg, png or svg,png");
}

static int set_option(struct report_options *o, int option, char *error)
{
	switch (option) {
	case 'o':
		o->dir = optarg;
		return 0;
	case OPT_POLICY:
		if (o->npolicies == REPLAY_RUN_POLICIES_MAX)
			return misused(error, "at most %d policies can be told apart in a figure", REPLAY_RUN_POLICIES_MAX);
		o->policies[o->npolicies++] = optarg;
		return 0;
	case OPT_DART:
		o->dart = optarg;
		return 0;
	case OPT_DEVICE:
		o->device = optarg;
		return 0;
	case OPT_FORMAT:
		return set_formats(o, optarg, error);
	case OPT_TITLE:
		o->title = optarg;
		return 0;
	case OPT_SKIP:
		o->skip_damaged = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	default:
		o->help = true;
		return 0;
	}
}

static int check(const struct report_options *o, char *error)
{
	if (o->help || o->version)
		return 0;
	if (o->ntraces == 0)
		return misused(error, "no trace given; see --help");
	if (o->compare && o->ntraces < 2)
		return misused(error, "compare needs two traces or more");
	if (!o->dir || !o->dir[0])
		return misused(error, "where shall the figures go? give -o DIR");
	return 0;
}

int report_options_parse(struct report_options *o, int argc, char **argv, char *error)
{
	int option, rc;

	memset(o, 0, sizeof(*o));
	o->formats = REPORT_SVG | REPORT_PNG;
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":ho:", long_options, NULL)) != -1) {
		if (option == '?')
			return misused(error, "unknown option '%.100s'; see --help", argv[optind - 1]);
		if (option == ':')
			return misused(error, "option '%.100s' needs a value; see --help", argv[optind - 1]);
		rc = set_option(o, option, error);
		if (rc)
			return rc;
	}
	o->traces = argv + optind;
	o->ntraces = argc - optind;
	o->compare = o->ntraces && strcmp(o->traces[0], "compare") == 0;
	o->traces += o->compare;
	o->ntraces -= o->compare;
	return check(o, error);
}
