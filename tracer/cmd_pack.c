/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/rewrite.h"

static const char pack_help[] =
	"usage: egpu-trace pack FILE [-o OUT.egt [--force]]\n\n"
	"Writes a trace anew as small as it gets, with everything that is in it. Without -o the new file takes the place of the old\n"
	"one, at once and only when it is complete. A damaged trace is left alone.\n\n"
	"  -o, --output OUT.egt   the trace to make\n"
	"  --force                replace OUT.egt if it is a trace\n";

static const char repair_help[] =
	"usage: egpu-trace repair BAD.egt -o GOOD.egt [--force]\n\n"
	"Makes a sound trace of all that is whole in a damaged one. Where chunks are left out a gap event says how many events are\n"
	"missing, and the account says how much was lost in all. Where the file's structure is damaged, its header included, chunks\n"
	"are looked for page by page. Exit status 1 if nothing could be read.\n\n"
	"  -o, --output GOOD.egt  the trace to make\n"
	"  --force                replace GOOD.egt if it is a trace\n";

static void show_progress(uint64_t events, uint64_t all)
{
	if (all)
		fprintf(stderr, "\r%5.1f %% ", 100.0 * (double)events / (double)all);
}

/* Return: CMD_DONE with @o set, or what to exit with; -1 if help was shown */
static int take_options(int argc, char **argv, struct rewrite_options *o)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "force", no_argument, NULL, 'w' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == 'h') {
			printf("%s", o->repair ? repair_help : pack_help);
			return -1;
		}
		if (c == 'o')
			o->out = optarg;
		else if (c == 'w')
			o->overwrite = true;
		else
			return cmd_misused(argv[0], "unknown option");
	}
	if (optind + 1 != argc)
		return cmd_misused(argv[0], "%s takes one trace file", argv[0]);
	o->in = argv[optind];
	return CMD_DONE;
}

static int rewrite(struct rewrite_options *o, struct rewrite_report *report)
{
	char error[TRACE_ERROR_BYTES];
	bool terminal = isatty(STDERR_FILENO);
	int err;

	o->progress = terminal ? show_progress : NULL;
	err = rewrite_trace(o, report, error);
	if (terminal)
		fprintf(stderr, "\r%10s\r", "");
	return err ? cmd_failed("%s", error) : CMD_DONE;
}

int cmd_pack(int argc, char **argv)
{
	struct rewrite_options o = { .thorough = true };
	struct rewrite_report r;
	double saved;
	int status = take_options(argc, argv, &o);

	if (status != CMD_DONE)
		return status < 0 ? cmd_flush() : status;
	if (!o.out)
		o.out = o.in;
	status = rewrite(&o, &r);
	if (status != CMD_DONE)
		return status;
	saved = r.bytes_before ? 100.0 * (1 - (double)r.bytes_after / (double)r.bytes_before) : 0;
	printf("%s: %" PRIu64 " events, %" PRIu64 " bytes before, %" PRIu64 " after, %.1f %% saved\n", o.out, r.events, r.bytes_before,
	       r.bytes_after, saved);
	return cmd_flush();
}

int cmd_repair(int argc, char **argv)
{
	struct rewrite_options o = { .repair = true };
	struct rewrite_report r;
	int status = take_options(argc, argv, &o);

	if (status != CMD_DONE)
		return status < 0 ? cmd_flush() : status;
	if (!o.out)
		return cmd_misused("repair", "say with -o which trace to make");
	status = rewrite(&o, &r);
	if (status != CMD_DONE)
		return status;
	printf("%s: %" PRIu64 " events kept; left out: %" PRIu64 " chunks, %" PRIu64 " events that are known of, %" PRIu64 " other rows\n", o.out,
	       r.events, r.chunks_lost, r.events_lost, r.rows_lost);
	if (r.chunks_salvaged)
		printf("%s: %" PRIu64 " chunks were found page by page, for the file's structure is damaged; others may be missing\n", o.out,
		       r.chunks_salvaged);
	return cmd_flush();
}
