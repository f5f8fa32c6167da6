/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/cmd_filter.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/cmd.h"

#define REGION_MAX 8 /* 0 to 5 are BARs, 6 the ROM, 7 config space */

void cmd_filter_init(struct cmd_filter *f)
{
	memset(f, 0, sizeof(*f));
	f->kinds = TRACE_KINDS_ALL;
	f->to_ns = UINT64_MAX;
	f->region = -1;
}

bool cmd_parse_seconds(const char *text, uint64_t *ns)
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

static int take_kind(struct cmd_filter *f, const char *command)
{
	unsigned int kind = trace_event_kind(optarg);

	if (!kind) {
		cmd_misused(command, "there is no kind of event \"%s\"; the kinds are:", optarg);
		for (unsigned int k = 1; k < TRACE_KINDS; k++)
			fprintf(stderr, " %s", trace_event_info(k) ? trace_event_info(k)->name : "");
		fprintf(stderr, "\n");
		return CMD_MISUSED;
	}
	f->kinds = (f->some_kinds ? f->kinds : 0) | TRACE_KIND_BIT(kind);
	f->some_kinds = true;
	return CMD_DONE;
}

static int take_device(struct cmd_filter *f, const char *command)
{
	if (f->devices == CMD_FILTER_DEVICES_MAX)
		return cmd_misused(command, "--device can be given %d times", CMD_FILTER_DEVICES_MAX);
	f->device[f->devices++] = optarg;
	return CMD_DONE;
}

static int take_region(struct cmd_filter *f, const char *command)
{
	char *end;
	long region = strtol(optarg, &end, 10);

	if (end == optarg || *end || region < 0 || region >= REGION_MAX)
		return cmd_misused(command, "--region %s: not a region; 0 to 5 are BARs, 6 is the ROM, 7 config space", optarg);
	f->region = (int)region;
	return CMD_DONE;
}

static bool parse_address(const char *text, char **end, uint64_t *address)
{
	errno = 0;
	*address = strtoull(text, end, 0);
	return !errno && *end != text && text[0] != '-' && text[0] != '+' && text[0] != ' ';
}

static int take_range(struct cmd_filter *f, const char *command)
{
	char *end;
	uint64_t limit;

	if (!parse_address(optarg, &end, &f->range_first) || *end != '-' || !parse_address(end + 1, &end, &limit) || *end ||
	    limit <= f->range_first)
		return cmd_misused(command, "--range %s: give START-END, such as 0x10000000-0x10040000; END is the first address behind it", optarg);
	f->range_last = limit - 1;
	f->some_range = true;
	return CMD_DONE;
}

int cmd_filter_option(struct cmd_filter *f, const char *command, int c)
{
	switch (c) {
	case 'k': return take_kind(f, command);
	case 'd': return take_device(f, command);
	case 'r': return take_region(f, command);
	case 'a': return take_range(f, command);
	case 'f':
		return cmd_parse_seconds(optarg, &f->from_ns) ? CMD_DONE : cmd_misused(command, "--from %s: not a number of seconds", optarg);
	case 't':
		return cmd_parse_seconds(optarg, &f->to_ns) ? CMD_DONE : cmd_misused(command, "--to %s: not a number of seconds", optarg);
	}
	return cmd_misused(command, "unknown option");
}

int cmd_filter_resolve(struct cmd_filter *f, struct trace *t, const char *path)
{
	unsigned int last = f->devices ? trace_devices(t) : 0;

	for (unsigned int i = 0; i < f->devices; i++) {
		f->device_id[i] = 0;
		for (unsigned int id = 1; id <= last && !f->device_id[i]; id++) {
			const char *name = trace_device_name(t, id);

			if (name && strcmp(name, f->device[i]) == 0)
				f->device_id[i] = id;
		}
		if (!f->device_id[i])
			return cmd_failed("%s has no device \"%s\"; \"egpu-trace info\" lists them", path, f->device[i]);
	}
	return CMD_DONE;
}

int cmd_filter_seek(const struct cmd_filter *f, struct trace_cursor *c)
{
	trace_cursor_filter(c, f->kinds);
	return trace_cursor_seek_time(c, f->from_ns, f->to_ns);
}

/* ---- event by event ---- */

/* a piece of @len bytes at @start touches the range; one of no length is its start */
static bool touches(const struct cmd_filter *f, uint64_t start, uint64_t len)
{
	uint64_t last = len > 1 ? start + (len - 1) : start;

	if (last < start)
		last = UINT64_MAX;
	return start <= f->range_last && last >= f->range_first;
}

static bool in_range(const struct cmd_filter *f, const struct trace_event *e)
{
	switch (e->kind) {
	case TRACE_REGION_READ:
	case TRACE_REGION_WRITE:
		return touches(f, e->arg[TRACE_REGION_OFFSET], e->arg[TRACE_REGION_LEN]);
	case TRACE_RAM_MAP:
	case TRACE_RAM_UNMAP:
	case TRACE_FAULT:
		return touches(f, e->arg[0], e->arg[1]);
	case TRACE_REQ_MAP:
	case TRACE_REQ_UNMAP:
	case TRACE_MAP:
	case TRACE_UNMAP:
		return touches(f, e->arg[TRACE_MAP_GPA], e->arg[TRACE_MAP_LEN]) || touches(f, e->arg[TRACE_MAP_IOVA], e->arg[TRACE_MAP_LEN]);
	}
	return false;
}

static bool from_device(const struct cmd_filter *f, const struct trace_event *e)
{
	for (unsigned int i = 0; i < f->devices; i++) {
		if (f->device_id[i] == e->device)
			return true;
	}
	return f->devices == 0;
}

static bool in_region(const struct cmd_filter *f, const struct trace_event *e)
{
	bool access = e->kind == TRACE_REGION_READ || e->kind == TRACE_REGION_WRITE;

	return access && e->arg[TRACE_REGION_REGION] == (uint64_t)f->region;
}

bool cmd_filter_wants(const struct cmd_filter *f, const struct trace_event *e)
{
	if (f->region >= 0 && !in_region(f, e))
		return false;
	if (f->some_range && !in_range(f, e))
		return false;
	return from_device(f, e);
}
