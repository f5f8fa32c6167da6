/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * page.h - all figures and figures' numbers of one run of egpu-report in one HTML page that needs nothing beside it.
 *
 * Purpose:  index.html in the output folder; opens from disk, no script, pictures inside. Several traces are also set side by side.
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_PAGE_H
#define EGPU_ANALYSIS_PAGE_H

#include "analysis/figures.h"
#include "analysis/frame_times.h"

/**
 * struct page_column - what is compared of a trace.
 * @rows: as in its replay, without points
 */
struct page_column {
	char title[REPORT_TEXT_BYTES], source[REPORT_TEXT_BYTES], caveats[REPORT_TEXT_BYTES];
	uint64_t requests, peak_requests, peak_request_bytes;
	struct replay_run_row rows[REPLAY_RUN_ROWS_MAX];
	unsigned int nrows;
	struct frame_times frames;
};

/** struct page - a page in the making; all zero at first. */
struct page {
	struct page_column *columns;
	unsigned int ncolumns;
	FILE *sections;
	char *text;
	size_t text_bytes;
	bool failed;
};

/** page_add() - a section for the trace of @r, whose pictures have been made. What goes wrong page_write() says. */
void page_add(struct page *p, const struct report *r);

/** page_add_published() - the section of published frame rates, behind all traces; its picture has been made. */
void page_add_published(struct page *p, const struct report *r);

/** page_write() - write the page to @path. Return: 0, or a negative errno. */
int page_write(struct page *p, const char *path);
void page_destroy(struct page *p);

#endif
