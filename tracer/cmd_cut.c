/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/cmd.h"
#include "tracer/cmd_filter.h"
#include "tracer/pairing.h"
#include "tracer/cmd_output.h"

static const char help[] =
	"usage: egpu-trace cut [OPTIONS] FILE -o OUT.egt\n\n"
	"Makes a trace of a part of another. What is live at the cut's start (requests, mappings, guest memory) is written as begun at its\n"
	"first moment, and the phase, policy and clock relation that then hold come with it, so that the part can be replayed by itself.\n\n"
	"  -o, --output OUT.egt   the trace to make\n"
	"  --force                replace OUT.egt if it is a trace\n"
	"  --from SECONDS         only events at this time of the trace's clock or later\n"
	"  --to SECONDS           only events before it\n"
	"  --kind NAME            only events of this kind; may be given several times\n"
	"  --device NAME          only events of this device; may be given several times\n"
	"  --bare                 only events of the part itself, nothing from before it\n"
	"  --skip-damaged         leave damaged chunks out instead of ending at the first\n";

enum { LAST_MARK, LAST_POLICY, LAST_CLOCK, LASTS };

/**
 * struct cut - the part and what comes with it.
 * @last:    of the kinds that hold until the next of their kind; kind 0 if there was none
 * @carried: events written for what was live, by class
 * @stated:  events written for @last
 */
struct cut {
	struct trace *t;
	const char *path, *out_path;
	struct cmd_filter filter;
	bool bare, force, skip_damaged;
	struct cmd_output out;
	struct cmd_remap remap;
	struct trace_event last[LASTS];
	uint64_t carried[PAIRING_CLASSES], stated, damaged, written;
};

static int read_failed(const struct cut *c, int err, const char *error)
{
	return cmd_failed("%s: %s%s", c->path, error, err == -EBADMSG && !c->skip_damaged ? "; --skip-damaged leaves it out" : "");
}

/* ---- what comes before ---- */

static int last_index(unsigned int kind)
{
	switch (kind) {
	case TRACE_MARK: return LAST_MARK;
	case TRACE_POLICY: return LAST_POLICY;
	case TRACE_CLOCK: return LAST_CLOCK;
	}
	return -1;
}

static uint64_t kinds_before(const struct cut *c)
{
	uint64_t lasts = TRACE_KIND_BIT(TRACE_MARK) | TRACE_KIND_BIT(TRACE_POLICY) | TRACE_KIND_BIT(TRACE_CLOCK);
	uint64_t beginnings = TRACE_KIND_BIT(TRACE_RAM_MAP) | TRACE_KIND_BIT(TRACE_REQ_MAP) | TRACE_KIND_BIT(TRACE_MAP);

	return (lasts & c->filter.kinds) | (beginnings & c->filter.kinds ? pairing_kinds() : 0);
}

/* all that happened until the cut begins. Return: an exit status */
static int read_before(struct cut *c, struct pairing *live)
{
	char error[TRACE_ERROR_BYTES] = "it cannot be read";
	struct trace_event event, ended;
	struct trace_cursor *cursor;
	int got = trace_cursor_open(c->t, c->skip_damaged, &cursor);

	if (got)
		return read_failed(c, got, strerror(-got));
	trace_cursor_filter(cursor, kinds_before(c));
	got = trace_cursor_seek_time(cursor, 0, c->filter.from_ns);
	while (got >= 0 && !cmd_interrupted() && (got = trace_next(cursor, &event, error)) > 0) {
		if (event.kind != TRACE_RESET && !cmd_filter_wants(&c->filter, &event))
			continue;
		if (last_index(event.kind) >= 0)
			c->last[last_index(event.kind)] = event;
		got = pairing_event(live, &event, trace_cursor_seq(cursor), &ended);
		if (got == -E2BIG)
			snprintf(error, sizeof(error), "more than %u requests or mappings are live at the cut's start; --bare leaves them out", PAIRING_MAX);
	}
	trace_cursor_close(cursor);
	return got < 0 ? read_failed(c, got, error) : CMD_DONE;
}

static void carry(struct cut *c, struct trace_event *event)
{
	/* the relation of clocks moves along; the next request of a batch was not necessarily carried */
	if (event->kind == TRACE_CLOCK)
		event->arg[0] += c->filter.from_ns - event->t_ns;
	if (event->kind == TRACE_REQ_MAP && TRACE_REQ_MORE(event->arg[TRACE_REQ_FLAGS]))
		event->arg[TRACE_REQ_FLAGS] ^= 0x08 << 16;
	event->t_ns = c->filter.from_ns;
	cmd_output_emit(&c->out, &c->remap, event);
}

static int write_before(struct cut *c, const struct pairing *live)
{
	size_t n;
	struct trace_event *events = pairing_list(live, &n);

	if (!events)
		return cmd_failed("no memory for what is live at the cut's start");
	for (int i = 0; i < LASTS; i++) {
		if (!c->last[i].kind)
			continue;
		carry(c, &c->last[i]);
		c->stated++;
	}
	for (size_t i = 0; i < n; i++) {
		if (!(c->filter.kinds & TRACE_KIND_BIT(events[i].kind)))
			continue;
		c->carried[pairing_class(events[i].kind)]++;
		carry(c, &events[i]);
	}
	free(events);
	return CMD_DONE;
}

static int do_before(struct cut *c)
{
	struct pairing *live;
	int status;

	if (c->bare || c->filter.from_ns == 0)
		return CMD_DONE;
	live = pairing_new(c->t);
	if (!live)
		return cmd_failed("no memory for what is live at the cut's start");
	status = read_before(c, live);
	if (status == CMD_DONE)
		status = write_before(c, live);
	pairing_free(live);
	return status;
}

/* ---- the part itself ---- */

static int do_part(struct cut *c)
{
	char error[TRACE_ERROR_BYTES] = "it cannot be read";
	struct trace_summary summary = { 0 };
	struct trace_event event;
	struct trace_cursor *cursor;
	int got = trace_cursor_open(c->t, c->skip_damaged, &cursor);

	if (got)
		return read_failed(c, got, strerror(-got));
	trace_summary(c->t, &summary);
	got = cmd_filter_seek(&c->filter, cursor);
	while (got >= 0 && !cmd_interrupted() && (got = trace_next(cursor, &event, error)) > 0) {
		if (!cmd_filter_wants(&c->filter, &event))
			continue;
		cmd_output_emit(&c->out, &c->remap, &event);
		if (++c->written % 4096 == 0)
			cmd_progress(trace_cursor_seq(cursor), summary.events);
	}
	c->damaged = trace_cursor_damaged(cursor);
	trace_cursor_close(cursor);
	cmd_progress_end();
	return got < 0 ? read_failed(c, got, error) : CMD_DONE;
}

/* ---- what it says about itself ---- */

static int set_origin(struct cut *c)
{
	const char *origin = trace_meta(c->t, TRACE_META_ORIGIN), *assumed = trace_meta(c->t, TRACE_META_ASSUMED);
	char span[96] = "", *text;
	int n, err;

	if (c->filter.to_ns != UINT64_MAX)
		snprintf(span, sizeof(span), " from %.9f s to %.9f s", (double)c->filter.from_ns / 1e9, (double)c->filter.to_ns / 1e9);
	else if (c->filter.from_ns)
		snprintf(span, sizeof(span), " from %.9f s", (double)c->filter.from_ns / 1e9);
	n = asprintf(&text, "cut from %s%s%s%s: %s", c->path, span, c->filter.some_kinds ? ", some kinds" : "",
		     c->filter.devices ? ", some devices" : "", origin ? origin : "of unknown origin");
	if (n < 0)
		return -ENOMEM;
	err = tracer_meta(c->out.t, TRACE_META_ORIGIN, text);
	free(text);
	if (err || c->bare || !c->filter.from_ns)
		return err;
	n = asprintf(&text, "%s%swhat was live when the cut begins is written as begun at its first moment", assumed ? assumed : "",
		     assumed ? "\n" : "");
	if (n < 0)
		return -ENOMEM;
	err = tracer_meta(c->out.t, TRACE_META_ASSUMED, text);
	free(text);
	return err;
}

static int set_account(struct cut *c)
{
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count;
	struct trace_summary s = { 0 };
	int err = trace_summary(c->t, &s);

	while (!err && trace_account_next(c->t, &row, &what, &count, &note))
		err = cmd_output_account(&c->out, what, count, note);
	err = err ? err : tracer_account(c->out.t, "cut_events_left_out", s.events - c->written, "events of the source that are not in this part");
	err = err ? err : tracer_account(c->out.t, "cut_requests_carried", c->carried[PAIRING_REQUEST],
					 "requests live when the part begins, written at its first moment");
	err = err ? err : tracer_account(c->out.t, "cut_mappings_carried", c->carried[PAIRING_MAPPING],
					 "mappings live when the part begins, written at its first moment");
	err = err ? err : tracer_account(c->out.t, "cut_ram_carried", c->carried[PAIRING_RAM],
					 "pieces of guest memory announced before the part begins, written at its first moment");
	err = err ? err : tracer_account(c->out.t, "cut_stated", c->stated, "phase, policy and clock relation that held when the part begins");
	return err ? err : tracer_account(c->out.t, "cut_chunks_damaged", c->damaged, "damaged chunks of the source that were left out");
}

static int cut(struct cut *c)
{
	char error[TRACE_ERROR_BYTES], *const sources[] = { (char *)c->path };
	int status, err;

	if (cmd_output_open(&c->out, c->out_path, c->force, sources, 1, error) != 0)
		return cmd_failed("%s", error);
	err = cmd_remap_init(&c->remap, &c->out, c->t);
	if (!err)
		err = cmd_output_meta(&c->out, c->t);
	if (!err)
		err = set_origin(c);
	status = err ? cmd_failed("%s: %s", c->out_path, strerror(-err)) : do_before(c);
	if (status == CMD_DONE)
		status = do_part(c);
	if (status == CMD_DONE && cmd_interrupted())
		status = cmd_failed("interrupted; %s is not made", c->out_path);
	err = status == CMD_DONE ? set_account(c) : 0;
	if (err)
		status = cmd_failed("%s: %s", c->out_path, strerror(-err));
	cmd_remap_free(&c->remap);
	if (status != CMD_DONE) {
		cmd_output_abort(&c->out);
		return status;
	}
	if (cmd_output_finish(&c->out, error) != 0)
		return cmd_failed("%s", error);
	fprintf(stderr, "%s: %" PRIu64 " events, and %" PRIu64 " for what held before\n", c->out_path, c->written, c->out.emitted - c->written);
	return CMD_DONE;
}

static int take_option(struct cut *c, int option)
{
	switch (option) {
	case 'o': c->out_path = optarg; return CMD_DONE;
	case 'w': c->force = true; return CMD_DONE;
	case 'b': c->bare = true; return CMD_DONE;
	case 's': c->skip_damaged = true; return CMD_DONE;
	}
	return cmd_filter_option(&c->filter, "cut", option);
}

int cmd_cut(int argc, char **argv)
{
	static const struct option options[] = {
		CMD_FILTER_KIND, CMD_FILTER_DEVICE, CMD_FILTER_FROM, CMD_FILTER_TO, { "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'w' }, { "bare", no_argument, NULL, 'b' }, { "skip-damaged", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct cut c = { 0 };
	int option, status;

	cmd_filter_init(&c.filter);
	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (option == 'h') {
			printf("%s", help);
			return cmd_flush();
		}
		status = take_option(&c, option);
		if (status != CMD_DONE)
			return status;
	}
	if (!c.out_path)
		return cmd_misused("cut", "say with -o which trace to make");
	if (c.filter.from_ns >= c.filter.to_ns)
		return cmd_misused("cut", "--from must be before --to");
	status = cmd_open(argc, argv, &c.t);
	if (status != CMD_DONE)
		return status;
	c.path = argv[optind];
	status = cmd_filter_resolve(&c.filter, c.t, c.path);
	if (status == CMD_DONE)
		status = cut(&c);
	trace_close(c.t);
	return status;
}
