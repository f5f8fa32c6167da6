/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/ftrace_dma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DMA_FAILED UINT64_MAX /* the kernel's DMA_MAPPING_ERROR */

/* as in companion.h, on which the tracer does not depend */
enum { DIR_NONE = 0, DIR_TO_DEVICE = 1, DIR_FROM_DEVICE = 2, DIR_BOTH = 3 };
#define REC_MORE 0x08u

static int find_device(struct ftrace_import *im, const struct ftrace_text *name, uint16_t *id)
{
	return memchr(name->at, ' ', name->len) ? -EINVAL : import_device(&im->base, name->at, name->len, id);
}

void ftrace_dma_free(struct ftrace_import *im)
{
	live_free(im->live);
	spans_free(&im->mappings);
	ftrace_array_free(&im->phys);
	ftrace_array_free(&im->addrs);
	ftrace_array_free(&im->lens);
}

/* ---- fields ---- */

/* a line with its fields and what all of them have */
struct dma_line {
	const struct ftrace_line *line;
	struct ftrace_fields fields;
	uint16_t device;
	uint8_t dir;
};

static uint8_t parse_dir(const struct ftrace_text *text)
{
	static const struct { const char *name; uint8_t dir; } dirs[] = {
		{ "BIDIRECTIONAL", DIR_BOTH }, { "TO_DEVICE", DIR_TO_DEVICE }, { "FROM_DEVICE", DIR_FROM_DEVICE }, { "NONE", DIR_NONE },
	};
	/* enum dma_data_direction, where it is printed as a number; anything else may be garbage of an old kernel: assume both */
	static const uint8_t by_number[] = { DIR_BOTH, DIR_TO_DEVICE, DIR_FROM_DEVICE, DIR_NONE };
	uint64_t n;

	if (!text)
		return DIR_BOTH;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (text->len == strlen(dirs[i].name) && memcmp(text->at, dirs[i].name, text->len) == 0)
			return dirs[i].dir;
	}
	return ftrace_number(text, 10, &n) && n < sizeof(by_number) ? by_number[n] : DIR_BOTH;
}

static bool number_field(const struct dma_line *l, const char *key, unsigned int base, uint64_t *out)
{
	const struct ftrace_text *text = ftrace_field(&l->fields, key);

	return text && ftrace_number(text, base, out);
}

static int array_field(const struct dma_line *l, const char *key, unsigned int element_bytes, struct ftrace_array *out)
{
	const struct ftrace_text *text = ftrace_field(&l->fields, key);

	return text ? ftrace_array_parse(text, element_bytes, out) : -EINVAL;
}

/* false for a length of 0 or one that wraps around the end of the address space */
static bool span_makes_sense(uint64_t start, uint64_t len)
{
	return len != 0 && len - 1 <= UINT64_MAX - start;
}

/* ---- emitting ---- */

static void emit(struct ftrace_import *im, const struct dma_line *l, unsigned int kind, const struct live_element *e, uint8_t dir,
		 bool more, int status)
{
	struct trace_event event = { .t_ns = l->line->t_ns, .kind = (uint16_t)kind, .device = l->device, .status = status };

	event.arg[TRACE_REQ_GPA] = e->gpa;
	event.arg[TRACE_REQ_LEN] = e->len;
	event.arg[TRACE_REQ_IOVA] = e->iova;
	event.arg[TRACE_REQ_FLAGS] = TRACE_REQ_MAKE_FLAGS(dir, 0, more ? REC_MORE : 0);
	event.arg[TRACE_REQ_GUEST_T] = l->line->t_ns;
	tracer_emit(im->base.ring, &event);
	if (kind == TRACE_REQ_MAP)
		im->report.requests_mapped++;
	else
		im->report.requests_unmapped++;
}

static void emit_failed(struct ftrace_import *im, const struct dma_line *l, uint64_t gpa, uint64_t len, bool more, int status)
{
	struct live_element e = { .gpa = gpa, .len = len, .iova = DMA_FAILED };

	emit(im, l, TRACE_REQ_MAP, &e, l->dir, more, status);
	im->report.maps_failed++;
}

static void emit_request(struct ftrace_import *im, const struct dma_line *l, unsigned int kind, const struct live_request *r)
{
	for (size_t i = 0; i < r->n; i++)
		emit(im, l, kind, &r->element[i], r->dir, i + 1 < r->n, 0);
}

static int map_one(struct ftrace_import *im, const struct dma_line *l, enum live_class class, uint64_t gpa, uint64_t len, uint64_t dma_addr)
{
	struct live_request *r = live_add(im->live, l->device, class, dma_addr, len, 1);

	if (!r)
		return -ENOMEM;
	r->dir = l->dir;
	r->element[0] = (struct live_element){ .gpa = gpa, .len = len, .iova = dma_addr };
	emit_request(im, l, TRACE_REQ_MAP, r);
	return 1;
}

/* ---- a DMA layer above the kernel's own reports each map twice: first the inner one with dma_addr == phys_addr, then its own ---- */

static bool is_second_report(struct ftrace_import *im, const struct dma_line *l, uint64_t phys, uint64_t size, uint64_t dma_addr)
{
	struct ftrace_recent *recent = &im->recent[l->line->pid % FTRACE_RECENT_SLOTS];
	bool second = recent->set && recent->pid == l->line->pid && recent->device == l->device && recent->dir == l->dir &&
		      recent->phys == phys && recent->size == size && recent->dma_addr == phys && dma_addr != phys;

	*recent = (struct ftrace_recent){
		.set = !second, .pid = l->line->pid, .device = l->device, .dir = l->dir, .phys = phys, .size = size, .dma_addr = dma_addr
	};
	return second;
}

static int add_alias(struct ftrace_import *im, const struct dma_line *l, uint64_t phys, uint64_t size, uint64_t dma_addr)
{
	struct live_request *r = live_add(im->live, l->device, LIVE_ALIAS, dma_addr, size, 1);

	if (!r)
		return -ENOMEM;
	r->element[0] = (struct live_element){ .gpa = phys, .len = size, .iova = phys };
	im->report.double_reports_collapsed++;
	return 1;
}

static int unmap_one(struct ftrace_import *im, const struct dma_line *l, enum live_class class, uint64_t dma_addr, uint64_t size)
{
	struct live_request *r = live_find(im->live, l->device, class, dma_addr, size);

	if (!r && class == LIVE_SINGLE) {
		r = live_find(im->live, l->device, LIVE_ALIAS, dma_addr, size);
		if (r) {
			live_remove(im->live, r);
			im->report.double_reports_collapsed++;
			return 1;
		}
	}
	if (!r) {
		im->report.unmaps_unmatched++;
		return 1;
	}
	if (r->size != size)
		im->report.unmaps_size_differs++;
	emit_request(im, l, TRACE_REQ_UNMAP, r);
	live_remove(im->live, r);
	return 1;
}

/* ---- one handler per shape of line; Return: as ftrace_dma_line() ---- */

static int on_map(struct ftrace_import *im, const struct dma_line *l)
{
	uint64_t dma_addr, size, phys;

	if (!number_field(l, "dma_addr", 16, &dma_addr) || !number_field(l, "size", 10, &size) ||
	    !number_field(l, "phys_addr", 16, &phys) || !span_makes_sense(phys, size))
		return -EINVAL;
	if (dma_addr == DMA_FAILED) {
		emit_failed(im, l, phys, size, false, -EIO);
		return 1;
	}
	if (!span_makes_sense(dma_addr, size))
		return -EINVAL;
	if (is_second_report(im, l, phys, size, dma_addr))
		return add_alias(im, l, phys, size, dma_addr);
	if (dma_addr == phys)
		im->report.maps_direct++;
	else
		im->report.maps_translated++;
	return map_one(im, l, LIVE_SINGLE, phys, size, dma_addr);
}

static int on_unmap(struct ftrace_import *im, const struct dma_line *l)
{
	uint64_t dma_addr, size;

	if (!number_field(l, "dma_addr", 16, &dma_addr) || !number_field(l, "size", 10, &size))
		return -EINVAL;
	return unmap_one(im, l, LIVE_SINGLE, dma_addr, size);
}

static int on_alloc(struct ftrace_import *im, const struct dma_line *l)
{
	uint64_t dma_addr, size;

	if (!number_field(l, "dma_addr", 16, &dma_addr) || !number_field(l, "size", 10, &size) || size == 0)
		return -EINVAL;
	if (dma_addr == DMA_FAILED || dma_addr == 0) {
		emit_failed(im, l, 0, size, false, -EIO);
		return 1;
	}
	if (!span_makes_sense(dma_addr, size))
		return -EINVAL;
	/* dma_alloc_sgt shows pages; where there is only one run of them it is the gpa */
	if (ftrace_field(&l->fields, "phys_addrs") && array_field(l, "phys_addrs", 8, &im->phys) == 0 && im->phys.n == 1)
		return map_one(im, l, LIVE_ALLOC, im->phys.v[0], size, dma_addr);
	im->report.alloc_gpa_assumed++;
	return map_one(im, l, LIVE_ALLOC, dma_addr, size, dma_addr);
}

static int on_alloc_failed(struct ftrace_import *im, const struct dma_line *l)
{
	uint64_t size;

	if (!number_field(l, "size", 10, &size) || size == 0)
		return -EINVAL;
	emit_failed(im, l, 0, size, false, -EIO);
	return 1;
}

static int on_free(struct ftrace_import *im, const struct dma_line *l)
{
	uint64_t dma_addr, size;

	if (!number_field(l, "dma_addr", 16, &dma_addr) || !number_field(l, "size", 10, &size))
		return -EINVAL;
	return unmap_one(im, l, LIVE_ALLOC, dma_addr, size);
}

/* "128/236": shown and all there are; a line without it shows all */
static uint64_t total_of(const struct dma_line *l, const char *key, const char *raw_key, uint64_t shown)
{
	const struct ftrace_text *text = ftrace_field(&l->fields, key);
	uint64_t total = shown;

	if (text) {
		const char *slash = memchr(text->at, '/', text->len);
		struct ftrace_text behind = { slash ? slash + 1 : text->at, 0 };

		/* "236 [TRUNCATED]" stands in the same field */
		while (behind.at + behind.len < text->at + text->len && behind.at[behind.len] != ' ')
			behind.len++;
		if (!ftrace_number(&behind, 10, &total))
			total = shown;
	} else if (!number_field(l, raw_key, 10, &total)) {
		total = shown;
	}
	return total > shown ? total : shown;
}

/* dma_addrs and sizes have as many items as there are DMA segments, phys_addrs as there are pages; each in its array of @im */
static int parse_sg(struct ftrace_import *im, const struct dma_line *l)
{
	const char *sizes = ftrace_field(&l->fields, "sizes") ? "sizes" : "lengths";
	int err = array_field(l, "dma_addrs", 8, &im->addrs);

	if (!err)
		err = array_field(l, sizes, 4, &im->lens);
	if (!err)
		err = array_field(l, "phys_addrs", 8, &im->phys);
	if (err)
		return err;
	if (im->addrs.n == 0 || im->addrs.n != im->lens.n || im->phys.n < im->addrs.n)
		return -EINVAL;
	for (size_t i = 0; i < im->addrs.n; i++) {
		if (!span_makes_sense(im->addrs.v[i], im->lens.v[i]) || !span_makes_sense(im->phys.v[i], im->lens.v[i]))
			return -EINVAL;
	}
	return 0;
}

static void account_sg(struct ftrace_import *im, const struct dma_line *l, bool merged)
{
	uint64_t total = total_of(l, "ents", "full_ents", im->addrs.n);

	if (total > im->addrs.n) {
		im->report.sg_truncated++;
		im->report.sg_elements_unknown += total - im->addrs.n;
	}
	im->report.sg_merged += merged;
	for (size_t i = 0; !merged && i < im->addrs.n; i++) {
		if (im->addrs.v[i] == im->phys.v[i])
			im->report.maps_direct++;
		else
			im->report.maps_translated++;
	}
}

static int on_map_sg(struct ftrace_import *im, const struct dma_line *l)
{
	struct live_request *r;
	uint64_t nents;
	bool merged;
	int err = parse_sg(im, l);

	if (err)
		return err;
	nents = total_of(l, "nents", "full_nents", im->phys.n);
	merged = im->phys.n != im->addrs.n;
	account_sg(im, l, merged);
	r = live_add(im->live, l->device, LIVE_SG, im->phys.v[0], nents, im->addrs.n);
	if (!r)
		return -ENOMEM;
	r->dir = l->dir;
	for (size_t i = 0; i < r->n; i++) {
		uint64_t gpa = merged ? im->addrs.v[i] : im->phys.v[i];

		r->element[i] = (struct live_element){ .gpa = gpa, .len = im->lens.v[i], .iova = im->addrs.v[i] };
	}
	emit_request(im, l, TRACE_REQ_MAP, r);
	return 1;
}

static int on_map_sg_failed(struct ftrace_import *im, const struct dma_line *l)
{
	const struct ftrace_text *text = ftrace_field(&l->fields, "err");
	struct ftrace_text positive;
	uint64_t code = EIO;
	int err = array_field(l, "dma_addrs", 8, &im->phys);

	if (err && ftrace_field(&l->fields, "phys_addrs"))
		err = array_field(l, "phys_addrs", 8, &im->phys);
	if (err)
		return err;
	if (text && text->len > 1 && text->at[0] == '-') {
		positive = (struct ftrace_text){ text->at + 1, text->len - 1 };
		if (!ftrace_number(&positive, 10, &code) || code == 0 || code > 4095)
			code = EIO;
	}
	for (size_t i = 0; i < im->phys.n; i++)
		emit_failed(im, l, im->phys.v[i], 0, i + 1 < im->phys.n, -(int)code);
	return 1;
}

static int on_unmap_sg(struct ftrace_import *im, const struct dma_line *l)
{
	const char *key = ftrace_field(&l->fields, "phys_addrs") ? "phys_addrs" : "addrs";
	struct live_request *r;
	int err = array_field(l, key, 8, &im->phys);

	if (err || im->phys.n == 0)
		return err ? err : -EINVAL;
	r = live_find(im->live, l->device, LIVE_SG, im->phys.v[0], im->phys.n);
	if (!r) {
		im->report.unmaps_unmatched++;
		return 1;
	}
	if (r->size != im->phys.n)
		im->report.unmaps_size_differs++;
	emit_request(im, l, TRACE_REQ_UNMAP, r);
	live_remove(im->live, r);
	return 1;
}

static int on_sync(struct ftrace_import *im, const struct dma_line *l)
{
	(void)l;
	im->report.syncs_ignored++;
	return 1;
}

static const struct {
	const char *event;
	int (*handle)(struct ftrace_import *im, const struct dma_line *l);
} handlers[] = {
	{ "dma_map_page", on_map },
	{ "dma_map_phys", on_map },
	{ "dma_map_resource", on_map },
	{ "dma_unmap_page", on_unmap },
	{ "dma_unmap_phys", on_unmap },
	{ "dma_unmap_resource", on_unmap },
	{ "dma_map_sg", on_map_sg },
	{ "dma_map_sg_err", on_map_sg_failed },
	{ "dma_unmap_sg", on_unmap_sg },
	{ "dma_alloc", on_alloc },
	{ "dma_alloc_pages", on_alloc },
	{ "dma_alloc_sgt", on_alloc },
	{ "dma_alloc_sgt_err", on_alloc_failed },
	{ "dma_free", on_free },
	{ "dma_free_pages", on_free },
	{ "dma_free_sgt", on_free },
	{ "dma_sync_single_for_cpu", on_sync },
	{ "dma_sync_single_for_device", on_sync },
	{ "dma_sync_sg_for_cpu", on_sync },
	{ "dma_sync_sg_for_device", on_sync },
};

/* "[FAILED TO PARSE] device=… phys_addrs=ARRAY[…]" instead of "DEVICE dir=…" */
static const struct ftrace_text *device_name(struct ftrace_import *im, const struct dma_line *l)
{
	static const char failed[] = "[FAILED TO PARSE]";

	if (l->fields.lead.len == sizeof(failed) - 1 && memcmp(l->fields.lead.at, failed, sizeof(failed) - 1) == 0) {
		im->report.sg_unparsed++;
		return ftrace_field(&l->fields, "device");
	}
	return &l->fields.lead;
}

int ftrace_dma_line(struct ftrace_import *im, const struct ftrace_line *line)
{
	struct dma_line l = { .line = line };
	const struct ftrace_text *name;
	size_t i;
	int err;

	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (ftrace_line_is(line, handlers[i].event))
			break;
	}
	if (i == sizeof(handlers) / sizeof(handlers[0]))
		return 0;
	if (!ftrace_fields_parse(line->payload, &l.fields))
		return -EINVAL;
	name = device_name(im, &l);
	err = name ? find_device(im, name, &l.device) : -EINVAL;
	if (err)
		return err;
	l.dir = parse_dir(ftrace_field(&l.fields, "dir"));
	return handlers[i].handle(im, &l);
}
