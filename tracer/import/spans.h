/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * spans.h - what is mapped at which IOVA, for sources that name mappings by IOVA only.
 *
 * Purpose:  mappings of one device (or domain) never overlap; an unmap ends all those that lie inside its range.
 * Compiled: the importers. Each call is O(log n) a mapping touched.
 */
#ifndef EGPU_TRACER_IMPORT_SPANS_H
#define EGPU_TRACER_IMPORT_SPANS_H

#include <stdbool.h>
#include <stdint.h>

struct spans {
	void *tree; /* tsearch */
	uint64_t n;
};

/** struct spans_item - a live mapping; both ends inclusive, so that the whole address space can be said. */
struct spans_item {
	uint16_t device;
	uint8_t dir;
	uint64_t first_iova, last_iova;
	uint64_t gpa;
};

/** spans_find() - Return: a mapping that overlaps the range; NULL if there is none. */
const struct spans_item *spans_find(const struct spans *spans, uint16_t device, uint64_t first_iova, uint64_t last_iova);

/** spans_add() - @item must not overlap what is live. Return: 0 or -ENOMEM. */
int spans_add(struct spans *spans, const struct spans_item *item);

/** spans_take() - end one mapping that overlaps the range. Return: true and *@out; false if there is none. */
bool spans_take(struct spans *spans, uint16_t device, uint64_t first_iova, uint64_t last_iova, struct spans_item *out);

/**
 * spans_take_inside() - end one mapping that lies inside the range.
 * @first_iova, @last_iova: narrowed past mappings that only touch the range
 * @touched:                counts those
 *
 * Return: true and *@out; false if there is none (any more).
 */
bool spans_take_inside(struct spans *spans, uint16_t device, uint64_t *first_iova, uint64_t *last_iova, struct spans_item *out,
		       uint64_t *touched);

void spans_free(struct spans *spans);

#endif
