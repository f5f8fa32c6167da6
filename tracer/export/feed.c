/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/feed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "tracer/error.h"

#define FEED_POLL_MS 50

static int open_cursor(struct feed *feed, char *error)
{
	int err = trace_open(feed->path, &feed->trace, error);

	if (err)
		return err;
	err = trace_cursor_open(feed->trace, feed->skip_damaged, &feed->cursor);
	if (!err && feed->next_seq)
		err = trace_cursor_seek_seq(feed->cursor, feed->next_seq);
	if (!err)
		return 0;
	feed_close(feed);
	return trace_fail(error, err, "%s", strerror(-err));
}

int feed_open(struct feed *feed, bool skip_damaged, char *error)
{
	struct stat st;

	if (stat(feed->path, &st) != 0)
		return trace_fail(error, -errno, "%s: %s", feed->path, strerror(errno));
	feed->device = st.st_dev;
	feed->inode = st.st_ino;
	feed->skip_damaged = skip_damaged;
	return open_cursor(feed, error);
}

void feed_close(struct feed *feed)
{
	trace_cursor_close(feed->cursor);
	trace_close(feed->trace);
	feed->cursor = NULL;
	feed->trace = NULL;
}

/* poll() reports a pipe without reader as an error even where nothing is asked; it is also how we sleep */
static int sleep_while_read(FILE *out, char *error)
{
	struct pollfd p = { .fd = fileno(out) };

	if (fflush(out) != 0)
		return trace_fail(error, -errno, "cannot write: %s", strerror(errno));
	if (poll(&p, 1, FEED_POLL_MS) > 0 && (p.revents & (POLLERR | POLLNVAL)))
		return trace_fail(error, -EPIPE, "cannot write: %s", strerror(EPIPE));
	return 0;
}

static bool is_same_file(const struct feed *feed)
{
	struct stat st;

	return stat(feed->path, &st) == 0 && st.st_dev == feed->device && st.st_ino == feed->inode;
}

/*
 * A trace that is open for reading cannot be finished as a single file, so it is closed while we wait.
 * Return: 1 to look again; 0 if another trace lies there now, so that ours has ended; negative errno.
 */
static int wait_for_more(struct feed *feed, FILE *out, char *error)
{
	bool stays_open = feed->damaged != 0; /* else its damaged chunks would be counted anew */
	int err;

	if (!stays_open)
		feed_close(feed);
	err = sleep_while_read(out, error);
	if (!err && !stays_open) {
		if (!is_same_file(feed))
			return 0;
		err = open_cursor(feed, error);
	}
	return err ? err : 1;
}

static int look(struct feed *feed, struct trace_event *event, char *error)
{
	int err = trace_next(feed->cursor, event, error);

	if (err > 0)
		feed->next_seq = trace_cursor_seq(feed->cursor) + 1;
	else
		feed->damaged = trace_cursor_damaged(feed->cursor);
	return err;
}

int feed_next(struct feed *feed, struct trace_event *event, FILE *out, char *error)
{
	for (;;) {
		int err = look(feed, event, error);

		if (err || !feed->follow)
			return err;
		/* the last look comes after the recorder's end */
		if (!trace_recording(feed->path))
			return look(feed, event, error);
		err = wait_for_more(feed, out, error);
		if (err <= 0)
			return err;
	}
}
