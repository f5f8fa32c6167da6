/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tracer/error.h"
#include "tracer/import/onto.h"

#define NS_PER_S 1000000000

/* X(name, note): see FTRACE_COUNTS */
#define FRAMES_COUNTS(X)                                                                                                                   \
	X(frames, "frames put onto the trace")                                                                                             \
	X(frames_not_shown, "of them, frames that the log says were never shown")                                                          \
	X(frames_before, "of them, frames before the trace's first event")                                                                 \
	X(frames_behind, "of them, frames behind the trace's last event")                                                                  \
	X(frames_lost, "frames at times that the trace's clock cannot say (before its 0), not emitted")                                    \
	X(frames_other, "frames of other processes, not emitted")                                                                          \
	X(frames_there, "frames that the trace had already, kept")                                                                         \
	X(frame_log_lines_unknown, "lines of the log that are no frame")                                                                   \
	X(frame_log_lines_malformed, "rows of the log with missing or nonsensical fields, ignored")                                        \
	X(frame_log_lines_too_long, "lines of the log longer than 1 MiB, ignored")

struct counts {
#define X(name, note) uint64_t name;
	FRAMES_COUNTS(X)
#undef X
};

int frames_add(struct frames *frames, const struct frames_item *item)
{
	if (frames->n == FRAMES_MAX)
		return -E2BIG;
	if (frames->n == frames->room) {
		size_t room = frames->room ? frames->room * 2 : 4096;
		struct frames_item *p = realloc(frames->item, room * sizeof(*p));

		if (!p)
			return -ENOMEM;
		frames->item = p;
		frames->room = room;
	}
	frames->item[frames->n++] = *item;
	return 0;
}

unsigned int frames_stream(struct frames *frames, const char *name)
{
	unsigned int i;

	for (i = 0; i < frames->streams; i++) {
		if (strncmp(frames->stream[i], name, FRAMES_STREAM_BYTES - 1) == 0)
			return i;
	}
	if (i < FRAMES_STREAMS_MAX)
		snprintf(frames->stream[frames->streams++], FRAMES_STREAM_BYTES, "%s", name);
	return i;
}

void frames_free(struct frames *frames)
{
	free(frames->item);
}

bool frames_date(const char *text, int64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t fraction = 0, unit = NS_PER_S / 10;
	int end = 0;
	time_t seconds;

	if (sscanf(text, "%4d-%2d-%2d%*1[ T_]%2d%*1[:-]%2d%*1[:-]%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec, &end) != 6 ||
	    !end)
		return false;
	if (tm.tm_year < 1970 || tm.tm_year > 2199 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	text += end;
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
			fraction += (*text - '0') * unit;
	}
	tm.tm_year -= 1900;
	tm.tm_mon--;
	seconds = *text == 'Z' ? timegm(&tm) : mktime(&tm);
	if (*text == 'Z')
		text++;
	*ns = (int64_t)seconds * NS_PER_S + fraction;
	return *text == '\0';
}

static int compare_items(const void *a, const void *b)
{
	int64_t ta = ((const struct frames_item *)a)->t_ns, tb = ((const struct frames_item *)b)->t_ns;

	return ta < tb ? -1 : ta > tb;
}

/* the process with the most frames; the others' are counted */
static uint64_t keep_one_stream(struct frames *frames, unsigned int *kept)
{
	uint64_t count[FRAMES_STREAMS_MAX] = { 0 };
	size_t n = 0;

	*kept = 0;
	for (size_t i = 0; i < frames->n; i++)
		count[frames->item[i].stream]++;
	for (unsigned int i = 1; i < frames->streams; i++)
		*kept = count[i] > count[*kept] ? i : *kept;
	for (size_t i = 0; i < frames->n; i++) {
		if (frames->item[i].stream == *kept)
			frames->item[n++] = frames->item[i];
	}
	frames->n = n;
	for (unsigned int i = 0; i < frames->streams; i++)
		frames->streams_other += i == *kept ? 0 : count[i];
	return frames->streams_other;
}

/* where the log's time 0 is on the trace's clock */
static int find_zero(struct import *im, const struct frames *frames, struct onto *onto, int64_t *zero_ns)
{
	const char *clock = trace_meta(onto->trace, TRACE_META_CLOCK), *started = trace_meta(onto->trace, TRACE_META_STARTED);
	const struct import_args *args = im->args;
	int64_t started_ns;

	if (args->offset_given) {
		*zero_ns = args->offset_ns;
		return 0;
	}
	if (!frames->absolute)
		return trace_fail(im->error, -EINVAL,
				  "%s does not say when it was recorded: say with --offset where its time 0 is on the clock of %s",
				  args->path, args->onto);
	if (clock && strcmp(clock, "CLOCK_REALTIME") == 0) {
		*zero_ns = frames->zero_ns;
		return 0;
	}
	if (!started || !frames_date(started, &started_ns))
		return trace_fail(im->error, -EINVAL,
				  "%s does not say when it started: say with --offset where the log's time 0 is on its clock", args->onto);
	if (__builtin_add_overflow(onto->summary.t_first_ns, frames->zero_ns - started_ns, zero_ns))
		return trace_fail(im->error, -ERANGE, "the times of %s and of %s are too far apart", args->onto, args->path);
	import_assume(im, "the trace started (%s) when its first event was recorded; the frames may be off by a second", started);
	return 0;
}

static void count_all(struct import *im, const struct frames *frames, const struct counts *counts)
{
	struct counts all = *counts;

	all.frames_other = frames->streams_other;
	all.frame_log_lines_unknown = frames->lines_unknown;
	all.frame_log_lines_malformed = frames->lines_malformed;
	all.frame_log_lines_too_long = im->lines_too_long;
#define X(name, note) import_count(im->report, #name, all.name, note);
	FRAMES_COUNTS(X)
#undef X
}

/* Return: false for a time that the trace's clock cannot say */
static bool place(const struct frames_item *item, int64_t zero_ns, uint64_t *t_ns)
{
	int64_t t;

	if (__builtin_add_overflow(item->t_ns, zero_ns, &t) || t < 0)
		return false;
	*t_ns = (uint64_t)t;
	return true;
}

/* emit the frames from number @i on that are not behind @until_ns. Return: the number of the next one */
static size_t emit_frames(struct import *im, const struct frames *frames, size_t i, const struct onto *onto, int64_t zero_ns,
			  uint64_t until_ns, struct counts *counts)
{
	for (; i < frames->n; i++) {
		struct trace_event event = { .kind = TRACE_FRAME };

		if (!place(&frames->item[i], zero_ns, &event.t_ns)) {
			counts->frames_lost++;
			continue;
		}
		if (event.t_ns > until_ns)
			break;
		event.arg[0] = ++counts->frames;
		counts->frames_not_shown += frames->item[i].dropped;
		counts->frames_before += event.t_ns < onto->summary.t_first_ns;
		counts->frames_behind += event.t_ns > onto->summary.t_last_ns;
		tracer_emit(im->ring, &event);
	}
	return i;
}

/* the trace's events and the frames, merged by time; a frame stands before events of its own time */
static int merge(struct import *im, const struct frames *frames, struct onto *onto, int64_t zero_ns, struct counts *counts)
{
	struct trace_event event;
	size_t i = 0;
	int got;

	while ((got = onto_next(onto, im, &event)) == 1) {
		i = emit_frames(im, frames, i, onto, zero_ns, event.t_ns, counts);
		counts->frames_there += event.kind == TRACE_FRAME;
		tracer_emit(im->ring, &event);
	}
	if (!got)
		emit_frames(im, frames, i, onto, zero_ns, UINT64_MAX, counts);
	return got;
}

static int check_range(struct import *im, const struct counts *counts, const struct onto *onto, int64_t zero_ns)
{
	if (counts->frames > counts->frames_before + counts->frames_behind)
		return 0;
	return trace_fail(im->error, -ERANGE,
			  "no frame of %.80s lies in the time of the trace, %.3f to %.3f s: the log's time 0 would be at %.3f s; "
			  "set it with --offset",
			  im->args->path, (double)onto->summary.t_first_ns / NS_PER_S, (double)onto->summary.t_last_ns / NS_PER_S,
			  (double)zero_ns / NS_PER_S);
}

int frames_put(struct import *im, struct frames *frames, const char *what)
{
	struct counts counts = { 0 };
	struct onto onto = { 0 };
	unsigned int kept = 0;
	int64_t zero_ns = 0;
	int err;

	if (frames->n == 0)
		return trace_fail(im->error, -ENODATA, "%s holds no frame: is it a log of %s?", im->args->path, what);
	if (frames->streams > 1 && keep_one_stream(frames, &kept))
		import_assume(im, "the frames are those of %s, which presented most; those of %u other processes are left out",
			      frames->stream[kept], frames->streams - 1);
	qsort(frames->item, frames->n, sizeof(frames->item[0]), compare_items);
	err = onto_open(&onto, im);
	if (!err)
		err = find_zero(im, frames, &onto, &zero_ns);
	if (!err)
		err = merge(im, frames, &onto, zero_ns, &counts);
	if (!err)
		err = check_range(im, &counts, &onto, zero_ns);
	if (!err) {
		count_all(im, frames, &counts);
		err = onto_describe(&onto, im, what, zero_ns);
	}
	onto_close(&onto);
	return err;
}
