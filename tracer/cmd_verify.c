/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tracer/cmd.h"
#include "tracer/cmd_output.h"

static const char help[] =
	"usage: egpu-trace verify FILE\n\n"
	"Checks every chunk of a trace: its checksum, that it unpacks, that its counts and times are those its row states,\n"
	"and that no chunk is missing; the checksum of every other row; and the structure of the file. Names each damaged chunk, row\n"
	"and place. Exit status 1 if there is one; \"egpu-trace repair\" keeps the rest.\n";

static uint64_t all_events;

static void show_progress(uint64_t events)
{
	cmd_progress(events, all_events);
}

static void report(void *ctx, int64_t chunk, const char *why)
{
	cmd_progress_end();
	printf("%s: chunk %" PRId64 ": %s\n", (const char *)ctx, chunk, why);
}

static void report_row(void *ctx, const char *table, const char *key, const char *why)
{
	printf("%s: %s %s: %s\n", (const char *)ctx, table, key, why);
}

int cmd_verify(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	struct trace_summary summary;
	struct trace *t;
	int64_t damaged, rows;
	int c, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'h')
			return cmd_misused("verify", "unknown option");
		printf("%s", help);
		return cmd_flush();
	}
	status = cmd_open(argc, argv, &t);
	if (status != CMD_DONE)
		return status;
	if (trace_summary(t, &summary) == 0)
		all_events = summary.events;
	trace_on_verified(t, show_progress);
	damaged = trace_verify(t, report, argv[optind]);
	cmd_progress_end();
	rows = trace_verify_rows(t, report_row, argv[optind]);
	if (damaged < 0 || rows < 0) {
		status = cmd_failed("%s: cannot be read: %s", argv[optind], strerror((int)-(damaged < 0 ? damaged : rows)));
	} else if (trace_summary(t, &summary) != 0) {
		status = cmd_failed("%s: the list of chunks cannot be read", argv[optind]);
	} else {
		printf("%s: %" PRIu64 " chunks, %" PRId64 " damaged\n", argv[optind], summary.chunks, damaged);
		if (rows)
			printf("%s: %" PRId64 " damaged places beside its chunks\n", argv[optind], rows);
		status = damaged || rows ? CMD_FAILED : CMD_DONE;
	}
	trace_close(t);
	return cmd_flush() == CMD_DONE ? status : CMD_FAILED;
}
