/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tracer/cmd.h"

static const char help[] =
	"usage: egpu-trace dump [OPTIONS] FILE\n\n"
	"Prints the events of a trace, one a line, oldest first.\n\n"
	"  --json           a JSON object a line; addresses are strings\n"
	"  --csv            comma-separated values with a header; a column for each argument of the kinds that are shown\n"
	"  --kind NAME      only events of this kind; may be given several times\n"
	"  --device NAME    only events of this device; may be given several times\n"
	"  --from SECONDS   only events at this time of the trace's clock or later\n"
	"  --to SECONDS     only events before it\n"
	"  --limit N        at most N events\n"
	"  --skip-damaged   leave damaged chunks out instead of ending at the first\n";

#define DEVICES_MAX 64
#define COLUMNS_MAX (TRACE_KINDS * TRACE_ARGS_MAX)

/**
 * struct dump - what to print, and how.
 * @kinds:      by number, which to print; all if !@some_kinds
 * @device:     names, as given
 * @device_id:  their ids
 * @column:     argument names, for CSV
 */
struct dump {
	struct trace *t;
	void (*print)(struct dump *d, const struct trace_event *event);
	bool kinds[TRACE_KINDS];
	bool some_kinds;
	const char *device[DEVICES_MAX];
	unsigned int device_id[DEVICES_MAX];
	unsigned int devices;
	uint64_t from_ns, to_ns, limit;
	bool skip_damaged;
	const char *column[COLUMNS_MAX];
	unsigned int columns;
};

static const char *kind_name(const struct trace_event *event, char *number, size_t bytes)
{
	const struct trace_event_info *info = trace_event_info(event->kind);

	if (info)
		return info->name;
	snprintf(number, bytes, "kind%u", event->kind);
	return number;
}

/* name and form of an argument; those of a kind that this version does not know are plain numbers. Return: false if it has none */
static bool arg_of(const struct trace_event *event, unsigned int i, const char **name, enum trace_form *form)
{
	static const char *const unknown[TRACE_ARGS_MAX] = { "arg0", "arg1", "arg2", "arg3", "arg4", "arg5" };
	const struct trace_event_info *info = trace_event_info(event->kind);

	*name = info ? info->arg_name[i] : unknown[i];
	*form = info ? info->arg_form[i] : TRACE_DEC;
	return *form != TRACE_UNUSED;
}

/* ---- text ---- */

static void put_text(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s >= ' ' && *s != 0x7f ? *s : '?');
}

static void text_arg(struct dump *d, const char *name, enum trace_form form, uint64_t v)
{
	const char *s;

	switch (form) {
	case TRACE_HEX:
	case TRACE_FLAGS:
		printf(" %s=0x%" PRIx64, name, v);
		return;
	case TRACE_STRING:
		s = trace_string(d->t, v);
		printf(" %s=\"", name);
		put_text(s ? s : "?");
		putchar('"');
		return;
	case TRACE_NS:
		printf(" %s=%" PRIu64 ".%09" PRIu64, name, v / 1000000000, v % 1000000000);
		return;
	default:
		printf(" %s=%" PRIu64, name, v);
	}
}

static void print_text(struct dump *d, const struct trace_event *event)
{
	const char *device = trace_device_name(d->t, event->device), *name;
	char number[16];
	enum trace_form form;

	printf("%5" PRIu64 ".%09" PRIu64 " ", event->t_ns / 1000000000, event->t_ns % 1000000000);
	put_text(device ? device : "-");
	printf(" %s", kind_name(event, number, sizeof(number)));
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++) {
		if (arg_of(event, i, &name, &form))
			text_arg(d, name, form, event->arg[i]);
	}
	if (event->status < 0)
		printf(" status=%d (%s)", event->status, strerror(-event->status));
	else if (event->status)
		printf(" status=%d", event->status);
	putchar('\n');
}

/* ---- JSON ---- */

static void json_string(const char *s)
{
	struct json_object *o = s ? json_object_new_string(s) : NULL;

	printf("%s", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void print_json(struct dump *d, const struct trace_event *event)
{
	const char *name;
	char number[16];
	enum trace_form form;

	printf("{\"t_ns\":%" PRIu64 ",\"kind\":\"%s\",\"device\":", event->t_ns, kind_name(event, number, sizeof(number)));
	json_string(trace_device_name(d->t, event->device));
	printf(",\"status\":%d", event->status);
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++) {
		if (!arg_of(event, i, &name, &form))
			continue;
		printf(",\"%s\":", name);
		if (form == TRACE_HEX)
			printf("\"0x%" PRIx64 "\"", event->arg[i]);
		else if (form == TRACE_STRING)
			json_string(trace_string(d->t, event->arg[i]));
		else
			printf("%" PRIu64, event->arg[i]);
	}
	printf("}\n");
}

/* ---- CSV ---- */

static void csv_string(const char *s)
{
	putchar('"');
	for (; s && *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void csv_add_column(struct dump *d, const char *name)
{
	for (unsigned int i = 0; i < d->columns; i++) {
		if (strcmp(d->column[i], name) == 0)
			return;
	}
	d->column[d->columns++] = name;
}

static void csv_header(struct dump *d)
{
	for (unsigned int k = 1; k < TRACE_KINDS; k++) {
		const struct trace_event_info *info = trace_event_info(k);

		for (unsigned int i = 0; info && (!d->some_kinds || d->kinds[k]) && i < TRACE_ARGS_MAX; i++) {
			if (info->arg_form[i] != TRACE_UNUSED)
				csv_add_column(d, info->arg_name[i]);
		}
	}
	printf("t_ns,kind,device,status");
	for (unsigned int i = 0; i < d->columns; i++)
		printf(",%s", d->column[i]);
	putchar('\n');
}

static void csv_cell(struct dump *d, const struct trace_event *event, const char *column)
{
	const char *name;
	enum trace_form form;

	putchar(',');
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++) {
		if (!arg_of(event, i, &name, &form) || strcmp(name, column) != 0)
			continue;
		if (form == TRACE_HEX)
			printf("0x%" PRIx64, event->arg[i]);
		else if (form == TRACE_STRING)
			csv_string(trace_string(d->t, event->arg[i]));
		else
			printf("%" PRIu64, event->arg[i]);
	}
}

static void print_csv(struct dump *d, const struct trace_event *event)
{
	char number[16];

	printf("%" PRIu64 ",%s,", event->t_ns, kind_name(event, number, sizeof(number)));
	csv_string(trace_device_name(d->t, event->device));
	printf(",%d", event->status);
	for (unsigned int i = 0; i < d->columns; i++)
		csv_cell(d, event, d->column[i]);
	putchar('\n');
}

/* ---- options ---- */

static bool parse_seconds(const char *text, uint64_t *ns)
{
	char *end;
	double s;

	errno = 0;
	s = strtod(text, &end);
	if (errno || end == text || *end || !(s >= 0) || s > 1.8e10)
		return false;
	*ns = (uint64_t)llround(s * 1e9);
	return true;
}

static bool parse_count(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return !errno && end != text && !*end && text[0] != '-';
}

static int take_kind(struct dump *d, const char *name)
{
	unsigned int kind = trace_event_kind(name);

	if (!kind) {
		cmd_misused("dump", "there is no kind of event \"%s\"; the kinds are:", name);
		for (unsigned int k = 1; k < TRACE_KINDS; k++)
			fprintf(stderr, " %s", trace_event_info(k) ? trace_event_info(k)->name : "");
		fprintf(stderr, "\n");
		return CMD_MISUSED;
	}
	d->kinds[kind] = d->some_kinds = true;
	return CMD_DONE;
}

static int take_option(struct dump *d, int c)
{
	switch (c) {
	case 'j':
		d->print = print_json;
		return CMD_DONE;
	case 'c':
		d->print = print_csv;
		return CMD_DONE;
	case 's':
		d->skip_damaged = true;
		return CMD_DONE;
	case 'k':
		return take_kind(d, optarg);
	case 'd':
		if (d->devices == DEVICES_MAX)
			return cmd_misused("dump", "--device can be given %d times", DEVICES_MAX);
		d->device[d->devices++] = optarg;
		return CMD_DONE;
	case 'f':
		return parse_seconds(optarg, &d->from_ns) ? CMD_DONE : cmd_misused("dump", "--from %s: not a number of seconds", optarg);
	case 't':
		return parse_seconds(optarg, &d->to_ns) ? CMD_DONE : cmd_misused("dump", "--to %s: not a number of seconds", optarg);
	case 'l':
		return parse_count(optarg, &d->limit) ? CMD_DONE : cmd_misused("dump", "--limit %s: not a number of events", optarg);
	}
	return cmd_misused("dump", "unknown option");
}

static int find_devices(struct dump *d, const char *path)
{
	for (unsigned int i = 0; i < d->devices; i++) {
		for (unsigned int id = 1; id <= trace_devices(d->t) && !d->device_id[i]; id++) {
			const char *name = trace_device_name(d->t, id);

			if (name && strcmp(name, d->device[i]) == 0)
				d->device_id[i] = id;
		}
		if (!d->device_id[i])
			return cmd_failed("%s has no device \"%s\"; \"egpu-trace info\" lists them", path, d->device[i]);
	}
	return CMD_DONE;
}

/* ---- reading ---- */

static bool wanted(const struct dump *d, const struct trace_event *event)
{
	if (event->t_ns < d->from_ns || event->t_ns >= d->to_ns)
		return false;
	if (d->some_kinds && (event->kind >= TRACE_KINDS || !d->kinds[event->kind]))
		return false;
	for (unsigned int i = 0; i < d->devices; i++) {
		if (d->device_id[i] == event->device)
			return true;
	}
	return d->devices == 0;
}

static int dump(struct dump *d, const char *path)
{
	char error[TRACE_ERROR_BYTES];
	struct trace_cursor *cursor;
	struct trace_event event;
	uint64_t damaged;
	int got = trace_cursor_open(d->t, d->skip_damaged, &cursor);

	if (got)
		return cmd_failed("%s: %s", path, strerror(-got));
	if (d->print == print_csv)
		csv_header(d);
	while (d->limit && !ferror(stdout) && (got = trace_next(cursor, &event, error)) > 0) {
		if (!wanted(d, &event))
			continue;
		d->print(d, &event);
		d->limit--;
	}
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
		{ "json", no_argument, NULL, 'j' },	  { "csv", no_argument, NULL, 'c' },	    { "kind", required_argument, NULL, 'k' },
		{ "device", required_argument, NULL, 'd' }, { "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },  { "skip-damaged", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct dump d = { .print = print_text, .to_ns = UINT64_MAX, .limit = UINT64_MAX };
	int c, status = CMD_DONE, flushed;

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
	status = find_devices(&d, argv[optind]);
	if (status == CMD_DONE)
		status = dump(&d, argv[optind]);
	trace_close(d.t);
	flushed = cmd_flush();
	return status == CMD_DONE ? flushed : status;
}
