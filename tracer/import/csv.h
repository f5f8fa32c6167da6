/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * csv.h - a line of comma-separated values, and columns by the names in a header line.
 *
 * Compiled: the importers. No state, no allocation.
 */
#ifndef EGPU_TRACER_IMPORT_CSV_H
#define EGPU_TRACER_IMPORT_CSV_H

#include <stdbool.h>

#define CSV_FIELDS_MAX 128

/** struct csv - fields of a line, NUL-terminated, without the spaces around them. */
struct csv {
	char *field[CSV_FIELDS_MAX];
	unsigned int n;
};

/** csv_split() - cut @line, which is changed, into fields; one may stand in quotes. Return: false if there are too many. */
bool csv_split(char *line, struct csv *out);

/** csv_column() - the column called @name, capitals or not. Return: its index, or -1. */
int csv_column(const struct csv *header, const char *name);

/** csv_first_column() - the first of @names (NULL-terminated) that the header has. Return: its index, or -1. */
int csv_first_column(const struct csv *header, const char *const *names);

/** csv_number() - field @column as a finite number. Return: false if it is none or not there. */
bool csv_number(const struct csv *row, int column, double *out);

#endif
