/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "tracer/cmd.h"

static const char help[] =
	"usage: egpu-trace info [--json] FILE\n\n"
	"Shows where a trace comes from, its devices, limits and policy, how many events of each kind it holds, over what time,\n"
	"and its loss account. Works while the trace is being recorded and after its recorder died.\n\n"
	"  --json   one JSON object\n";

/** struct info - what both forms of output show. */
struct info {
	const char *path;
	struct trace *t;
	struct trace_summary summary;
	uint64_t file_bytes;
	const char *state; /* "complete", "recording", "incomplete" */
};

static uint64_t bytes_on_disk(const char *path)
{
	char wal[4200];
	struct stat st;
	uint64_t bytes = 0;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (stat(path, &st) == 0)
		bytes += (uint64_t)st.st_size;
	if (stat(wal, &st) == 0)
		bytes += (uint64_t)st.st_size;
	return bytes;
}

static double duration_s(const struct trace_summary *s)
{
	return (double)(s->t_last_ns - s->t_first_ns) / 1e9;
}

static double bytes_per_event(const struct info *info)
{
	return info->summary.events ? (double)info->file_bytes / (double)info->summary.events : 0;
}

/* ---- text ---- */

/* a value of several lines is indented under its key */
static void print_value(const char *key, const char *value)
{
	printf("%-14s", key);
	for (; *value; value++) {
		putchar(*value == '\n' || (unsigned char)*value >= ' ' ? *value : '?');
		if (*value == '\n')
			printf("%-14s", "");
	}
	putchar('\n');
}

static void print_events(const struct info *info)
{
	const struct trace_summary *s = &info->summary;

	printf("%-14s%" PRIu64 " in %" PRIu64 " chunks\n", "events", s->events, s->chunks);
	for (unsigned int k = 1; k < TRACE_KINDS; k++) {
		if (s->kind_events[k])
			printf("%-14s%12" PRIu64 "  %s\n", "", s->kind_events[k], trace_event_info(k)->name);
	}
	printf("%-14s%.6f s, from %.6f to %.6f\n", "time", duration_s(s), (double)s->t_first_ns / 1e9, (double)s->t_last_ns / 1e9);
	printf("%-14s%" PRIu64 " bytes, %.2f per event\n", "size", info->file_bytes, bytes_per_event(info));
}

static void print_account(struct trace *t)
{
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count;

	printf("account\n");
	while (trace_account_next(t, &row, &what, &count, &note))
		printf("  %12" PRIu64 "  %s%s%s\n", count, what, note ? ": " : "", note ? note : "");
}

static const char *state_text(const struct info *info)
{
	if (strcmp(info->state, "complete") == 0)
		return "yes";
	if (strcmp(info->state, "recording") == 0)
		return "no, it is being recorded";
	return "no, its recorder ended early; what was not yet flushed is missing";
}

static void print_text(const struct info *info)
{
	static const char *const first[] = { TRACE_META_PROVENANCE, TRACE_META_ORIGIN };
	const char *key, *value;
	unsigned int row = 0;

	print_value("file", info->path);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		if (trace_meta(info->t, first[i]))
			print_value(first[i], trace_meta(info->t, first[i]));
	}
	print_value("complete", state_text(info));
	while (trace_meta_next(info->t, &row, &key, &value)) {
		if (strcmp(key, first[0]) != 0 && strcmp(key, first[1]) != 0 && strcmp(key, TRACE_META_COMPLETE) != 0)
			print_value(key, value);
	}
	for (unsigned int id = 1; id <= trace_devices(info->t); id++) {
		const char *name = trace_device_name(info->t, id), *identity = trace_device_identity(info->t, id);

		if (name)
			printf("%-14s%s%s%s\n", id == 1 ? "devices" : "", name, identity ? "  " : "", identity ? identity : "");
	}
	print_events(info);
	print_account(info->t);
}

/* ---- JSON ---- */

static void add(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static struct json_object *json_devices(struct trace *t)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int id = 1; id <= trace_devices(t); id++) {
		const char *name = trace_device_name(t, id), *identity = trace_device_identity(t, id);
		struct json_object *device = json_object_new_object();

		add(device, "id", json_object_new_int((int)id));
		add(device, "name", name ? json_object_new_string(name) : NULL);
		add(device, "identity", identity ? json_object_new_string(identity) : NULL);
		json_object_array_add(list, device);
	}
	return list;
}

static struct json_object *json_account(struct trace *t)
{
	struct json_object *list = json_object_new_array();
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count;

	while (trace_account_next(t, &row, &what, &count, &note)) {
		struct json_object *line = json_object_new_object();

		add(line, "what", json_object_new_string(what));
		add(line, "count", json_object_new_uint64(count));
		add(line, "note", note ? json_object_new_string(note) : NULL);
		json_object_array_add(list, line);
	}
	return list;
}

static struct json_object *json_meta(struct trace *t)
{
	struct json_object *meta = json_object_new_object();
	const char *key, *value;
	unsigned int row = 0;

	while (trace_meta_next(t, &row, &key, &value))
		add(meta, key, json_object_new_string(value));
	return meta;
}

static struct json_object *json_kinds(const struct trace_summary *s)
{
	struct json_object *kinds = json_object_new_object();

	for (unsigned int k = 1; k < TRACE_KINDS; k++) {
		if (s->kind_events[k])
			add(kinds, trace_event_info(k)->name, json_object_new_uint64(s->kind_events[k]));
	}
	return kinds;
}

static void print_json(const struct info *info)
{
	struct json_object *top = json_object_new_object();
	const struct trace_summary *s = &info->summary;

	add(top, "file", json_object_new_string(info->path));
	add(top, "state", json_object_new_string(info->state));
	add(top, "meta", json_meta(info->t));
	add(top, "devices", json_devices(info->t));
	add(top, "events", json_object_new_uint64(s->events));
	add(top, "kind_events", json_kinds(s));
	add(top, "chunks", json_object_new_uint64(s->chunks));
	add(top, "t_first_ns", json_object_new_uint64(s->t_first_ns));
	add(top, "t_last_ns", json_object_new_uint64(s->t_last_ns));
	add(top, "duration_s", json_object_new_double(duration_s(s)));
	add(top, "chunk_bytes", json_object_new_uint64(s->stored_bytes));
	add(top, "file_bytes", json_object_new_uint64(info->file_bytes));
	add(top, "bytes_per_event", json_object_new_double(bytes_per_event(info)));
	add(top, "account", json_account(info->t));
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

static const char *find_state(const struct info *info)
{
	const char *complete = trace_meta(info->t, TRACE_META_COMPLETE);

	if (complete && strcmp(complete, "yes") == 0)
		return "complete";
	return trace_recording(info->path) ? "recording" : "incomplete";
}

int cmd_info(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	struct info info = { 0 };
	bool json = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			printf("%s", help);
			return cmd_flush();
		}
		if (c != 'j')
			return cmd_misused("info", "unknown option");
		json = true;
	}
	status = cmd_open(argc, argv, &info.t);
	if (status != CMD_DONE)
		return status;
	info.path = argv[optind];
	info.file_bytes = bytes_on_disk(info.path);
	info.state = find_state(&info);
	if (trace_summary(info.t, &info.summary) != 0) {
		trace_close(info.t);
		return cmd_failed("%s: the list of chunks cannot be read; see \"egpu-trace verify\"", info.path);
	}
	if (json)
		print_json(&info);
	else
		print_text(&info);
	trace_close(info.t);
	return cmd_flush();
}
