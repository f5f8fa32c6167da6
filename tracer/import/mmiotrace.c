/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/mmiotrace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"

#define VERSION 20070824
#define REGIONS 7 /* BAR 0..5, ROM */
#define BARS_MAX 4096
#define SECONDS_MAX 18000000000ull
#define IO_SPACE 1 /* lowest bit of a BAR's flags */

/* X(name, note): see FTRACE_COUNTS */
#define MMIOTRACE_COUNTS(X)                                                                                                                \
	X(lines, "lines read")                                                                                                             \
	X(accesses, "reads and writes of BARs")                                                                                            \
	X(bars, "BARs that PCIDEV lines name")                                                                                             \
	X(maps, "areas that drivers mapped (MAP)")                                                                                         \
	X(unmaps, "areas that drivers unmapped (UNMAP)")                                                                                   \
	X(frames, "marks \"frame N\"")                                                                                                     \
	X(marks, "other marks")                                                                                                            \
	X(outside, "accesses to addresses in no BAR that a PCIDEV line names, not emitted")                                                \
	X(instructions_unknown, "accesses that the kernel could not decode (UNKNOWN), not emitted")                                        \
	X(source_events_lost, "events the kernel lost; each place is a gap event")                                                         \
	X(bars_overlapping, "BARs that overlap one named before, or beyond the 4,096th, ignored")                                          \
	X(time_backwards, "accesses earlier than the one before; their order in the file is kept")                                         \
	X(version_unknown, "1 if the text does not begin with VERSION 20070824")                                                           \
	X(lines_unknown, "lines of no known shape, ignored")                                                                               \
	X(lines_malformed, "lines with missing or nonsensical fields, ignored")                                                            \
	X(lines_too_long, "lines longer than 1 MiB, ignored")

struct mmiotrace_report {
#define X(name, note) uint64_t name;
	MMIOTRACE_COUNTS(X)
#undef X
};

struct bar {
	uint64_t start, len;
	uint16_t device;
	uint8_t region;
};

struct mmiotrace_import {
	struct import base;
	struct mmiotrace_report report;
	bool version_seen;
	unsigned int bars_n, bar_last; /* the BAR of the access before: the next one is mostly there too */
	struct bar bar[BARS_MAX];
};

/* ---- words of a line ---- */

static const char *next_word(const char **p, size_t *len)
{
	const char *word;

	*p += strspn(*p, " \t");
	word = *p;
	*len = strcspn(word, " \t");
	*p += *len;
	return *len ? word : NULL;
}

static bool take_number(const char **p, int base, uint64_t *out)
{
	size_t len;
	const char *word = next_word(p, &len);
	char *end;

	if (!word || *word == '-' || *word == '+')
		return false;
	errno = 0;
	*out = strtoull(word, &end, base);
	return !errno && end == word + len;
}

/* "1681.686903": the kernel prints microseconds with six digits */
static bool take_time(const char **p, uint64_t *t_ns)
{
	size_t len;
	const char *word = next_word(p, &len);
	unsigned int digits = 0;
	uint64_t seconds, fraction = 0;
	char *end;

	if (!word || *word < '0' || *word > '9')
		return false;
	errno = 0;
	seconds = strtoull(word, &end, 10);
	if (errno || seconds > SECONDS_MAX || *end++ != '.')
		return false;
	for (; *end >= '0' && *end <= '9' && digits < 9; end++, digits++)
		fraction = fraction * 10 + (uint64_t)(*end - '0');
	for (; digits < 9; digits++)
		fraction *= 10;
	*t_ns = seconds * 1000000000u + fraction;
	return end == word + len;
}

/* ---- PCIDEV ---- */

static const struct bar *find_bar(struct mmiotrace_import *im, uint64_t address)
{
	for (unsigned int i = 0; i < im->bars_n; i++) {
		unsigned int at = (im->bar_last + i) % im->bars_n;

		if (address - im->bar[at].start < im->bar[at].len) {
			im->bar_last = at;
			return &im->bar[at];
		}
	}
	return NULL;
}

static void add_bar(struct mmiotrace_import *im, uint16_t device, unsigned int region, uint64_t start, uint64_t len)
{
	bool overlaps = im->bars_n == BARS_MAX;

	for (unsigned int i = 0; i < im->bars_n; i++)
		overlaps |= start - im->bar[i].start < im->bar[i].len || im->bar[i].start - start < len;
	if (overlaps) {
		im->report.bars_overlapping++;
		return;
	}
	im->bar[im->bars_n++] = (struct bar){ start, len, device, (uint8_t)region };
	im->report.bars++;
}

static int add_device(struct mmiotrace_import *im, uint64_t busdevfn, uint64_t ids, uint16_t *device)
{
	char name[16], identity[16];

	snprintf(name, sizeof(name), "%02x:%02x.%x", (unsigned int)(busdevfn >> 8 & 0xff), (unsigned int)(busdevfn >> 3 & 0x1f),
		 (unsigned int)(busdevfn & 7));
	snprintf(identity, sizeof(identity), "%04x:%04x", (unsigned int)(ids >> 16 & 0xffff), (unsigned int)(ids & 0xffff));
	*device = tracer_device(im->base.out, name, identity);
	return *device ? 0 : -ENOSPC;
}

/* busdevfn vendordevice irq start|flags… size… driver; I/O ports are not what is traced, and a 64-bit BAR's second half has no size */
static int on_pcidev(struct mmiotrace_import *im, const char *p)
{
	uint64_t busdevfn, ids, irq, start[REGIONS], size[REGIONS];
	uint16_t device;
	int err;

	if (!take_number(&p, 16, &busdevfn) || !take_number(&p, 16, &ids) || !take_number(&p, 16, &irq) || busdevfn > 0xffff ||
	    ids > UINT32_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < REGIONS; i++) {
		if (!take_number(&p, 16, &start[i]))
			return -EINVAL;
	}
	for (unsigned int i = 0; i < REGIONS; i++) {
		if (!take_number(&p, 16, &size[i]))
			return -EINVAL;
	}
	err = add_device(im, busdevfn, ids, &device);
	for (unsigned int i = 0; !err && i < REGIONS; i++) {
		uint64_t base = start[i] & ~(uint64_t)0xf;

		if (size[i] && base && !(start[i] & IO_SPACE && i < 6) && size[i] - 1 <= UINT64_MAX - base)
			add_bar(im, device, i, base, size[i]);
	}
	return err;
}

/* ---- accesses and marks ---- */

static int on_access(struct mmiotrace_import *im, const char *p, unsigned int kind)
{
	struct trace_event event = { .kind = (uint16_t)kind };
	uint64_t width, map_id, address, value;
	const struct bar *bar;

	if (!take_number(&p, 10, &width) || !take_time(&p, &event.t_ns) || !take_number(&p, 10, &map_id) ||
	    !take_number(&p, 16, &address) || !take_number(&p, 16, &value) || width == 0 || width > 8)
		return -EINVAL;
	if (event.t_ns < im->base.last_t_ns)
		im->report.time_backwards++;
	im->base.last_t_ns = event.t_ns;
	bar = im->bars_n ? find_bar(im, address) : NULL;
	if (!bar) {
		im->report.outside++;
		return 0;
	}
	event.device = bar->device;
	event.arg[TRACE_REGION_REGION] = bar->region;
	event.arg[TRACE_REGION_OFFSET] = address - bar->start;
	event.arg[TRACE_REGION_LEN] = width;
	event.arg[TRACE_REGION_VALUE] = value;
	tracer_emit(im->base.ring, &event);
	im->report.accesses++;
	return 0;
}

static int on_read(struct mmiotrace_import *im, const char *p)
{
	return on_access(im, p, TRACE_REGION_READ);
}

static int on_write(struct mmiotrace_import *im, const char *p)
{
	return on_access(im, p, TRACE_REGION_WRITE);
}

/* "Lost 12 events." has time 0: it stands where it stands */
static int on_mark(struct mmiotrace_import *im, const char *p)
{
	uint64_t t_ns, lost;
	int end = 0;

	if (!take_time(&p, &t_ns))
		return -EINVAL;
	p += strspn(p, " ");
	if (sscanf(p, "Lost %20" SCNu64 " events.%n", &lost, &end) == 1 && end && !p[end]) {
		im->report.source_events_lost += lost;
		import_gap(&im->base, lost);
		return 0;
	}
	im->base.last_t_ns = t_ns;
	return import_marker(&im->base, t_ns, p);
}

static int on_map(struct mmiotrace_import *im, const char *p)
{
	(void)p;
	im->report.maps++;
	return 0;
}

static int on_unmap(struct mmiotrace_import *im, const char *p)
{
	(void)p;
	im->report.unmaps++;
	return 0;
}

static int on_unknown(struct mmiotrace_import *im, const char *p)
{
	(void)p;
	im->report.instructions_unknown++;
	return 0;
}

static int on_version(struct mmiotrace_import *im, const char *p)
{
	uint64_t version;

	if (!take_number(&p, 10, &version))
		return -EINVAL;
	im->version_seen |= version == VERSION;
	return 0;
}

static int on_lspci(struct mmiotrace_import *im, const char *p)
{
	(void)im;
	(void)p;
	return 0;
}

static const struct {
	const char *word;
	int (*handle)(struct mmiotrace_import *im, const char *rest);
} handlers[] = {
	{ "R", on_read },       { "W", on_write },   { "MARK", on_mark },       { "MAP", on_map },     { "UNMAP", on_unmap },
	{ "PCIDEV", on_pcidev }, { "UNKNOWN", on_unknown }, { "VERSION", on_version }, { "LSPCI", on_lspci },
};

static int on_line(struct import *base, char *line)
{
	struct mmiotrace_import *im = (struct mmiotrace_import *)base;
	const char *p = line;
	size_t len;
	const char *word = next_word(&p, &len);

	for (size_t i = 0; word && i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		int err;

		if (strlen(handlers[i].word) != len || memcmp(handlers[i].word, word, len) != 0)
			continue;
		err = handlers[i].handle(im, p);
		if (err == -EINVAL)
			im->report.lines_malformed++;
		return err == -EINVAL ? 0 : err;
	}
	if (word && *word != '#')
		im->report.lines_unknown++;
	return 0;
}

static int finish(struct mmiotrace_import *im)
{
	struct mmiotrace_report *r = &im->report;

	r->lines = im->base.lines;
	r->lines_too_long = im->base.lines_too_long;
	r->frames = im->base.frames;
	r->marks = im->base.marks;
	r->version_unknown = !im->version_seen;
#define X(name, note) import_count(im->base.report, #name, r->name, note);
	MMIOTRACE_COUNTS(X)
#undef X
	if (r->accesses == 0)
		return trace_fail(im->base.error, -ENODATA,
				  "%s: none of %" PRIu64 " lines is an access (R or W) to a BAR that a PCIDEV line names; is it "
				  "mmiotrace text?",
				  im->base.args->path, r->lines);
	import_assume(&im->base, "the text has no PCI domain: devices are named bus:device.function");
	import_assume(&im->base, "mmiotrace sees only areas that were mapped while it ran");
	return import_describe(&im->base, "mmiotrace text", "mmiotrace");
}

int mmiotrace_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	struct mmiotrace_import *im = calloc(1, sizeof(*im));
	int err;

	if (!im)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	err = import_begin(&im->base, args, out, report, error);
	if (!err)
		err = import_lines(&im->base, on_line);
	if (!err)
		err = finish(im);
	import_end(&im->base);
	free(im);
	return err;
}
