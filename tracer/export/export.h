/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * export.h - the formats a trace can be exported to, in one table.
 *
 * Purpose:  a format is one file with one function and one line in export.c. Formats that are what "egpu-trace dump" prints name its option
 *           instead of a function.
 * Compiled: egpu-trace and egpu-extcap.
 */
#ifndef EGPU_TRACER_EXPORT_EXPORT_H
#define EGPU_TRACER_EXPORT_EXPORT_H

#include <stddef.h>
#include <stdio.h>

#include "tracer/export/feed.h"

/**
 * struct export_format - one of them.
 * @binary:      not for a terminal
 * @follows:     can be written while the trace is recorded
 * @write:       reads all of the feed and writes it to @out. Return: 0 or negative errno with @error filled; -EPIPE if @out's reader went away
 * @dump_option: for those without @write
 */
struct export_format {
	const char *name;
	const char *summary;
	bool binary;
	bool follows;
	int (*write)(struct feed *feed, FILE *out, char *error);
	const char *dump_option;
};

extern const struct export_format export_formats[];
extern const size_t export_formats_count;

/** export_format() - the one called @name, NULL if there is none. */
const struct export_format *export_format(const char *name);

int pcap_write(struct feed *feed, FILE *out, char *error);
int perfetto_write(struct feed *feed, FILE *out, char *error);

#endif
