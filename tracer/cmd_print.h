/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_print.h - an event on standard output, as text, JSON or CSV.
 *
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_CMD_PRINT_H
#define EGPU_TRACER_CMD_PRINT_H

#include "tracer/tracer.h"

#define CMD_CSV_COLUMNS_MAX (TRACE_KINDS * TRACE_ARGS_MAX)

/** struct cmd_csv - the argument columns of a CSV output, made by its header. */
struct cmd_csv {
	const char *column[CMD_CSV_COLUMNS_MAX];
	unsigned int columns;
};

/** cmd_kind_name() - the name of the event's kind; @number (16 bytes) is used for one that this version does not know. */
const char *cmd_kind_name(const struct trace_event *event, char *number, size_t bytes);

/**
 * cmd_event_arg() - name and form of an argument; those of a kind that this version does not know are plain numbers.
 * Return: false if the kind has no argument @i.
 */
bool cmd_event_arg(const struct trace_event *event, unsigned int i, const char **name, enum trace_form *form);

/* one line each */
void cmd_print_text(struct trace *t, const struct trace_event *event);
void cmd_print_json(struct trace *t, const struct trace_event *event);

/** cmd_print_csv_header() - a column for each argument of the kinds in the mask @kinds. */
void cmd_print_csv_header(struct cmd_csv *csv, uint64_t kinds);
void cmd_print_csv(const struct cmd_csv *csv, struct trace *t, const struct trace_event *event);

#endif
