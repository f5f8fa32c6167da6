/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ftrace_line.h - the text of Linux tracing, line by line.
 *
 * Purpose:  takes a line of /sys/kernel/tracing/trace, trace_pipe, "trace-cmd report" or "perf script" apart: who, when, which event, and the
 *           event's "key=value" fields. Decides by a line's shape, never by a kernel's version.
 * Compiled: the ftrace importer. No state. Pointers in results point into the line.
 */
#ifndef EGPU_TRACER_IMPORT_FTRACE_LINE_H
#define EGPU_TRACER_IMPORT_FTRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ftrace_line_type {
	FTRACE_LINE_UNKNOWN,
	FTRACE_LINE_COMMENT, /* '#' or empty */
	FTRACE_LINE_LOST,    /* "CPU:n [LOST k EVENTS]" */
	FTRACE_LINE_EVENT,
};

/**
 * struct ftrace_line - a line taken apart.
 * @lost:       FTRACE_LINE_LOST: how many; 0 if the line does not say
 * @written:    FTRACE_LINE_COMMENT: events written and events still in the buffer, if it is the line that says so; else both 0
 * @bare_clock: the time is a whole number without a unit (trace_clock counter, x86-tsc)
 * @t_ns:       time; as it stands if @bare_clock
 * @event:      name without its subsystem, @event_len bytes
 * @payload:    all behind the name, NUL-terminated
 */
struct ftrace_line {
	uint64_t lost;
	uint64_t written, in_buffer;
	uint32_t pid;
	bool bare_clock;
	uint64_t t_ns;
	const char *event;
	size_t event_len;
	const char *payload;
};

enum ftrace_line_type ftrace_line_parse(const char *text, struct ftrace_line *out);

/** ftrace_line_is() - the event is called @name. */
bool ftrace_line_is(const struct ftrace_line *line, const char *name);

#define FTRACE_FIELDS_MAX 24

/** struct ftrace_text - a part of a line; not NUL-terminated. */
struct ftrace_text {
	const char *at;
	size_t len;
};

/**
 * struct ftrace_fields - "DEVICE key=value key=value…"; a value may hold spaces.
 * @lead: what stands before the first key, trimmed
 */
struct ftrace_fields {
	struct ftrace_text lead;
	struct ftrace_text key[FTRACE_FIELDS_MAX];
	struct ftrace_text value[FTRACE_FIELDS_MAX];
	unsigned int n;
};

/** ftrace_fields_parse() - Return: false if there are more than FTRACE_FIELDS_MAX. */
bool ftrace_fields_parse(const char *payload, struct ftrace_fields *out);

/** ftrace_field() - Return: the value of @key; NULL if it is not there. */
const struct ftrace_text *ftrace_field(const struct ftrace_fields *fields, const char *key);

/** ftrace_number() - all of @text as a number (0x is allowed before hex). Return: false if it is none or does not fit. */
bool ftrace_number(const struct ftrace_text *text, unsigned int base, uint64_t *out);

/** struct ftrace_array - numbers of an array; grows, never shrinks. Zero it to begin with, ftrace_array_free() at the end. */
struct ftrace_array {
	uint64_t *v;
	size_t n, room;
};

/**
 * ftrace_array_parse() - read "{0x1,0x2}", "ARRAY[00, 10, …]" (little-endian bytes) or "4096 8192".
 * @element_bytes: size of an element where only bytes are given: 4 or 8
 *
 * Return: 0; -EINVAL malformed; -ENOMEM.
 */
int ftrace_array_parse(const struct ftrace_text *text, unsigned int element_bytes, struct ftrace_array *out);
void ftrace_array_free(struct ftrace_array *array);

#endif
