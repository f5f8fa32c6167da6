/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * rewrite.h - a trace written anew, event by event: to make it smaller, or to keep what is whole of a damaged one.
 *
 * Purpose:  reads all of one file and writes another, with the same numbers of devices and texts. The new file takes its name only when
 *           it is complete and on the disk.
 * Compiled: egpu-trace and tests.
 */
#ifndef EGPU_TRACER_REWRITE_H
#define EGPU_TRACER_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct rewrite_options - what to do.
 * @in, @out:  files; they may be the same if nothing is to be repaired
 * @overwrite: replace @out if it is a trace
 * @thorough:  as small as it gets
 * @repair:    leave out what is damaged; each hole becomes a gap event with the number of events lost, and the account says what was lost
 * @progress:  called now and then with events done and in all; may be NULL
 */
struct rewrite_options {
	const char *in, *out;
	bool overwrite, thorough, repair;
	void (*progress)(uint64_t events, uint64_t all);
};

/** struct rewrite_report - what came of it. Lost events are those that the numbers of their neighbours show to be missing. */
struct rewrite_report {
	uint64_t events, chunks_lost, events_lost, rows_lost;
	uint64_t chunks_salvaged; /* not 0: the file's structure is damaged, so many chunks were found page by page, more may be missing */
	uint64_t bytes_before, bytes_after;
};

/** rewrite_trace() - Return: 0 or negative errno with @error filled; then @out is as it was. */
int rewrite_trace(const struct rewrite_options *options, struct rewrite_report *report, char *error);

#endif
