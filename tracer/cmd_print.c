/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/cmd_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

const char *cmd_kind_name(const struct trace_event *event, char *number, size_t bytes)
{
	const struct trace_event_info *info = trace_event_info(event->kind);

	if (info)
		return info->name;
	snprintf(number, bytes, "kind%u", event->kind);
	return number;
}

bool cmd_event_arg(const struct trace_event *event, unsigned int i, const char **name, enum trace_form *form)
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

static void text_arg(struct trace *t, const char *name, enum trace_form form, uint64_t v)
{
	const char *s;

	switch (form) {
	case TRACE_HEX:
	case TRACE_FLAGS:
		printf(" %s=0x%" PRIx64, name, v);
		return;
	case TRACE_STRING:
		s = trace_string(t, v);
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

void cmd_print_text(struct trace *t, const struct trace_event *event)
{
	const char *device = trace_device_name(t, event->device), *name;
	char number[16];
	enum trace_form form;

	printf("%5" PRIu64 ".%09" PRIu64 " ", event->t_ns / 1000000000, event->t_ns % 1000000000);
	put_text(device ? device : "-");
	printf(" %s", cmd_kind_name(event, number, sizeof(number)));
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++) {
		if (cmd_event_arg(event, i, &name, &form))
			text_arg(t, name, form, event->arg[i]);
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

void cmd_print_json(struct trace *t, const struct trace_event *event)
{
	const char *name;
	char number[16];
	enum trace_form form;

	printf("{\"t_ns\":%" PRIu64 ",\"kind\":\"%s\",\"device\":", event->t_ns, cmd_kind_name(event, number, sizeof(number)));
	json_string(trace_device_name(t, event->device));
	printf(",\"status\":%d", event->status);
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++) {
		if (!cmd_event_arg(event, i, &name, &form))
			continue;
		printf(",\"%s\":", name);
		if (form == TRACE_HEX)
			printf("\"0x%" PRIx64 "\"", event->arg[i]);
		else if (form == TRACE_STRING)
			json_string(trace_string(t, event->arg[i]));
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

static void csv_add_column(struct cmd_csv *csv, const char *name)
{
	for (unsigned int i = 0; i < csv->columns; i++) {
		if (strcmp(csv->column[i], name) == 0)
			return;
	}
	csv->column[csv->columns++] = name;
}

void cmd_print_csv_header(struct cmd_csv *csv, uint64_t kinds)
{
	for (unsigned int k = 1; k < TRACE_KINDS; k++) {
		const struct trace_event_info *info = trace_event_info(k);

		for (unsigned int i = 0; info && (kinds & TRACE_KIND_BIT(k)) && i < TRACE_ARGS_MAX; i++) {
			if (info->arg_form[i] != TRACE_UNUSED)
				csv_add_column(csv, info->arg_name[i]);
		}
	}
	printf("t_ns,kind,device,status");
	for (unsigned int i = 0; i < csv->columns; i++)
		printf(",%s", csv->column[i]);
	putchar('\n');
}

static void csv_cell(struct trace *t, const struct trace_event *event, const char *column)
{
	const char *name;
	enum trace_form form;

	putchar(',');
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++) {
		if (!cmd_event_arg(event, i, &name, &form) || strcmp(name, column) != 0)
			continue;
		if (form == TRACE_HEX)
			printf("0x%" PRIx64, event->arg[i]);
		else if (form == TRACE_STRING)
			csv_string(trace_string(t, event->arg[i]));
		else
			printf("%" PRIu64, event->arg[i]);
	}
}

void cmd_print_csv(const struct cmd_csv *csv, struct trace *t, const struct trace_event *event)
{
	char number[16];

	printf("%" PRIu64 ",%s,", event->t_ns, cmd_kind_name(event, number, sizeof(number)));
	csv_string(trace_device_name(t, event->device));
	printf(",%d", event->status);
	for (unsigned int i = 0; i < csv->columns; i++)
		csv_cell(t, event, csv->column[i]);
	putchar('\n');
}
