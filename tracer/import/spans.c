/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/spans.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

/* overlapping ranges are equal: a consistent order among ranges that do not overlap each other */
static int compare(const void *pa, const void *pb)
{
	const struct spans_item *a = pa, *b = pb;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->last_iova < b->first_iova)
		return -1;
	return a->first_iova > b->last_iova;
}

const struct spans_item *spans_find(const struct spans *spans, uint16_t device, uint64_t first_iova, uint64_t last_iova)
{
	struct spans_item key = { .device = device, .first_iova = first_iova, .last_iova = last_iova };
	struct spans_item **found = tfind(&key, &spans->tree, compare);

	return found ? *found : NULL;
}

int spans_add(struct spans *spans, const struct spans_item *item)
{
	struct spans_item *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *item;
	if (!tsearch(copy, &spans->tree, compare)) {
		free(copy);
		return -ENOMEM;
	}
	spans->n++;
	return 0;
}

bool spans_take(struct spans *spans, uint16_t device, uint64_t first_iova, uint64_t last_iova, struct spans_item *out)
{
	struct spans_item *item = (struct spans_item *)spans_find(spans, device, first_iova, last_iova);

	if (!item)
		return false;
	*out = *item;
	tdelete(item, &spans->tree, compare);
	free(item);
	spans->n--;
	return true;
}

bool spans_take_inside(struct spans *spans, uint16_t device, uint64_t *first_iova, uint64_t *last_iova, struct spans_item *out,
		       uint64_t *touched)
{
	while (*first_iova <= *last_iova) {
		const struct spans_item *item = spans_find(spans, device, *first_iova, *last_iova);

		if (!item)
			return false;
		if (item->first_iova >= *first_iova && item->last_iova <= *last_iova)
			return spans_take(spans, device, item->first_iova, item->last_iova, out);
		++*touched;
		if (item->first_iova < *first_iova && item->last_iova >= *last_iova)
			return false;
		if (item->first_iova < *first_iova)
			*first_iova = item->last_iova + 1;
		else
			*last_iova = item->first_iova - 1;
	}
	return false;
}

void spans_free(struct spans *spans)
{
	tdestroy(spans->tree, free);
}
