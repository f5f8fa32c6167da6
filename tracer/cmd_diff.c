/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/cmd.h"
#include "tracer/cmd_filter.h"
#include "tracer/cmd_output.h"
#include "tracer/cmd_print.h"

static const char help[] =
	"usage: egpu-trace diff [OPTIONS] A B\n\n"
	"Finds the first event in which two traces differ, and prints it with the events around it.\n"
	"Devices and texts are compared by name. Exit status: 0 no difference, 1 they differ, 2 misused or failed.\n\n"
	"  --ignore-times      times may differ\n"
	"  --ignore-addresses  gpa and iova may differ\n"
	"  --ignore NAME       this argument of events may differ; may be given several times\n"
	"  --kind NAME         compare only events of this kind; may be given several times\n"
	"  --device NAME       compare only events of this device; may be given several times\n"
	"  --context N         print N events before and after (3)\n"
	"  --quiet             print nothing; the exit status tells\n";

enum { SAME = 0, DIFFERENT = 1, TROUBLE = 2 };

#define IGNORED_MAX 32
#define CONTEXT_MAX 1000

/** struct side - one of the traces. @got: as trace_next(). */
struct side {
	const char *path;
	struct trace *t;
	struct cmd_filter filter;
	struct trace_cursor *cursor;
	struct trace_event event;
	int got;
};

/** struct words - a list in a text; @found: that something was added. */
struct words {
	char text[256];
	bool found;
};

/**
 * struct diff - a comparison.
 * @what:   in what the two events at hand differ
 * @before: a ring of the last @context equal events of the first trace, and their numbers
 */
struct diff {
	struct side side[2];
	struct cmd_filter filter;
	const char *ignored[IGNORED_MAX];
	unsigned int ignoreds;
	bool ignore_times, quiet;
	uint64_t context, compared;
	struct words what;
	struct trace_event *before;
};

/* ---- comparing ---- */

static bool ignores(const struct diff *d, const char *name)
{
	for (unsigned int i = 0; i < d->ignoreds; i++) {
		if (strcmp(d->ignored[i], name) == 0)
			return true;
	}
	return false;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_arg(const struct diff *d, unsigned int i)
{
	const struct side *a = &d->side[0], *b = &d->side[1];
	const char *name;
	enum trace_form form;

	if (!cmd_event_arg(&a->event, i, &name, &form) || ignores(d, name) || (form == TRACE_NS && d->ignore_times))
		return true;
	if (form == TRACE_STRING)
		return same_text(trace_string(a->t, a->event.arg[i]), trace_string(b->t, b->event.arg[i]));
	return a->event.arg[i] == b->event.arg[i];
}

static void add_word(struct words *w, bool is_same, const char *word)
{
	size_t at = strlen(w->text);

	if (is_same)
		return;
	w->found = true;
	snprintf(w->text + at, sizeof(w->text) - at, "%s%s", at ? ", " : "", word);
}

/* Return: true if the two events differ; *@what then names in what */
static bool differ(const struct diff *d, struct words *what)
{
	const struct side *a = &d->side[0], *b = &d->side[1];
	const char *name = NULL;
	enum trace_form form;

	what->text[0] = '\0';
	what->found = false;
	add_word(what, a->event.kind == b->event.kind, "kind");
	add_word(what, d->ignore_times || a->event.t_ns == b->event.t_ns, "time");
	add_word(what, same_text(trace_device_name(a->t, a->event.device), trace_device_name(b->t, b->event.device)), "device");
	add_word(what, a->event.status == b->event.status, "status");
	for (unsigned int i = 0; a->event.kind == b->event.kind && i < TRACE_ARGS_MAX; i++) {
		if (cmd_event_arg(&a->event, i, &name, &form))
			add_word(what, same_arg(d, i), name);
	}
	return what->found;
}

/* ---- reading ---- */

/* Return: as trace_next(), after a message if it is negative */
static int next(struct side *s)
{
	char error[TRACE_ERROR_BYTES];

	do {
		s->got = trace_next(s->cursor, &s->event, error);
	} while (s->got > 0 && !cmd_filter_wants(&s->filter, &s->event));
	if (s->got < 0)
		cmd_failed("%s: %s", s->path, error);
	return s->got;
}

static int open_side(struct side *s, const struct diff *d, const char *path)
{
	char error[TRACE_ERROR_BYTES];
	int err;

	s->path = path;
	s->filter = d->filter;
	if (trace_open(path, &s->t, error) != 0)
		return cmd_failed("%s", error);
	if (cmd_filter_resolve(&s->filter, s->t, path) != CMD_DONE)
		return CMD_FAILED;
	err = trace_cursor_open(s->t, false, &s->cursor);
	if (!err)
		err = cmd_filter_seek(&s->filter, s->cursor);
	return err ? cmd_failed("%s: %s", path, strerror(-err)) : CMD_DONE;
}

static void close_side(struct side *s)
{
	trace_cursor_close(s->cursor);
	trace_close(s->t);
}

/* ---- showing ---- */

static void show_place(const struct side *s, char sign)
{
	printf("%c%c%c %s", sign, sign, sign, s->path);
	if (s->got > 0)
		printf(", event %" PRIu64 "\n", trace_cursor_seq(s->cursor));
	else
		printf(", which ends here\n");
}

static int show_side(const struct diff *d, struct side *s, char sign)
{
	for (uint64_t i = 0; i <= d->context && s->got > 0; i++) {
		putchar(sign);
		cmd_print_text(s->t, &s->event);
		if (i < d->context)
			next(s);
	}
	return s->got < 0 ? TROUBLE : DIFFERENT;
}

static int show(struct diff *d)
{
	uint64_t n = d->compared < d->context ? d->compared : d->context;
	int status;

	show_place(&d->side[0], '-');
	show_place(&d->side[1], '+');
	printf("@@ after %" PRIu64 " equal events%s%s @@\n", d->compared, d->what.found ? "; different: " : "", d->what.text);
	for (uint64_t i = d->compared - n; i < d->compared; i++) {
		putchar(' ');
		cmd_print_text(d->side[0].t, &d->before[i % d->context]);
	}
	status = show_side(d, &d->side[0], '-');
	return show_side(d, &d->side[1], '+') == TROUBLE ? TROUBLE : status;
}

static int compare(struct diff *d)
{
	struct trace_summary summary = { 0 };

	trace_summary(d->side[0].t, &summary);
	for (;; d->compared++) {
		if (next(&d->side[0]) < 0 || next(&d->side[1]) < 0)
			return TROUBLE;
		if (d->side[0].got == 0 && d->side[1].got == 0)
			return SAME;
		if (d->side[0].got == 0 || d->side[1].got == 0 || differ(d, &d->what))
			break;
		if (d->context)
			d->before[d->compared % d->context] = d->side[0].event;
		if (d->compared % 4096 == 0)
			cmd_progress(trace_cursor_seq(d->side[0].cursor), summary.events);
	}
	cmd_progress_end();
	return d->quiet ? DIFFERENT : show(d);
}

static int diff(struct diff *d, char **paths)
{
	int status = TROUBLE;

	d->before = calloc(d->context + 1, sizeof(*d->before));
	if (!d->before) {
		cmd_failed("no memory for the context");
		return TROUBLE;
	}
	if (open_side(&d->side[0], d, paths[0]) == CMD_DONE && open_side(&d->side[1], d, paths[1]) == CMD_DONE)
		status = compare(d);
	cmd_progress_end();
	close_side(&d->side[0]);
	close_side(&d->side[1]);
	free(d->before);
	return cmd_flush() == CMD_DONE ? status : TROUBLE;
}

/* ---- options ---- */

static bool is_argument(const char *name)
{
	for (unsigned int k = 1; k < TRACE_KINDS; k++) {
		const struct trace_event_info *info = trace_event_info(k);

		for (int i = 0; info && i < TRACE_ARGS_MAX; i++) {
			if (info->arg_form[i] != TRACE_UNUSED && strcmp(info->arg_name[i], name) == 0)
				return true;
		}
	}
	return false;
}

static int ignore(struct diff *d, const char *name)
{
	if (!is_argument(name))
		return cmd_misused("diff", "--ignore %s: no event has such an argument; trace(5) lists them", name);
	if (d->ignoreds == IGNORED_MAX)
		return cmd_misused("diff", "at most %d arguments can be ignored", IGNORED_MAX);
	d->ignored[d->ignoreds++] = name;
	return CMD_DONE;
}

static int take_context(struct diff *d)
{
	char *end;
	unsigned long n = strtoul(optarg, &end, 10);

	if (end == optarg || *end || optarg[0] == '-' || n > CONTEXT_MAX)
		return cmd_misused("diff", "--context %s: give a number of events, at most %d", optarg, CONTEXT_MAX);
	d->context = n;
	return CMD_DONE;
}

static int take_option(struct diff *d, int c)
{
	int status;

	switch (c) {
	case 'T':
		d->ignore_times = true;
		return CMD_DONE;
	case 'A':
		status = ignore(d, "gpa");
		return status == CMD_DONE ? ignore(d, "iova") : status;
	case 'i':
		return ignore(d, optarg);
	case 'c':
		return take_context(d);
	case 'q':
		d->quiet = true;
		return CMD_DONE;
	}
	return cmd_filter_option(&d->filter, "diff", c);
}

int cmd_diff(int argc, char **argv)
{
	static const struct option options[] = {
		CMD_FILTER_KIND, CMD_FILTER_DEVICE, { "ignore-times", no_argument, NULL, 'T' }, { "ignore-addresses", no_argument, NULL, 'A' },
		{ "ignore", required_argument, NULL, 'i' }, { "context", required_argument, NULL, 'c' }, { "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct diff d = { .context = 3 };
	int c, status;

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
	if (optind + 2 != argc)
		return cmd_misused("diff", "give two trace files");
	return diff(&d, argv + optind);
}
