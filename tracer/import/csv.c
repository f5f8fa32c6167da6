/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "a ""quoted"" field"; Return: what stands behind the closing quote */
static char *take_quoted(char *p, char **field)
{
	char *to = ++p;

	*field = p;
	for (; *p; p++) {
		if (*p == '"') {
			if (p[1] != '"') {
				p++;
				break;
			}
			p++;
		}
		*to++ = *p;
	}
	p += strcspn(p, ",");
	if (to < p)
		*to = '\0';
	return p;
}

bool csv_split(char *line, struct csv *out)
{
	char *p = line;

	/* a byte order mark */
	if (strncmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (out->n = 0;;) {
		char *begin, *end;
		bool last;

		if (out->n == CSV_FIELDS_MAX)
			return false;
		while (blank(*p))
			p++;
		begin = p;
		end = *p == '"' ? take_quoted(p, &begin) : p + strcspn(p, ",");
		last = !*end;
		*end = '\0';
		for (char *c = begin + strlen(begin); c > begin && blank(c[-1]);)
			*--c = '\0';
		out->field[out->n++] = begin;
		if (last)
			return true;
		p = end + 1;
	}
}

int csv_column(const struct csv *header, const char *name)
{
	for (unsigned int i = 0; i < header->n; i++) {
		if (strcasecmp(header->field[i], name) == 0)
			return (int)i;
	}
	return -1;
}

int csv_first_column(const struct csv *header, const char *const *names)
{
	int column = -1;

	for (; *names && column < 0; names++)
		column = csv_column(header, *names);
	return column;
}

bool csv_number(const struct csv *row, int column, double *out)
{
	char *end;

	if (column < 0 || (unsigned int)column >= row->n || !*row->field[column])
		return false;
	*out = strtod(row->field[column], &end);
	return *end == '\0' && isfinite(*out);
}
