/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/ftrace_line.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 18000000000ull /* times 10^9 it still fits 64 bits */

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_spaces(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static const char *token_end(const char *p)
{
	while (*p && *p != ' ' && *p != '\t')
		p++;
	return p;
}

/* decimal digits at *@p; moves behind them */
static bool take_decimal(const char **p, uint64_t *out)
{
	uint64_t v = 0;

	if (!digit(**p))
		return false;
	for (; digit(**p); (*p)++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

/* "4.296371:" or "123456:", the whole token */
static bool take_time(const char **p, struct ftrace_line *out)
{
	uint64_t whole, fraction = 0;
	const char *c = *p;

	if (!take_decimal(&c, &whole))
		return false;
	out->bare_clock = *c == ':';
	if (*c == '.') {
		int digits = 0;

		for (c++; digit(*c); c++, digits++) {
			if (digits == 9)
				return false;
			fraction = fraction * 10 + (uint64_t)(*c - '0');
		}
		for (; digits < 9; digits++)
			fraction *= 10;
	}
	if (*c != ':' || (c[1] != ' ' && c[1] != '\0') || (!out->bare_clock && whole > SECONDS_MAX))
		return false;
	out->t_ns = out->bare_clock ? whole : whole * 1000000000u + fraction;
	*p = c + 1;
	return true;
}

/* behind "[cpu]": an optional column of flags, the time, the event's name */
static bool take_rest(const char *p, struct ftrace_line *out)
{
	const char *end;

	p = skip_spaces(p);
	if (!take_time(&p, out)) {
		p = skip_spaces(token_end(p));
		if (!take_time(&p, out))
			return false;
	}
	p = skip_spaces(p);
	end = token_end(p);
	if (end - p < 2 || end[-1] != ':')
		return false;
	out->payload = skip_spaces(end);
	end--;
	for (out->event = end; out->event > p && out->event[-1] != ':'; out->event--)
		;
	out->event_len = (size_t)(end - out->event);
	return out->event_len != 0;
}

/* what stands before "[cpu]" must end in "-pid", "-pid (tgid)" or " pid" (perf; it may print pid/tid) */
static bool pid_before(const char *text, const char *bracket, uint32_t *pid)
{
	const char *p = bracket, *end;
	uint64_t v = 0;

	while (p > text && p[-1] == ' ')
		p--;
	if (p > text && p[-1] == ')') {
		while (p > text && p[-1] != '(')
			p--;
		if (p > text)
			p--;
		while (p > text && p[-1] == ' ')
			p--;
	}
	end = p;
	while (p > text && digit(p[-1]))
		p--;
	if (p == end || p == text || end - p > 10 || !(p[-1] == '-' || p[-1] == ' ' || p[-1] == '/'))
		return false;
	take_decimal(&p, &v);
	*pid = (uint32_t)v;
	return true;
}

/* a command's name may hold anything, "[0] 1.0: x:" too, so each "[digits]" is tried until one leaves a valid rest */
static bool take_event(const char *text, struct ftrace_line *out)
{
	for (const char *p = strchr(text, '['); p; p = strchr(p + 1, '[')) {
		const char *c = p + 1;

		while (digit(*c))
			c++;
		if (c == p + 1 || *c != ']' || c[1] != ' ')
			continue;
		if (pid_before(text, p, &out->pid) && take_rest(c + 1, out))
			return true;
	}
	return false;
}

/* "CPU:1 [LOST 12 EVENTS]", "CPU:1 [LOST EVENTS]", trace-cmd's "CPU:1 [12 EVENTS DROPPED]" */
static bool take_lost(const char *text, struct ftrace_line *out)
{
	const char *p = skip_spaces(text);
	uint64_t cpu;

	if (strncmp(p, "CPU:", 4) != 0)
		return false;
	p += 4;
	if (!take_decimal(&p, &cpu))
		return false;
	p = skip_spaces(p);
	out->lost = 0;
	if (strncmp(p, "[LOST EVENTS]", 13) == 0 || strncmp(p, "[EVENTS DROPPED]", 16) == 0)
		return true;
	if (strncmp(p, "[LOST ", 6) == 0) {
		p += 6;
		return take_decimal(&p, &out->lost) && strncmp(p, " EVENTS]", 8) == 0;
	}
	if (*p++ != '[')
		return false;
	return take_decimal(&p, &out->lost) && strncmp(p, " EVENTS DROPPED]", 16) == 0;
}

/* "# entries-in-buffer/entries-written: 133731/133731   #P:2" */
static void take_header(const char *text, struct ftrace_line *out)
{
	static const char key[] = "entries-in-buffer/entries-written: ";
	const char *p = strstr(text, key);
	uint64_t in_buffer, written;

	out->written = out->in_buffer = 0;
	if (!p)
		return;
	p += sizeof(key) - 1;
	if (!take_decimal(&p, &in_buffer) || *p++ != '/' || !take_decimal(&p, &written) || written < in_buffer)
		return;
	out->in_buffer = in_buffer;
	out->written = written;
}

enum ftrace_line_type ftrace_line_parse(const char *text, struct ftrace_line *out)
{
	const char *p = skip_spaces(text);

	if (*p == '\0' || *p == '#') {
		take_header(p, out);
		return FTRACE_LINE_COMMENT;
	}
	if (take_lost(text, out))
		return FTRACE_LINE_LOST;
	return take_event(text, out) ? FTRACE_LINE_EVENT : FTRACE_LINE_UNKNOWN;
}

bool ftrace_line_is(const struct ftrace_line *line, const char *name)
{
	return strlen(name) == line->event_len && memcmp(line->event, name, line->event_len) == 0;
}
