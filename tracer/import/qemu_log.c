/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tracer/error.h"
#include "tracer/import/qemu.h"

#define EVENT_TEXT_MAX 4096 /* of an event's text; QEMU's longest is a path and a few numbers */
#define STEP_NS 1000        /* between events of a log without times */

struct qemu_log {
	struct qemu_import qemu;
	uint64_t events;
	bool timed, untimed;
};

/* ---- an event's text, against its format ---- */

static int digit_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* a number at *@p; a negative one as its two's complement, as QEMU prints unsigned ones with %d */
static bool take_number(const char **p, int base, uint64_t *out)
{
	bool minus = base == 10 && **p == '-';
	const char *c = *p + minus, *first = c;
	uint64_t v = 0;

	for (; digit_value(*c) < base; c++) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)digit_value(*c), &v))
			return false;
	}
	*out = minus ? (uint64_t)0 - v : v;
	*p = c;
	return c != first;
}

static bool match(const char *format, const char *text, struct qemu_value *arg);

/* a text ends where the rest of the format fits; a name may hold what the format holds, so the longest is taken */
static bool match_text(const char *format, const char *text, struct qemu_value *arg)
{
	for (const char *end = text + strlen(text); end >= text; end--) {
		if (match(format, end, arg + 1)) {
			*arg = (struct qemu_value){ .text = text, .len = (size_t)(end - text) };
			return true;
		}
	}
	return false;
}

static bool match(const char *format, const char *text, struct qemu_value *arg)
{
	for (; *format; format++) {
		char what;

		if (*format != '%') {
			if (*format != *text++)
				return false;
			continue;
		}
		what = *++format;
		if (what == 's')
			return match_text(format + 1, text, arg);
		*arg = (struct qemu_value){ .n = (uint8_t)*text };
		if (what == 'c') {
			if (!*text++)
				return false;
		} else {
			if (what == 'p' && strncmp(text, "0x", 2) == 0)
				text += 2;
			if (!take_number(&text, what == 'd' ? 10 : 16, &arg->n))
				return false;
		}
		arg++;
	}
	return *text == '\0';
}

/* ---- prefixes ---- */

static bool take_digits(const char **p, unsigned int count, int *out)
{
	*out = 0;
	for (unsigned int i = 0; i < count; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

/* ".123456" as nanoseconds; nothing is 0 */
static bool take_fraction(const char **p, uint64_t *ns)
{
	uint64_t unit = 100000000;

	*ns = 0;
	if (**p != '.')
		return true;
	for ((*p)++; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		*ns += (uint64_t)(**p - '0') * unit;
	return true;
}

/* "2025-08-19T20:14:16.791413Z " */
static bool take_date(const char **text, uint64_t *t_ns)
{
	const char *p = *text;
	struct tm tm = { 0 };
	uint64_t ns;

	if (!take_digits(&p, 4, &tm.tm_year) || *p++ != '-' || !take_digits(&p, 2, &tm.tm_mon) || *p++ != '-' ||
	    !take_digits(&p, 2, &tm.tm_mday) || *p++ != 'T' || !take_digits(&p, 2, &tm.tm_hour) || *p++ != ':' ||
	    !take_digits(&p, 2, &tm.tm_min) || *p++ != ':' || !take_digits(&p, 2, &tm.tm_sec) || !take_fraction(&p, &ns) || *p++ != 'Z' ||
	    *p++ != ' ')
		return false;
	if (tm.tm_year < 1970 || tm.tm_year > 2500 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*t_ns = (uint64_t)timegm(&tm) * 1000000000u + ns;
	*text = p;
	return true;
}

/* "719585@1608130130.441188:" */
static bool take_pid_and_time(const char **text, uint64_t *t_ns)
{
	const char *p = *text;
	uint64_t tid, seconds, ns;

	if (!isdigit((unsigned char)*p) || !take_number(&p, 10, &tid) || *p++ != '@' || !isdigit((unsigned char)*p) ||
	    !take_number(&p, 10, &seconds) || !take_fraction(&p, &ns) || *p++ != ':' || seconds > UINT64_MAX / 1000000000u - 1)
		return false;
	*t_ns = seconds * 1000000000u + ns;
	*text = p;
	return true;
}

/* "qemu-system-x86_64(1184284:main): ", which "[guest] " may precede */
static void skip_program(const char **text)
{
	const char *p = *text, *colon;

	if (*p == '[') {
		p += strcspn(p, "]");
		if (p[0] != ']' || p[1] != ' ')
			return;
		p += 2;
	}
	colon = strstr(p, "): ");
	if (!colon || strncmp(p, "qemu", 4) != 0 || strcspn(p, " (") != (size_t)(strchr(p, '(') - p))
		return;
	*text = colon + 3;
}

static bool take_prefix(const char **text, uint64_t *t_ns)
{
	bool timed = take_pid_and_time(text, t_ns) || take_date(text, t_ns);

	skip_program(text);
	return timed;
}

/* ---- lines ---- */

static size_t name_length(const char *text)
{
	size_t n = 0;

	while (islower((unsigned char)text[n]) || isdigit((unsigned char)text[n]) || text[n] == '_')
		n++;
	return text[n] == ' ' || text[n] == '\0' ? n : 0;
}

static void set_time(struct qemu_log *log, bool timed, uint64_t t_ns)
{
	if (timed) {
		log->qemu.t_ns = t_ns;
		log->timed = true;
	} else if (log->timed) {
		log->qemu.report.lines_untimed++;
	} else {
		log->qemu.t_ns = log->events * STEP_NS;
		log->untimed = true;
	}
	log->events++;
}

static int on_line(struct import *base, char *line)
{
	struct qemu_log *log = (struct qemu_log *)base;
	struct qemu_value arg[QEMU_ARGS_MAX] = { 0 };
	const struct qemu_event *event;
	const char *text = line;
	uint64_t t_ns = 0;
	bool timed = take_prefix(&text, &t_ns);
	size_t len = name_length(text), end = strlen(text);

	event = len ? qemu_event_find(text, len) : NULL;
	if (!event) {
		/* names of events have a subsystem and a verb; words of QEMU's other messages have not */
		if (len && memchr(text, '_', len))
			log->qemu.report.events_other++;
		else
			log->qemu.report.lines_unknown++;
		return 0;
	}
	while (end && text[end - 1] == ' ')
		line[text - line + (ptrdiff_t)--end] = '\0';
	text += len + strspn(text + len, " ");
	if (end > EVENT_TEXT_MAX || !match(event->format, text, arg)) {
		log->qemu.report.lines_malformed++;
		return 0;
	}
	set_time(log, timed, t_ns);
	return qemu_event_handle(&log->qemu, event, arg);
}

int qemu_log_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct qemu_log *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = qemu_begin(&log->qemu, args, out, report, error);
	if (!err)
		err = import_lines(&log->qemu.base, on_line);
	if (err)
		goto out_end;
	log->qemu.report.records = log->qemu.base.lines;
	if (!log->timed)
		import_assume(
			&log->qemu.base,
			"the log has no times: t_ns is a sequence, 1 us from event to event (QEMU writes times with -msg timestamp=on)");
	else if (log->untimed)
		import_assume(&log->qemu.base, "the log has no times at its beginning: those of its first events are a sequence");
	err = qemu_finish(&log->qemu, "QEMU log", log->timed ? "CLOCK_REALTIME" : "sequence");
out_end:
	qemu_end(&log->qemu);
	free(log);
	return err;
}
