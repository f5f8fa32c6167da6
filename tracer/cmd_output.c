/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/cmd_output.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/error.h"

#define STRINGS_MAX (1u << 20)
#define PROGRESS_NS 200000000ull

/* ---- interruption and progress ---- */

static volatile sig_atomic_t interrupted;
static bool progress_shown;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

bool cmd_interrupted(void)
{
	return interrupted != 0;
}

/* now and then, on a terminal */
static bool progress_due(void)
{
	static uint64_t last_ns;
	uint64_t now = tracer_now_ns();

	if (!last_ns)
		last_ns = now;
	if (now - last_ns < PROGRESS_NS || !isatty(STDERR_FILENO))
		return false;
	last_ns = now;
	progress_shown = true;
	return true;
}

void cmd_progress(uint64_t done, uint64_t total)
{
	if (progress_due())
		fprintf(stderr, "\r%5.1f %% ", total ? 100.0 * (double)done / (double)total : 100.0);
}

void cmd_progress_count(uint64_t n, const char *what)
{
	if (progress_due())
		fprintf(stderr, "\r%" PRIu64 " %s ", n, what);
}

void cmd_progress_end(void)
{
	if (progress_shown)
		fprintf(stderr, "\r%40s\r", "");
	progress_shown = false;
}

/* ---- the file ---- */

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_part(struct cmd_output *o, char *error)
{
	struct tracer_options options = { .path = o->part, .overwrite = true };
	int err;

	if (strlen(o->file.path) + 16 >= sizeof(o->part))
		return trace_fail(error, -ENAMETOOLONG, "the new trace's file name is too long");
	store_file_sibling(&o->file, "-new", o->part);
	err = tracer_open(&options, &o->t, error);
	if (err)
		return err;
	o->ring = tracer_ring(o->t);
	if (o->ring)
		return 0;
	cmd_output_abort(o);
	return trace_fail(error, -ENOMEM, "no memory for a new trace");
}

int cmd_output_open(struct cmd_output *o, const char *path, bool overwrite, char *const *sources, int n, char *error)
{
	struct sigaction on = { .sa_handler = on_signal };
	int err;

	memset(o, 0, sizeof(*o));
	for (int i = 0; i < n; i++) {
		if (same_file(path, sources[i]))
			return trace_fail(error, -EINVAL, "%s cannot be read and replaced at once; choose another name for the new trace", path);
	}
	/* before there is a file that an interruption would leave behind */
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGHUP, &on, NULL);
	o->overwrite = overwrite;
	err = store_file_lock(&o->file, path, error);
	if (err)
		return err;
	err = store_file_may_replace(&o->file, overwrite, error);
	if (!err)
		err = open_part(o, error);
	if (err) {
		store_file_unlock(&o->file);
		return err;
	}
	return 0;
}

int cmd_output_finish(struct cmd_output *o, char *error)
{
	int err = tracer_close(o->t, error);

	o->t = NULL;
	if (!err && o->err)
		err = trace_fail(error, o->err, "a device or text found no place in the new trace: %s", strerror(-o->err));
	if (!err) {
		err = store_file_install(&o->file, o->overwrite);
		if (err)
			trace_fail(error, err, "%s: %s", o->file.path, strerror(-err));
	}
	if (err)
		unlink(o->part);
	store_file_unlock(&o->file);
	return err;
}

void cmd_output_abort(struct cmd_output *o)
{
	if (!o->t)
		return;
	tracer_close(o->t, NULL);
	o->t = NULL;
	unlink(o->part);
	store_file_unlock(&o->file);
}

/* ---- what it says about itself ---- */

int cmd_output_meta(struct cmd_output *o, struct trace *source)
{
	/* what a tracer says about its own host and time is not so for a copy */
	static const char *const own[] = { TRACE_META_HOST, TRACE_META_STARTED, TRACE_META_CLOCK };
	const char *key, *value;
	unsigned int row = 0;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(own) / sizeof(own[0]); i++)
		err = tracer_meta(o->t, own[i], NULL);
	while (!err && trace_meta_next(source, &row, &key, &value)) {
		if (strcmp(key, TRACE_META_COMPLETE) != 0)
			err = tracer_meta(o->t, key, value);
	}
	return err;
}

int cmd_output_account(struct cmd_output *o, const char *what, uint64_t count, const char *note)
{
	if (strcmp(what, "events_dropped") == 0)
		return tracer_account(o->t, "source_events_dropped", count, "events that the source had lost already");
	return tracer_account(o->t, what, count, note);
}

/* ---- events ---- */

int cmd_remap_init(struct cmd_remap *r, struct cmd_output *o, struct trace *source)
{
	memset(r, 0, sizeof(*r));
	r->source = source;
	r->devices = trace_devices(source) + 1;
	r->device = calloc(r->devices, sizeof(*r->device));
	if (!r->device)
		return -ENOMEM;
	for (unsigned int id = 1; id < r->devices; id++) {
		const char *name = trace_device_name(source, id);

		if (!name)
			continue;
		r->device[id] = tracer_device(o->t, name, trace_device_identity(source, id));
		if (!r->device[id])
			return -ENOSPC;
	}
	return 0;
}

void cmd_remap_free(struct cmd_remap *r)
{
	free(r->device);
	free(r->string);
	memset(r, 0, sizeof(*r));
}

static bool reserve_string(struct cmd_remap *r, unsigned int id)
{
	unsigned int room = r->strings ? r->strings : 64;
	uint32_t *string;

	if (id < r->strings)
		return true;
	while (room <= id)
		room *= 2;
	string = realloc(r->string, room * sizeof(*string));
	if (!string)
		return false;
	memset(string + r->strings, 0, (room - r->strings) * sizeof(*string));
	r->string = string;
	r->strings = room;
	return true;
}

/* number of a text in the new trace; one that the source lacks stays without */
static uint64_t string_number(struct cmd_output *o, struct cmd_remap *r, uint64_t id)
{
	const char *text = trace_string(r->source, id);

	if (!text || id >= STRINGS_MAX)
		return 0;
	if (!reserve_string(r, (unsigned int)id)) {
		o->err = o->err ? o->err : -ENOMEM;
		return 0;
	}
	if (!r->string[id])
		r->string[id] = tracer_string(o->t, text);
	if (!r->string[id] && !o->err)
		o->err = -ENOSPC;
	return r->string[id];
}

void cmd_output_emit(struct cmd_output *o, struct cmd_remap *r, const struct trace_event *event)
{
	const struct trace_event_info *info = trace_event_info(event->kind);
	struct trace_event e = *event;

	e.device = event->device < r->devices ? r->device[event->device] : 0;
	for (int i = 0; info && i < TRACE_ARGS_MAX; i++) {
		if (info->arg_form[i] == TRACE_STRING)
			e.arg[i] = string_number(o, r, event->arg[i]);
	}
	tracer_emit(o->ring, &e);
	o->emitted++;
}
