/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/feed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "tracer/error.h"

#define FEED_POLL_MS 50

int feed_open(struct feed *feed, bool skip_damaged, char *error)
{
	int err = trace_open(feed->path, &feed->trace, error);

	if (err)
		return err;
	err = trace_cursor_open(feed->trace, skip_damaged, &feed->cursor);
	if (!err)
		return 0;
	trace_close(feed->trace);
	feed->trace = NULL;
	return trace_fail(error, err, "%s: %s", feed->path, strerror(-err));
}

void feed_close(struct feed *feed)
{
	trace_cursor_close(feed->cursor);
	trace_close(feed->trace);
	feed->cursor = NULL;
	feed->trace = NULL;
}

/* poll() reports a pipe without reader as an error even where nothing is asked; it is also how we sleep */
static int wait_for_more(FILE *out)
{
	struct pollfd p = { .fd = fileno(out) };

	if (fflush(out) != 0)
		return -errno;
	if (poll(&p, 1, FEED_POLL_MS) > 0 && (p.revents & (POLLERR | POLLNVAL)))
		return -EPIPE;
	return 0;
}

int feed_next(struct feed *feed, struct trace_event *event, FILE *out, char *error)
{
	for (;;) {
		/* asked before the last look: what a recorder writes before it ends is not missed */
		bool more = false;
		int err = trace_next(feed->cursor, event, error);

		if (err > 0)
			return err;
		if (err == 0 && feed->follow) {
			more = trace_recording(feed->path);
			err = trace_next(feed->cursor, event, error);
		}
		feed->damaged = trace_cursor_damaged(feed->cursor);
		if (err || !more)
			return err;
		err = wait_for_more(out);
		if (err)
			return trace_fail(error, err, "the output ended: %s", strerror(-err));
	}
}
