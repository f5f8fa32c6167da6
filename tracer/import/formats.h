/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * formats.h - the table of formats that can be imported. A new one is a file and a line in formats.c.
 *
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_IMPORT_FORMATS_H
#define EGPU_TRACER_IMPORT_FORMATS_H

#include "tracer/import/import.h"

/* options that a format takes */
enum {
	IMPORT_TAKES_SNAPSHOT = 1,
	IMPORT_TAKES_EVENTS = 2,
	IMPORT_TAKES_IOMMU = 4,
	IMPORT_NEEDS_ONTO = 8, /* and takes an offset */
};

/**
 * struct import_format - a format.
 * @run: read args->path into @out, which was just opened: events, provenance, origin, clock, assumptions, account; @out is not closed.
 *       Return: 0; negative errno with @error filled: -ENOENT, -EBADMSG (damaged), -ENODATA (nothing of this format in it), …
 */
struct import_format {
	const char *name;
	const char *help;
	unsigned int takes;
	int (*run)(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);
};

/** import_format_at() - Return: the format at @index; NULL behind the last. */
const struct import_format *import_format_at(unsigned int index);

/** import_format_find() - Return: the format called @name; NULL if there is none. */
const struct import_format *import_format_find(const char *name);

#endif
