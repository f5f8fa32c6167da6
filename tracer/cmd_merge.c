/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/cmd.h"
#include "tracer/cmd_merge_meta.h"
#include "tracer/cmd_output.h"

static const char help[] =
	"usage: egpu-trace merge [--offset SECONDS] A [--offset SECONDS] B ... -o OUT.egt\n\n"
	"Makes one trace of several, in order of time. Devices of the same name become one device. The traces must have the same clock, that\n"
	"is its name and, if it is a machine's own, the host; else say with --offset what is to be added to the times of the next trace.\n\n"
	"  -o, --output OUT.egt   the trace to make\n"
	"  --force                replace OUT.egt if it is a trace\n"
	"  --offset SECONDS       add this, which may be negative, to the times of the trace named next\n"
	"  --skip-damaged         leave damaged chunks out instead of ending at the first\n";

/** struct input - a trace to merge. @got: as trace_next(), for @event, whose time is the new trace's. */
struct input {
	char *path;
	bool has_offset;
	int64_t offset_ns;
	struct trace *t;
	struct trace_cursor *cursor;
	struct cmd_remap remap;
	struct trace_event event;
	int got;
};

struct merge {
	struct input input[CMD_MERGE_MAX];
	int n;
	const char *out_path;
	bool force, skip_damaged;
	struct cmd_output out;
	uint64_t damaged;
};

/* ---- reading ---- */

/* the next event of an input, at its new time. Return: an exit status */
static int advance(struct merge *m, struct input *in)
{
	char error[TRACE_ERROR_BYTES];
	uint64_t t;

	in->got = trace_next(in->cursor, &in->event, error);
	if (in->got < 0)
		return cmd_failed("%s: %s%s", in->path, error, in->got == -EBADMSG && !m->skip_damaged ? "; --skip-damaged leaves it out" : "");
	t = in->event.t_ns + (uint64_t)in->offset_ns;
	if (in->got > 0 && (in->offset_ns < 0 ? t > in->event.t_ns : t < in->event.t_ns))
		return cmd_failed("%s: with its --offset the event at %.9f s would be outside of all time; choose another", in->path,
				  (double)in->event.t_ns / 1e9);
	in->event.t_ns = t;
	return CMD_DONE;
}

static struct input *earliest(struct merge *m)
{
	struct input *found = NULL;

	for (int i = 0; i < m->n; i++) {
		struct input *in = &m->input[i];

		if (in->got > 0 && (!found || in->event.t_ns < found->event.t_ns))
			found = in;
	}
	return found;
}

static int copy_events(struct merge *m)
{
	struct input *in;
	uint64_t total = 0;
	int status = CMD_DONE;

	for (int i = 0; i < m->n && status == CMD_DONE; i++) {
		struct trace_summary summary;

		if (trace_summary(m->input[i].t, &summary) == 0)
			total += summary.events;
		status = advance(m, &m->input[i]);
	}
	while (status == CMD_DONE && !cmd_interrupted() && (in = earliest(m))) {
		cmd_output_emit(&m->out, &in->remap, &in->event);
		if (m->out.emitted % 4096 == 0)
			cmd_progress(m->out.emitted, total);
		status = advance(m, in);
	}
	cmd_progress_end();
	for (int i = 0; i < m->n; i++)
		m->damaged += trace_cursor_damaged(m->input[i].cursor);
	if (status == CMD_DONE && cmd_interrupted())
		return cmd_failed("interrupted; %s is not made", m->out_path);
	return status;
}

/* ---- beginning and end ---- */

static int open_inputs(struct merge *m)
{
	char error[TRACE_ERROR_BYTES];

	for (int i = 0; i < m->n; i++) {
		struct input *in = &m->input[i];
		int err;

		if (trace_open(in->path, &in->t, error) != 0)
			return cmd_failed("%s", error);
		if (i > 0 && !in->has_offset && !cmd_merge_same_clock(m->input[0].t, in->t))
			return cmd_failed("%s and %s have different clocks; give --offset SECONDS before %s to say how they relate", m->input[0].path,
					  in->path, in->path);
		err = trace_cursor_open(in->t, m->skip_damaged, &in->cursor);
		if (err)
			return cmd_failed("%s: %s", in->path, strerror(-err));
	}
	return CMD_DONE;
}

static void close_inputs(struct merge *m)
{
	for (int i = 0; i < m->n; i++) {
		cmd_remap_free(&m->input[i].remap);
		trace_cursor_close(m->input[i].cursor);
		trace_close(m->input[i].t);
	}
}

static int describe(struct merge *m)
{
	struct cmd_merge_source sources[CMD_MERGE_MAX];
	int err = 0;

	for (int i = 0; i < m->n && !err; i++) {
		sources[i] = (struct cmd_merge_source){ m->input[i].t, &m->input[i].remap, m->input[i].path, m->input[i].offset_ns };
		err = cmd_remap_init(&m->input[i].remap, &m->out, m->input[i].t);
	}
	return err ? err : cmd_merge_describe(&m->out, sources, m->n);
}

static int merge(struct merge *m)
{
	char error[TRACE_ERROR_BYTES], *paths[CMD_MERGE_MAX];
	int status, err;

	for (int i = 0; i < m->n; i++)
		paths[i] = m->input[i].path;
	if (cmd_output_open(&m->out, m->out_path, m->force, paths, m->n, error) != 0)
		return cmd_failed("%s", error);
	err = describe(m);
	status = err ? cmd_failed("%s: %s", m->out_path, strerror(-err)) : copy_events(m);
	err = 0;
	if (status == CMD_DONE)
		err = tracer_account(m->out.t, "merge_chunks_damaged", m->damaged, "damaged chunks of the sources that were left out");
	if (err)
		status = cmd_failed("%s: %s", m->out_path, strerror(-err));
	if (status != CMD_DONE) {
		cmd_output_abort(&m->out);
		return status;
	}
	if (cmd_output_finish(&m->out, error) != 0)
		return cmd_failed("%s", error);
	fprintf(stderr, "%s: %" PRIu64 " events of %d traces\n", m->out_path, m->out.emitted, m->n);
	return CMD_DONE;
}

/* ---- options ---- */

static int take_offset(struct input *in)
{
	char *end;
	double s = strtod(optarg, &end);

	if (end == optarg || *end || !(fabs(s) <= 9e9))
		return cmd_misused("merge", "--offset %s: not a number of seconds", optarg);
	in->offset_ns = (int64_t)llround(s * 1e9);
	in->has_offset = true;
	return CMD_DONE;
}

static int take_file(struct merge *m)
{
	if (m->n == CMD_MERGE_MAX - 1)
		return cmd_misused("merge", "at most %d traces can be merged at once", CMD_MERGE_MAX - 1);
	m->input[m->n++].path = optarg;
	return CMD_DONE;
}

static int take_option(struct merge *m, int c)
{
	switch (c) {
	case 1: return take_file(m);
	case 'x': return take_offset(&m->input[m->n]);
	case 'o': m->out_path = optarg; return CMD_DONE;
	case 'w': m->force = true; return CMD_DONE;
	case 's': m->skip_damaged = true; return CMD_DONE;
	}
	return cmd_misused("merge", "unknown option");
}

static int check(const struct merge *m)
{
	if (!m->out_path)
		return cmd_misused("merge", "say with -o which trace to make");
	if (m->n < 2)
		return cmd_misused("merge", "give at least two trace files");
	if (m->input[m->n].has_offset)
		return cmd_misused("merge", "no trace follows the last --offset; it stands before the trace it is for");
	return CMD_DONE;
}

int cmd_merge(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "force", no_argument, NULL, 'w' }, { "offset", required_argument, NULL, 'x' },
		{ "skip-damaged", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct merge m = { 0 };
	int c, status;

	/* "-": files in their order among the options */
	while ((c = getopt_long(argc, argv, "-o:h", options, NULL)) != -1) {
		if (c == 'h') {
			printf("%s", help);
			return cmd_flush();
		}
		status = take_option(&m, c);
		if (status != CMD_DONE)
			return status;
	}
	for (; optind < argc; optind++) {
		optarg = argv[optind];
		status = take_file(&m);
		if (status != CMD_DONE)
			return status;
	}
	status = check(&m);
	if (status != CMD_DONE)
		return status;
	status = open_inputs(&m);
	if (status == CMD_DONE)
		status = merge(&m);
	close_inputs(&m);
	return status;
}
