/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/onto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"

#define TEXT_BYTES 16384

int onto_open(struct onto *onto, struct import *im)
{
	const char *path = im->args->onto;
	int err = trace_open(path, &onto->trace, im->error);

	if (err)
		return err;
	if (trace_recording(path))
		return trace_fail(im->error, -EBUSY, "%s is being recorded: wait until it is finished", path);
	err = trace_summary(onto->trace, &onto->summary);
	if (err || onto->summary.events == 0)
		return trace_fail(im->error, err ? err : -ENODATA, "%s: %s", path, err ? strerror(-err) : "there are no events in it");
	onto->devices = trace_devices(onto->trace);
	onto->device = calloc(onto->devices + 1, sizeof(onto->device[0]));
	if (!onto->device)
		return trace_fail(im->error, -ENOMEM, "no memory to copy %s", path);
	for (unsigned int id = 1; id <= onto->devices; id++) {
		const char *name = trace_device_name(onto->trace, id);

		if (name)
			onto->device[id] = tracer_device(im->out, name, trace_device_identity(onto->trace, id));
	}
	err = trace_cursor_open(onto->trace, false, &onto->cursor);
	return err ? trace_fail(im->error, err, "%s: %s", path, strerror(-err)) : 0;
}

void onto_close(struct onto *onto)
{
	trace_cursor_close(onto->cursor);
	trace_close(onto->trace);
	free(onto->device);
}

static uint64_t copy_string(struct onto *onto, struct import *im, uint64_t id)
{
	const char *text = trace_string(onto->trace, id);

	return text ? tracer_string(im->out, text) : 0;
}

int onto_next(struct onto *onto, struct import *im, struct trace_event *event)
{
	int got = trace_next(onto->cursor, event, im->error);
	const struct trace_event_info *info;

	if (got != 1)
		return got;
	event->device = event->device <= onto->devices ? onto->device[event->device] : 0;
	info = trace_event_info(event->kind);
	for (unsigned int i = 0; info && i < TRACE_ARGS_MAX; i++) {
		if (info->arg_form[i] == TRACE_STRING && event->arg[i])
			event->arg[i] = copy_string(onto, im, event->arg[i]);
	}
	return 1;
}

static bool is_own_key(const char *key)
{
	return strcmp(key, TRACE_META_COMPLETE) == 0 || strcmp(key, TRACE_META_ORIGIN) == 0 || strcmp(key, TRACE_META_ASSUMED) == 0;
}

static int copy_meta(struct onto *onto, struct import *im)
{
	const char *key, *value, *const unset[] = { TRACE_META_STARTED, TRACE_META_HOST };
	unsigned int row = 0;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(unset) / sizeof(unset[0]); i++)
		err = tracer_meta(im->out, unset[i], NULL);
	while (!err && trace_meta_next(onto->trace, &row, &key, &value)) {
		if (!is_own_key(key))
			err = tracer_meta(im->out, key, value);
	}
	return err;
}

/* what the trace lost itself stays said, under another name than what this copy lost */
static int copy_account(struct onto *onto, struct import *im)
{
	const char *what, *note;
	unsigned int row = 0;
	uint64_t count;
	int err = 0;

	while (!err && trace_account_next(onto->trace, &row, &what, &count, &note)) {
		bool dropped = strcmp(what, "events_dropped") == 0;

		if (!dropped || count)
			err = tracer_account(im->out, dropped ? "source_events_dropped" : what, count, note);
	}
	return err;
}

/* "OLD, then NEW"; either may be missing */
static int append_meta(struct onto *onto, struct import *im, const char *key, const char *separator, const char *added)
{
	const char *old = trace_meta(onto->trace, key);
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "%.8000s%s%s", old ? old : "", old && *old && *added ? separator : "", added);
	return *text ? tracer_meta(im->out, key, text) : 0;
}

int onto_describe(struct onto *onto, struct import *im, const char *what, int64_t zero_ns)
{
	char sum[4096 + 80], added[4096 + 256];
	int err = copy_meta(onto, im);

	import_sum(im, sum, sizeof(sum));
	snprintf(added, sizeof(added), "frames imported from a %s log, %s, its time 0 at %.9f s", what, sum, (double)zero_ns / 1e9);
	err = err ? err : append_meta(onto, im, TRACE_META_ORIGIN, "; ", added);
	err = err ? err : append_meta(onto, im, TRACE_META_ASSUMED, "\n", im->assumed);
	err = err ? err : copy_account(onto, im);
	for (unsigned int i = 0; i < im->report->n; i++)
		err = err ? err : tracer_account(im->out, im->report->line[i].name, im->report->line[i].count, im->report->line[i].note);
	return err ? trace_fail(im->error, err, "cannot write the trace: %s", strerror(-err)) : 0;
}
