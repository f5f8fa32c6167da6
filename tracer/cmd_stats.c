/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/cmd.h"
#include "tracer/cmd_filter.h"
#include "tracer/cmd_output.h"
#include "tracer/cmd_stats_print.h"

static const char help[] =
	"usage: egpu-trace stats [OPTIONS] FILE\n\n"
	"Sums a trace up: events and rates, requests by size, how long requests and mappings live, how many at once, interrupts by vector,\n"
	"the registers used most, and frame times.\n\n"
	"  --json           one JSON object\n"
	"  --device NAME    only events of this device; may be given several times\n"
	"  --from SECONDS   only events at this time of the trace's clock or later\n"
	"  --to SECONDS     only events before it\n"
	"  --skip-damaged   leave damaged chunks out instead of ending at the first\n";

/* ---- tables that grow with what is in the trace ---- */

static int add_frame(struct stats *s, const struct trace_event *e)
{
	struct stats_frames *f = &s->frames;

	for (unsigned int i = 0; i < f->devices; i++) {
		if (f->device[i].id != e->device)
			continue;
		if (f->times == STATS_FRAMES_MAX)
			return -E2BIG;
		if (f->times == f->room) {
			size_t room = f->room ? 2 * f->room : 1024;
			uint64_t *ns = realloc(f->ns, room * sizeof(*ns));

			if (!ns)
				return -ENOMEM;
			f->ns = ns;
			f->room = room;
		}
		/* merged threads may step back in time by a little */
		f->ns[f->times++] = e->t_ns > f->device[i].last_ns ? e->t_ns - f->device[i].last_ns : 0;
		f->device[i].last_ns = e->t_ns;
		return 0;
	}
	if (f->devices == STATS_FRAME_DEVICES_MAX)
		return -E2BIG;
	f->device[f->devices++] = (struct stats_frame_device){ e->device, e->t_ns };
	return 0;
}

/* the row of @key, which is added if it is new; NULL once the table is full, as the row of all others */
static struct stats_row *row_of(struct stats_table *t, const uint64_t *key)
{
	uint64_t h = (key[0] * 0x9e3779b97f4a7c15ull ^ key[1]) * 0xbf58476d1ce4e5b9ull;

	h = (h ^ h >> 32 ^ key[2]) * 0x94d049bb133111ebull;
	for (uint64_t i = h >> 32;; i++) {
		struct stats_row *r = &t->row[i % STATS_ROWS_ROOM];

		if (r->reads + r->writes == 0) {
			if (t->n == STATS_ROWS_MAX)
				return NULL;
			t->n++;
			memcpy(r->key, key, sizeof(r->key));
			return r;
		}
		if (memcmp(r->key, key, sizeof(r->key)) == 0)
			return r;
	}
}

static void count_row(struct stats_table *t, uint64_t a, uint64_t b, uint64_t c, bool write)
{
	struct stats_row *r = row_of(t, (const uint64_t[]){ a, b, c });

	if (!r)
		t->others++;
	else if (write)
		r->writes++;
	else
		r->reads++;
}

/* ---- counting ---- */

static unsigned int log2_up(uint64_t n)
{
	return n <= 1 ? 0 : 64 - (unsigned int)__builtin_clzll(n - 1);
}

static unsigned int lifetime_class(uint64_t ns)
{
	uint64_t limit = STATS_LIFETIME_FIRST_NS;
	unsigned int i = 0;

	for (; i < STATS_LIFETIMES - 1 && ns >= limit; i++)
		limit *= 10;
	return i;
}

static void count_request(struct stats *s, const struct trace_event *e)
{
	struct stats_size *size = &s->size[log2_up(e->arg[TRACE_REQ_LEN])];

	size->requests++;
	size->failed += e->status != 0;
	size->bytes += e->arg[TRACE_REQ_LEN];
}

static int count_live(struct stats *s, const struct trace_event *e, uint64_t seq)
{
	struct trace_event begun;
	int got = pairing_event(s->live, e, seq, &begun);

	if (got > 0)
		s->lifetime[pairing_class(e->kind)][lifetime_class(e->t_ns > begun.t_ns ? e->t_ns - begun.t_ns : 0)]++;
	return got < 0 ? got : 0;
}

static int count_event(struct stats *s, const struct trace_event *e, uint64_t seq)
{
	s->events++;
	s->kind[e->kind < STATS_KINDS_MAX ? e->kind : 0]++;
	s->kind_failed[e->kind < STATS_KINDS_MAX ? e->kind : 0] += e->status != 0;
	if (s->events == 1 || e->t_ns < s->first_ns)
		s->first_ns = e->t_ns;
	if (e->t_ns > s->last_ns)
		s->last_ns = e->t_ns;
	switch (e->kind) {
	case TRACE_REQ_MAP:
		count_request(s, e);
		break;
	case TRACE_REGION_READ:
	case TRACE_REGION_WRITE:
		count_row(&s->registers, e->device, e->arg[TRACE_REGION_REGION], e->arg[TRACE_REGION_OFFSET], e->kind == TRACE_REGION_WRITE);
		break;
	case TRACE_IRQ:
		count_row(&s->irqs, e->device, e->arg[0], e->arg[1], e->arg[2] == 0);
		break;
	case TRACE_GAP:
		s->lost += e->arg[0];
		break;
	case TRACE_FRAME:
		return add_frame(s, e);
	}
	return count_live(s, e, seq);
}

static int read_all(struct stats *s, const struct cmd_filter *filter, bool skip_damaged, const char *path)
{
	char error[TRACE_ERROR_BYTES] = "it cannot be read";
	struct trace_summary summary = { 0 };
	struct trace_cursor *cursor;
	struct trace_event event;
	int err, got = trace_cursor_open(s->t, skip_damaged, &cursor);

	if (got)
		return cmd_failed("%s: %s", path, strerror(-got));
	trace_summary(s->t, &summary);
	err = cmd_filter_seek(filter, cursor);
	while (!err && (got = trace_next(cursor, &event, error)) > 0) {
		if (!cmd_filter_wants(filter, &event))
			continue;
		err = count_event(s, &event, trace_cursor_seq(cursor));
		if (s->events % 65536 == 0)
			cmd_progress(trace_cursor_seq(cursor), summary.events);
	}
	cmd_progress_end();
	s->damaged = trace_cursor_damaged(cursor);
	trace_cursor_close(cursor);
	if (got < 0)
		return cmd_failed("%s: %s%s", path, error, got == -EBADMSG && !skip_damaged ? "; --skip-damaged leaves it out" : "");
	if (err == -E2BIG)
		return cmd_failed("%s: more is live at once, or more frames are in it, than can be summed up; give a span with --from and --to", path);
	return err ? cmd_failed("%s: %s", path, strerror(-err)) : CMD_DONE;
}

/* ---- options ---- */

static int stats(struct trace *t, const struct cmd_filter *filter, bool skip_damaged, bool json, const char *path)
{
	struct stats *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return cmd_failed("no memory for the sums");
	s->t = t;
	s->live = pairing_new(t);
	status = s->live ? read_all(s, filter, skip_damaged, path) : cmd_failed("no memory for the sums");
	if (status == CMD_DONE) {
		stats_sort(s);
		if (json)
			stats_print_json(s);
		else
			stats_print_text(s);
	}
	pairing_free(s->live);
	free(s->frames.ns);
	free(s);
	return status;
}

int cmd_stats(int argc, char **argv)
{
	static const struct option options[] = {
		CMD_FILTER_DEVICE, CMD_FILTER_FROM, CMD_FILTER_TO, { "json", no_argument, NULL, 'j' }, { "skip-damaged", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct cmd_filter filter;
	bool json = false, skip_damaged = false;
	struct trace *t;
	int c, status = CMD_DONE, flushed;

	cmd_filter_init(&filter);
	while (status == CMD_DONE && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h': printf("%s", help); return cmd_flush();
		case 'j': json = true; break;
		case 's': skip_damaged = true; break;
		default: status = cmd_filter_option(&filter, "stats", c);
		}
	}
	if (status == CMD_DONE)
		status = cmd_open(argc, argv, &t);
	if (status != CMD_DONE)
		return status;
	status = cmd_filter_resolve(&filter, t, argv[optind]);
	if (status == CMD_DONE)
		status = stats(t, &filter, skip_damaged, json, argv[optind]);
	trace_close(t);
	flushed = cmd_flush();
	return status == CMD_DONE ? flushed : status;
}
