/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/tracer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "tracer/error.h"
#include "tracer/writer.h"

struct tracer {
	struct store *store;
	struct writer writer;
	uint32_t ring_events;
	bool drop;
};

static int check_options(const struct tracer_options *options, char *error)
{
	uint32_t n = options->ring_events;

	if (n && (n < RING_EVENTS_MIN || n > RING_EVENTS_MAX || (n & (n - 1))))
		return trace_fail(error, -EINVAL, "a ring of %u events cannot be made: give a power of two, %u to %u", n, RING_EVENTS_MIN,
				  RING_EVENTS_MAX);
	if (options->flush_ms > WRITER_FLUSH_MS_MAX)
		return trace_fail(error, -EINVAL, "flushing every %u ms is too rare: give at most %u", options->flush_ms,
				  WRITER_FLUSH_MS_MAX);
	if (options->tick_ns > TRACE_TICK_NS_MAX || (options->tick_ns & (options->tick_ns - 1)))
		return trace_fail(error, -EINVAL, "times cannot be told to %u ns: give a power of two, 1 to %u", options->tick_ns, TRACE_TICK_NS_MAX);
	return 0;
}

static int describe_tick(struct tracer *t, uint32_t tick_ns)
{
	char text[16];

	if (tick_ns < 2)
		return 0;
	snprintf(text, sizeof(text), "%u", tick_ns);
	return tracer_meta(t, TRACE_META_TICK, text);
}

static int describe(struct tracer *t)
{
	char host[sizeof(struct utsname)], started[32];
	time_t now = time(NULL);
	struct utsname u;
	struct tm utc;
	int err = 0;

	if (uname(&u) == 0)
		snprintf(host, sizeof(host), "%s %s %s", u.sysname, u.release, u.machine);
	else
		snprintf(host, sizeof(host), "unknown");
	gmtime_r(&now, &utc);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &utc);
	err = err ? err : tracer_meta(t, TRACE_META_PROVENANCE, "recorded");
	err = err ? err : tracer_meta(t, TRACE_META_CLOCK, "CLOCK_MONOTONIC");
	err = err ? err : tracer_meta(t, TRACE_META_HOST, host);
	err = err ? err : tracer_meta(t, TRACE_META_STARTED, started);
	return err ? err : tracer_account(t, "events_dropped", 0, "events that are not in this trace, by full rings or a failing disk");
}

int tracer_open(const struct tracer_options *options, struct tracer **out, char *error)
{
	uint32_t flush_ms = options->flush_ms ? options->flush_ms : WRITER_FLUSH_MS_DEFAULT;
	struct tracer *t;
	int err = check_options(options, error);

	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return trace_fail(error, -ENOMEM, "no memory for a tracer");
	t->ring_events = options->ring_events ? options->ring_events : RING_EVENTS_DEFAULT;
	t->drop = options->drop;
	err = store_create(options->path, options->overwrite, STORE_PAGE_BYTES, &t->store, error);
	if (err)
		goto out_free;
	err = describe(t);
	if (!err)
		err = describe_tick(t, options->tick_ns);
	if (!err)
		err = writer_start(&t->writer, t->store, flush_ms, options->tick_ns);
	if (err) {
		trace_fail(error, err, "cannot start recording to %s: %s", options->path, strerror(-err));
		goto out_store;
	}
	*out = t;
	return 0;
out_store:
	store_close(t->store, false);
out_free:
	free(t);
	return err;
}

struct tracer_ring *tracer_ring(struct tracer *t)
{
	return writer_add_ring(&t->writer, t->ring_events, t->drop);
}

int tracer_meta(struct tracer *t, const char *key, const char *value)
{
	return store_meta(t->store, key, value);
}

uint16_t tracer_device(struct tracer *t, const char *name, const char *identity)
{
	int id = store_device(t->store, name, identity);

	return id > 0 ? (uint16_t)id : 0;
}

uint32_t tracer_string(struct tracer *t, const char *text)
{
	int64_t id = store_string(t->store, text);

	return id > 0 ? (uint32_t)id : 0;
}

int tracer_account(struct tracer *t, const char *what, uint64_t count, const char *note)
{
	return store_account(t->store, what, count, note);
}

void tracer_status(struct tracer *t, struct tracer_status *out)
{
	out->events = writer_events(&t->writer);
	out->dropped = writer_dropped(&t->writer);
	out->file_bytes = store_bytes(t->store);
	out->error = atomic_load(&t->writer.error);
}

int tracer_close(struct tracer *t, char *error)
{
	uint64_t lost;
	int err, last;

	if (!t)
		return 0;
	writer_stop(&t->writer);
	err = atomic_load(&t->writer.error);
	lost = atomic_load(&t->writer.lost);
	last = tracer_account(t, "events_dropped", writer_dropped(&t->writer), NULL);
	err = err ? err : last;
	last = store_close(t->store, err == 0);
	err = err ? err : last;
	writer_free(&t->writer);
	free(t);
	if (err)
		trace_fail(error, err, "the trace could not be written to its end: %s; %" PRIu64 " events are missing", strerror(-err), lost);
	return err;
}
