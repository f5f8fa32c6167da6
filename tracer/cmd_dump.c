/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/cmd_filter.h"
#include "tracer/cmd_output.h"
#include "tracer/cmd_print.h"

static const char help[] =
	"usage: egpu-trace dump [OPTIONS] FILE\n\n"
	"Prints the events of a trace, one a line, oldest first.\n\n"
	"  --json             a JSON object a line; addresses are strings\n"
	"  --csv              comma-separated values with a header; a column for each argument of the kinds that are shown\n"
	"  --kind NAME        only events of this kind; may be given several times\n"
	"  --device NAME      only events of this device; may be given several times\n"
	"  --from SECONDS     only events at this time of the trace's clock or later\n"
	"  --to SECONDS       only events before it\n"
	"  --region N         only accesses to this region: 0 to 5 a BAR, 6 the ROM, 7 config space\n"
	"  --range START-END  only events that touch these addresses, by any of their addresses; END is the first behind it\n"
	"  --limit N          at most N events\n"
	"  --skip-damaged     leave damaged chunks out instead of ending at the first\n";

#define PROGRESS_EVENTS 4096

enum form { FORM_TEXT, FORM_JSON, FORM_CSV };

struct dump {
	struct trace *t;
	struct cmd_filter filter;
	struct cmd_csv csv;
	enum form form;
	uint64_t limit, all;
	bool skip_damaged;
};

static bool parse_count(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return !errno && end != text && !*end && text[0] != '-';
}

static int take_option(struct dump *d, int c)
{
	switch (c) {
	case 'j':
		d->form = FORM_JSON;
		return CMD_DONE;
	case 'c':
		d->form = FORM_CSV;
		return CMD_DONE;
	case 's':
		d->skip_damaged = true;
		return CMD_DONE;
	case 'l':
		return parse_count(optarg, &d->limit) ? CMD_DONE : cmd_misused("dump", "--limit %s: not a number of events", optarg);
	}
	return cmd_filter_option(&d->filter, "dump", c);
}

static void print(struct dump *d, const struct trace_event *event)
{
	switch (d->form) {
	case FORM_TEXT: cmd_print_text(d->t, event); break;
	case FORM_JSON: cmd_print_json(d->t, event); break;
	case FORM_CSV: cmd_print_csv(&d->csv, d->t, event); break;
	}
}

/* how many events there are in all, for showing progress; lines and progress on the same terminal would be in each other's way */
static uint64_t count_all(struct trace *t)
{
	struct trace_summary summary;

	return !isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && trace_summary(t, &summary) == 0 ? summary.events : 0;
}

static int dump(struct dump *d, const char *path)
{
	char error[TRACE_ERROR_BYTES];
	struct trace_cursor *cursor;
	struct trace_event event;
	uint64_t damaged;
	int got = trace_cursor_open(d->t, d->skip_damaged, &cursor);

	if (!got)
		got = cmd_filter_seek(&d->filter, cursor);
	if (got)
		return cmd_failed("%s: %s", path, strerror(-got));
	if (d->form == FORM_CSV)
		cmd_print_csv_header(&d->csv, d->filter.kinds);
	while (d->limit && !ferror(stdout) && (got = trace_next(cursor, &event, error)) > 0) {
		if (!cmd_filter_wants(&d->filter, &event))
			continue;
		print(d, &event);
		if (d->limit-- % PROGRESS_EVENTS == 0 && d->all)
			cmd_progress(trace_cursor_seq(cursor), d->all);
	}
	cmd_progress_end();
	damaged = trace_cursor_damaged(cursor);
	trace_cursor_close(cursor);
	if (got < 0)
		return cmd_failed("%s: %s%s", path, error, got == -EBADMSG && !d->skip_damaged ? "; --skip-damaged leaves it out" : "");
	if (damaged)
		fprintf(stderr, "egpu-trace: %s: %" PRIu64 " damaged chunks left out\n", path, damaged);
	return CMD_DONE;
}

int cmd_dump(int argc, char **argv)
{
	static const struct option options[] = {
		CMD_FILTER_KIND, CMD_FILTER_DEVICE, CMD_FILTER_FROM, CMD_FILTER_TO, CMD_FILTER_REGION, CMD_FILTER_RANGE,
		{ "json", no_argument, NULL, 'j' }, { "csv", no_argument, NULL, 'c' }, { "limit", required_argument, NULL, 'l' },
		{ "skip-damaged", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct dump d = { .limit = UINT64_MAX };
	int c, status = CMD_DONE, flushed;

	cmd_filter_init(&d.filter);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			printf("%s", help);
			return cmd_flush();
		}
		status = take_option(&d, c);
		if (status != CMD_DONE)
			return status;
	}
	status = cmd_open(argc, argv, &d.t);
	if (status != CMD_DONE)
		return status;
	status = cmd_filter_resolve(&d.filter, d.t, argv[optind]);
	d.all = count_all(d.t);
	if (status == CMD_DONE)
		status = dump(&d, argv[optind]);
	trace_close(d.t);
	flushed = cmd_flush();
	return status == CMD_DONE ? flushed : status;
}
