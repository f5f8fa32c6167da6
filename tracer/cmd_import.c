/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/import/ftrace.h"

static const char help[] =
	"usage: egpu-trace import ftrace FILE [--force] -o OUT.egt\n\n"
	"Makes a trace from the text of Linux' dma:* tracepoints: /sys/kernel/tracing/trace or trace_pipe, \"trace-cmd report\", or\n"
	"\"perf script\". FILE may be gzipped; - is standard input. What was assumed, collapsed, lost or not matched is reported here\n"
	"and kept in the trace's account.\n\n"
	"  -o, --output OUT.egt   the trace to make\n"
	"  --force                replace OUT.egt if it is a trace\n\n"
	"To record, in the guest: echo mono > trace_clock; echo 65536 > buffer_size_kb; echo 1 > events/dma/enable; load; cat trace.\n";

static void show_progress(void *ctx, uint64_t bytes, uint64_t total_bytes)
{
	(void)ctx;
	if (total_bytes)
		fprintf(stderr, "\r%5.1f %% read ", 100.0 * (double)bytes / (double)total_bytes);
	else
		fprintf(stderr, "\r%" PRIu64 " MiB read ", bytes >> 20);
}

static void show_report(const struct ftrace_report *r)
{
	static const struct { const char *name, *note; } about[] = {
#define X(name, note) { #name, note },
		FTRACE_COUNTS(X)
#undef X
	};
	const uint64_t count[] = {
#define X(name, note) r->name,
		FTRACE_COUNTS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
		if (count[i])
			fprintf(stderr, "%12" PRIu64 "  %s: %s\n", count[i], about[i].name, about[i].note);
	}
}

static int import_ftrace(const char *in, const struct tracer_options *options)
{
	static const struct ftrace_progress progress = { show_progress, NULL };
	char error[TRACE_ERROR_BYTES], close_error[TRACE_ERROR_BYTES];
	struct ftrace_report report;
	struct tracer *out;
	int err, close_err;

	/* before an older trace is overwritten */
	if (strcmp(in, "-") != 0 && access(in, R_OK) != 0)
		return cmd_failed("%s: %s", in, strerror(errno));
	if (tracer_open(options, &out, error) != 0)
		return cmd_failed("%s", error);
	err = ftrace_import(in, out, isatty(STDERR_FILENO) ? &progress : NULL, &report, error);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%24s\r", "");
	close_err = tracer_close(out, close_error);
	if (err || close_err) {
		unlink(options->path);
		return cmd_failed("%s", err ? error : close_error);
	}
	show_report(&report);
	return CMD_DONE;
}

int cmd_import(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "force", no_argument, NULL, 'w' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct tracer_options out = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == 'h') {
			printf("%s", help);
			return cmd_flush();
		}
		if (c == 'o')
			out.path = optarg;
		else if (c == 'w')
			out.overwrite = true;
		else
			return cmd_misused("import", "unknown option");
	}
	if (optind + 2 != argc)
		return cmd_misused("import", "give a format and a file");
	if (strcmp(argv[optind], "ftrace") != 0)
		return cmd_misused("import", "there is no import format \"%s\"; there is: ftrace", argv[optind]);
	if (!out.path)
		return cmd_misused("import", "say with -o which trace to make");
	return import_ftrace(argv[optind + 1], &out);
}
