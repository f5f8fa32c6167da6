/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/qemu.h"

#define HEADER_ID 0xffffffffffffffffu
#define HEADER_MAGIC 0xf2b177cb0aa429b4u
#define HEADER_VERSION 4
#define DROPPED_ID 0xfffffffffffffffeu
#define RECORD_MAPPING 0
#define RECORD_EVENT 1
#define RECORD_HEADER_BYTES 24          /* id, time, length, pid; the length counts them */
#define RECORD_BYTES_MAX 65536
#define NAME_BYTES_MAX 256
#define MAPPINGS_MAX 65536
#define SIGNATURE_ARGS_MAX 12

/**
 * struct signature - how a record's arguments are laid out.
 * @string:   which are texts; @at: which of the event's arguments each is, -1 for none
 * @complete: all of the event's arguments are there
 */
struct signature {
	const struct qemu_event *event;
	unsigned int n;
	bool complete;
	bool string[SIGNATURE_ARGS_MAX];
	int8_t at[SIGNATURE_ARGS_MAX];
};

struct mapping {
	uint64_t id;
	const struct qemu_event *event; /* NULL: one that says nothing to us */
};

struct qemu_simple {
	struct qemu_import qemu;
	void *mappings;   /* tsearch, by id */
	void *signatures; /* tsearch, by event: those of --events */
	unsigned int mappings_n;
	uint64_t bytes; /* where the record under way begins */
	uint8_t record[RECORD_BYTES_MAX];
};

/* ---- layout of arguments ---- */

/* of the events as QEMU 11.1 has them: in the order of the format */
static void built_in_signature(const struct qemu_event *event, struct signature *s)
{
	*s = (struct signature){ .event = event, .complete = true };
	for (const char *p = strchr(event->format, '%'); p; p = strchr(p + 2, '%')) {
		s->string[s->n] = p[1] == 's';
		s->at[s->n] = (int8_t)s->n;
		s->n++;
	}
}

static int compare_signatures(const void *a, const void *b)
{
	const struct qemu_event *ea = ((const struct signature *)a)->event, *eb = ((const struct signature *)b)->event;

	return ea < eb ? -1 : ea > eb;
}

static void signature_of(struct qemu_simple *im, const struct qemu_event *event, struct signature *out)
{
	struct signature key = { .event = event }, **found = tfind(&key, &im->signatures, compare_signatures);

	if (found)
		*out = **found;
	else
		built_in_signature(event, out);
}

/* place of the argument @name in "a,b,c"; -1 if it is not there */
static int8_t argument_index(const char *names, const char *name, size_t len)
{
	for (int8_t i = 0;; i++) {
		size_t n = strcspn(names, ",");

		if (n == len && memcmp(names, name, len) == 0)
			return i;
		if (!names[n])
			return -1;
		names += n + 1;
	}
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* "const char *name": a type and a name */
static bool add_argument(struct signature *s, const char *text, size_t len)
{
	size_t end = len, begin;

	while (end && text[end - 1] == ' ')
		end--;
	for (begin = end; begin && is_name(text[begin - 1]); begin--)
		;
	if (begin == end || s->n == SIGNATURE_ARGS_MAX)
		return false;
	s->string[s->n] = memmem(text, begin, "char", 4) && memchr(text, '*', begin);
	s->at[s->n] = argument_index(s->event->args, text + begin, end - begin);
	s->n++;
	return true;
}

/* all that the event's handler may look at */
static bool is_complete(const struct signature *s)
{
	struct signature wanted;
	unsigned int found = 0;

	built_in_signature(s->event, &wanted);
	for (unsigned int i = 0; i < s->n; i++)
		found |= s->at[i] >= 0 ? 1u << s->at[i] : 0;
	return found == (1u << wanted.n) - 1;
}

/* "name(type a, type b) "format"", which words such as "disable" may precede; Return: 0, -EINVAL, -ENOMEM */
static int add_signature(struct qemu_simple *im, const char *line)
{
	const char *open = strchr(line, '('), *close = open ? strchr(open, ')') : NULL, *name = open;
	struct signature s = { 0 }, *copy, **found;

	if (!close || *line == '#')
		return 0;
	while (name > line && is_name(name[-1]))
		name--;
	s.event = qemu_event_find(name, (size_t)(open - name));
	if (!s.event)
		return 0;
	for (const char *p = open + 1; p < close;) {
		const char *comma = memchr(p, ',', (size_t)(close - p)), *end = comma ? comma : close;

		if (!add_argument(&s, p, (size_t)(end - p)))
			return -EINVAL;
		p = end + 1;
	}
	s.complete = is_complete(&s);
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = s;
	found = tsearch(copy, &im->signatures, compare_signatures);
	if (!found || *found != copy)
		free(copy);
	return found ? 0 : -ENOMEM;
}

static int load_signatures(struct qemu_simple *im, const char *path, char *error)
{
	struct textin *in = NULL;
	char *line;
	int got, err = textin_open(path, &in, error);

	while (!err && (got = textin_line(in, &line, error)) != 0) {
		err = got == 1 ? add_signature(im, line) : got == -E2BIG ? 0 : got;
		if (err == -EINVAL)
			trace_fail(error, err, "%s: cannot read the arguments in: %.100s", path, line);
		else if (err == -ENOMEM)
			trace_fail(error, err, "no memory for the events of %s", path);
	}
	if (!err && !im->signatures)
		err = trace_fail(error, -EINVAL, "%s names no event that is known here; it must be QEMU's trace-events-all", path);
	textin_close(in);
	return err;
}

/* ---- records ---- */

/* Return: 0; -ENODATA the file ends here, in order; -EBADMSG it ends in the middle; other errors with @error filled */
static int take(struct qemu_simple *im, void *to, size_t len, bool may_end)
{
	size_t got;
	int err = textin_read(im->qemu.base.in, to, len, &got, im->qemu.base.error);

	im->bytes += got;
	if (err)
		return err == -EBADMSG ? -EIO : err;
	return got == len ? 0 : got == 0 && may_end ? -ENODATA : -EBADMSG;
}

static int compare_mappings(const void *a, const void *b)
{
	uint64_t ia = ((const struct mapping *)a)->id, ib = ((const struct mapping *)b)->id;

	return ia < ib ? -1 : ia > ib;
}

static int on_mapping(struct qemu_simple *im)
{
	struct mapping *m, **found;
	char name[NAME_BYTES_MAX];
	uint64_t id;
	uint32_t len;
	int err = take(im, &id, 8, false);

	err = err ? err : take(im, &len, 4, false);
	if (!err && (len > NAME_BYTES_MAX || im->mappings_n++ >= MAPPINGS_MAX))
		err = -EBADMSG;
	err = err ? err : take(im, name, len, false);
	if (err)
		return err;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct mapping){ id, qemu_event_find(name, len) };
	found = tsearch(m, &im->mappings, compare_mappings);
	if (!found) {
		free(m);
		return -ENOMEM;
	}
	if (*found != m) {
		(*found)->event = m->event;
		free(m);
	}
	return 0;
}

/* arguments of a record of @len bytes, by the event's signature */
static bool unpack_arguments(const struct signature *s, const uint8_t *record, size_t len, struct qemu_value *arg)
{
	for (unsigned int i = 0; i < s->n; i++) {
		struct qemu_value v = { 0 };
		uint32_t text_len;
		size_t used = 8;

		if (s->string[i]) {
			if (len < 4)
				return false;
			memcpy(&text_len, record, 4);
			used = 4 + (size_t)text_len;
			if (used > len)
				return false;
			v = (struct qemu_value){ .text = (const char *)record + 4, .len = text_len };
		} else if (len < 8) {
			return false;
		} else {
			memcpy(&v.n, record, 8);
		}
		if (s->at[i] >= 0)
			arg[s->at[i]] = v;
		record += used;
		len -= used;
	}
	return len == 0;
}

/* each argument that the format calls a text must have come as one, and the other way round */
static bool types_fit(const struct qemu_event *event, const struct qemu_value *arg)
{
	struct signature s;

	built_in_signature(event, &s);
	for (unsigned int i = 0; i < s.n; i++) {
		if (s.string[i] != (arg[i].text != NULL))
			return false;
	}
	return true;
}

static void on_dropped(struct qemu_simple *im, const uint8_t *record, size_t len)
{
	uint64_t count = 0;

	if (len >= 8)
		memcpy(&count, record, 8);
	im->qemu.report.source_events_lost += count;
	im->qemu.base.last_t_ns = im->qemu.t_ns;
	import_gap(&im->qemu.base, count);
}

static int on_event(struct qemu_simple *im)
{
	struct qemu_value arg[QEMU_ARGS_MAX] = { 0 };
	struct { uint64_t id, t_ns; uint32_t len, pid; } head;
	struct mapping key, **found;
	struct signature s;
	size_t len;
	int err = take(im, &head, sizeof(head), false);

	if (!err && (head.len < RECORD_HEADER_BYTES || head.len > RECORD_BYTES_MAX))
		err = -EBADMSG;
	len = head.len - RECORD_HEADER_BYTES;
	err = err ? err : take(im, im->record, len, false);
	if (err)
		return err;
	im->qemu.t_ns = head.t_ns;
	if (head.id == DROPPED_ID) {
		on_dropped(im, im->record, len);
		return 0;
	}
	key.id = head.id;
	found = tfind(&key, &im->mappings, compare_mappings);
	if (!found || !(*found)->event) {
		im->qemu.report.events_other++;
		return 0;
	}
	signature_of(im, (*found)->event, &s);
	if (!s.complete || !unpack_arguments(&s, im->record, len, arg) || !types_fit(s.event, arg)) {
		im->qemu.report.lines_malformed++;
		return 0;
	}
	return qemu_event_handle(&im->qemu, s.event, arg);
}

static int check_header(struct qemu_simple *im)
{
	const char *path = im->qemu.base.args->path;
	char *error = im->qemu.base.error;
	uint64_t head[3] = { 0 };
	int err = take(im, head, sizeof(head), false);

	if (err && err != -EBADMSG)
		return err;
	if (head[0] == HEADER_ID && head[1] == __builtin_bswap64(HEADER_MAGIC))
		return trace_fail(error, -EINVAL, "%s was recorded on a machine of the other byte order; import it there", path);
	if (err || head[0] != HEADER_ID || head[1] != HEADER_MAGIC)
		return trace_fail(error, -ENODATA, "%s is no simple trace of QEMU; a log in words is imported as qemu-log", path);
	if (head[2] != HEADER_VERSION)
		return trace_fail(error, -EINVAL,
				  "%s is a simple trace of version %" PRIu64 "; only version 4 (QEMU 2.9 and newer) can be read", path,
				  head[2]);
	return 0;
}

/* so that the sum is that of the whole file */
static int read_rest(struct qemu_simple *im)
{
	struct import *base = &im->qemu.base;
	size_t got;
	int err;

	im->qemu.report.file_cut = 1;
	import_assume(base, "reading ended near byte %" PRIu64 ", at a record that is cut off or makes no sense", im->bytes);
	do {
		err = textin_read(base->in, im->record, sizeof(im->record), &got, base->error);
	} while (!err && got);
	return err;
}

static int read_records(struct qemu_simple *im)
{
	struct import *base = &im->qemu.base;
	int err = 0;

	while (!err) {
		uint64_t type;

		err = take(im, &type, 8, true);
		if (err)
			break;
		im->qemu.report.records++;
		err = type == RECORD_MAPPING ? on_mapping(im) : type == RECORD_EVENT ? on_event(im) : -EBADMSG;
		if (base->args->progress && im->qemu.report.records % 65536 == 0)
			base->args->progress(base->args->progress_ctx, textin_bytes(base->in), textin_total_bytes(base->in));
	}
	if (err == -EBADMSG)
		return read_rest(im);
	if (err == -ENOMEM)
		trace_fail(base->error, err, "no memory to import %s", base->args->path);
	return err == -ENODATA ? 0 : err;
}

int qemu_simple_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct qemu_simple *im = calloc(1, sizeof(*im));
	int err;

	if (!im)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = qemu_begin(&im->qemu, args, out, report, error);
	if (!err && args->events)
		err = load_signatures(im, args->events, error);
	if (!err)
		err = check_header(im);
	if (!err)
		err = read_records(im);
	if (!err) {
		import_assume(&im->qemu.base, "the file does not name its clock: QEMU's is the host's CLOCK_MONOTONIC");
		if (!args->events)
			import_assume(&im->qemu.base,
				      "the file does not say what its events' arguments are: they are taken to be those of QEMU 11.1");
		err = qemu_finish(&im->qemu, "QEMU simple trace", "CLOCK_MONOTONIC");
	}
	tdestroy(im->mappings, free);
	tdestroy(im->signatures, free);
	qemu_end(&im->qemu);
	free(im);
	return err;
}
