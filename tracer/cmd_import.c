/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/import/formats.h"

static const char help_head[] =
	"usage: egpu-trace import FORMAT FILE [options] -o OUT.egt\n\n"
	"Makes a trace from another tool's recording. FILE may be packed with gzip, xz or zstd; - is standard input. What was assumed,\n"
	"collapsed, lost or not matched is reported here and kept in the trace's account. Formats:\n\n";

static const char help_tail[] =
	"\n  -o, --output OUT.egt   the trace to make\n"
	"  --force                replace OUT.egt if it is a trace\n"
	"  --list                 list the formats, one a line\n"
	"  --iommu                ftrace: take iommu:map and iommu:unmap, which name no device, as mappings\n"
	"  --snapshot FILE        apple-dma: the module's snapshot, read together with the trace\n"
	"  --events FILE          qemu-simple: the QEMU's trace-events-all, if the arguments of its events are others than in QEMU 11.1\n"
	"  --onto TRACE           frame logs: the trace that gets the frames; OUT.egt is a copy with them\n"
	"  --offset SECONDS       frame logs: where the log's time 0 is on the clock of TRACE\n\n"
	"egpu-trace(1) says for each format how to record it and what is taken from it.\n";

static void print_formats(bool bare)
{
	const struct import_format *format;

	for (unsigned int i = 0; (format = import_format_at(i)); i++)
		printf(bare ? "%s\t%s\n" : "  %-12s %s\n", format->name, format->help);
}

static void show_progress(void *ctx, uint64_t bytes, uint64_t total_bytes)
{
	(void)ctx;
	if (total_bytes)
		fprintf(stderr, "\r%5.1f %% read ", 100.0 * (double)bytes / (double)total_bytes);
	else
		fprintf(stderr, "\r%" PRIu64 " MiB read ", bytes >> 20);
}

static void show_report(const struct import_report *report)
{
	for (unsigned int i = 0; i < report->n; i++) {
		if (report->line[i].count)
			fprintf(stderr, "%12" PRIu64 "  %s: %s\n", report->line[i].count, report->line[i].name, report->line[i].note);
	}
}

/* what must be there, before an older trace is overwritten */
static int check_files(const struct import_args *args)
{
	const char *const files[] = { strcmp(args->path, "-") == 0 ? NULL : args->path, args->snapshot, args->events, args->onto };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] && access(files[i], R_OK) != 0)
			return cmd_failed("%s: %s", files[i], strerror(errno));
	}
	return CMD_DONE;
}

static int run(const struct import_format *format, struct import_args *args, const struct tracer_options *options)
{
	char error[TRACE_ERROR_BYTES], close_error[TRACE_ERROR_BYTES];
	struct import_report report = { .n = 0 };
	int err, close_err, status = check_files(args);
	struct tracer *out;

	if (status != CMD_DONE)
		return status;
	if (args->onto && options->path && access(options->path, F_OK) == 0) {
		char *a = realpath(args->onto, NULL), *b = realpath(options->path, NULL);
		bool same = a && b && strcmp(a, b) == 0;

		free(a);
		free(b);
		if (same)
			return cmd_failed("%s: -o must name another file than --onto", options->path);
	}
	if (tracer_open(options, &out, error) != 0)
		return cmd_failed("%s", error);
	args->progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	err = format->run(args, out, &report, error);
	if (args->progress)
		fprintf(stderr, "\r%24s\r", "");
	close_err = tracer_close(out, close_error);
	if (err || close_err) {
		unlink(options->path);
		return cmd_failed("%s", err ? error : close_error);
	}
	show_report(&report);
	return CMD_DONE;
}

/* seconds with a fraction; exact to the nanosecond for offsets that a double holds */
static bool parse_offset(const char *text, int64_t *ns)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || fabs(seconds) > 4e9)
		return false;
	*ns = (int64_t)llround(seconds * 1e9);
	return true;
}

static int check_options(const struct import_format *format, const struct import_args *args)
{
	const struct { bool given; unsigned int needs; const char *name; } rules[] = {
		{ args->iommu, IMPORT_TAKES_IOMMU, "--iommu" },       { args->snapshot, IMPORT_TAKES_SNAPSHOT, "--snapshot" },
		{ args->events, IMPORT_TAKES_EVENTS, "--events" },    { args->onto, IMPORT_NEEDS_ONTO, "--onto" },
		{ args->offset_given, IMPORT_NEEDS_ONTO, "--offset" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].given && !(format->takes & rules[i].needs))
			return cmd_misused("import", "%s does not take %s", format->name, rules[i].name);
	}
	if ((format->takes & IMPORT_NEEDS_ONTO) && !args->onto)
		return cmd_misused("import", "%s logs hold frames only: say with --onto which trace they belong to", format->name);
	return CMD_DONE;
}

static int import_files(int argc, char **argv, struct import_args *args, const struct tracer_options *out)
{
	const struct import_format *format;
	int status;

	if (optind + 2 != argc)
		return cmd_misused("import", "give a format and a file");
	format = import_format_find(argv[optind]);
	if (!format)
		return cmd_misused("import", "there is no import format \"%s\"; import --list lists them", argv[optind]);
	args->path = argv[optind + 1];
	status = check_options(format, args);
	if (status != CMD_DONE)
		return status;
	if (!out->path)
		return cmd_misused("import", "say with -o which trace to make");
	return run(format, args, out);
}

int cmd_import(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "force", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },	    { "list", no_argument, NULL, 'l' },
		{ "iommu", no_argument, NULL, 'i' },	    { "snapshot", required_argument, NULL, 's' },
		{ "events", required_argument, NULL, 'e' }, { "onto", required_argument, NULL, 't' },
		{ "offset", required_argument, NULL, 'f' }, { 0 },
	};
	struct tracer_options out = { 0 };
	struct import_args args = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			printf("%s", help_head);
			print_formats(false);
			printf("%s", help_tail);
			return cmd_flush();
		case 'l':
			print_formats(true);
			return cmd_flush();
		case 'o': out.path = optarg; break;
		case 'w': out.overwrite = true; break;
		case 'i': args.iommu = true; break;
		case 's': args.snapshot = optarg; break;
		case 'e': args.events = optarg; break;
		case 't': args.onto = optarg; break;
		case 'f':
			if (!parse_offset(optarg, &args.offset_ns))
				return cmd_misused("import", "--offset takes seconds, such as 12.5");
			args.offset_given = true;
			break;
		default: return cmd_misused("import", "unknown option");
		}
	}
	return import_files(argc, argv, &args, &out);
}
