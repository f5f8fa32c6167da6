/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "tracer/import/ftrace_dma.h"

static void emit(struct ftrace_import *im, const struct ftrace_line *line, unsigned int kind, const struct spans_item *item)
{
	struct trace_event event = { .t_ns = line->t_ns, .kind = (uint16_t)kind };

	event.arg[TRACE_MAP_GPA] = item->gpa;
	event.arg[TRACE_MAP_LEN] = item->last_iova - item->first_iova + 1;
	event.arg[TRACE_MAP_IOVA] = item->first_iova;
	event.arg[TRACE_MAP_SEQ] = im->seq;
	tracer_emit(im->base.ring, &event);
}

/* "0x… - 0x…", the end exclusive; it wraps to 0 at the end of the address space */
static bool parse_range(const struct ftrace_text *text, struct spans_item *item)
{
	struct ftrace_text first, last;
	const char *dash;
	uint64_t end;

	if (!text || !(dash = memmem(text->at, text->len, " - ", 3)))
		return false;
	first = (struct ftrace_text){ text->at, (size_t)(dash - text->at) };
	last = (struct ftrace_text){ dash + 3, text->len - first.len - 3 };
	if (!ftrace_number(&first, 16, &item->first_iova) || !ftrace_number(&last, 16, &end))
		return false;
	item->last_iova = end - 1;
	return item->last_iova >= item->first_iova && !(item->first_iova == 0 && end == 0);
}

static int on_map(struct ftrace_import *im, const struct ftrace_line *line, struct spans_item *item, const struct ftrace_fields *fields)
{
	const struct ftrace_text *paddr = ftrace_field(fields, "paddr");
	struct spans_item old;

	if (!paddr || !ftrace_number(paddr, 16, &item->gpa))
		return -EINVAL;
	while (spans_take(&im->mappings, 0, item->first_iova, item->last_iova, &old))
		im->report.iommu_maps_replaced++;
	if (spans_add(&im->mappings, item) != 0)
		return -ENOMEM;
	im->seq++;
	im->report.iommu_maps++;
	emit(im, line, TRACE_MAP, item);
	return 1;
}

static int on_unmap(struct ftrace_import *im, const struct ftrace_line *line, struct spans_item *range)
{
	struct spans_item old;
	uint64_t touched = 0, ended = 0;

	im->seq++;
	while (spans_take_inside(&im->mappings, 0, &range->first_iova, &range->last_iova, &old, &touched)) {
		emit(im, line, TRACE_UNMAP, &old);
		ended++;
	}
	im->report.iommu_unmaps += ended;
	if (touched || !ended)
		im->report.iommu_unmaps_unmatched++;
	return 1;
}

int ftrace_iommu_line(struct ftrace_import *im, const struct ftrace_line *line)
{
	struct spans_item item = { .device = 0 };
	struct ftrace_fields fields;
	bool map = ftrace_line_is(line, "map");

	if (ftrace_line_is(line, "swiotlb_bounced")) {
		im->report.swiotlb_bounced++;
		return 1;
	}
	if ((!map && !ftrace_line_is(line, "unmap")) || strncmp(line->payload, "IOMMU: ", 7) != 0)
		return 0;
	if (!im->base.args->iommu) {
		im->report.iommu_ignored++;
		return 1;
	}
	if (!ftrace_fields_parse(line->payload, &fields) || !parse_range(ftrace_field(&fields, "iova"), &item))
		return -EINVAL;
	return map ? on_map(im, line, &item, &fields) : on_unmap(im, line, &item);
}
