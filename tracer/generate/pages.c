/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/generate/pages.h"

#include <stdlib.h>
#include <string.h>

#define ORDERS (PAGES_ORDER_MAX + 1)
#define TAKEN 0xff

/**
 * struct pages - the lists are of first pages of free blocks.
 * @next, @prev: by page; PAGES_NONE ends a list
 * @order:       of the free block that begins at a page, else TAKEN
 */
struct pages {
	uint32_t n, left;
	uint32_t head[ORDERS];
	uint32_t *next, *prev;
	uint8_t *order;
};

static void push(struct pages *p, uint32_t page, unsigned int order)
{
	uint32_t first = p->head[order];

	p->next[page] = first;
	p->prev[page] = PAGES_NONE;
	p->order[page] = (uint8_t)order;
	if (first != PAGES_NONE)
		p->prev[first] = page;
	p->head[order] = page;
}

static void take(struct pages *p, uint32_t page)
{
	unsigned int order = p->order[page];

	if (p->prev[page] == PAGES_NONE)
		p->head[order] = p->next[page];
	else
		p->next[p->prev[page]] = p->next[page];
	if (p->next[page] != PAGES_NONE)
		p->prev[p->next[page]] = p->prev[page];
	p->order[page] = TAKEN;
}

struct pages *pages_new(uint32_t n)
{
	struct pages *p = calloc(1, sizeof(*p));
	uint32_t page;

	if (!p)
		return NULL;
	p->n = n;
	p->left = n;
	p->next = malloc(n * sizeof(*p->next));
	p->prev = malloc(n * sizeof(*p->prev));
	p->order = malloc(n);
	if (!p->next || !p->prev || !p->order) {
		pages_delete(p);
		return NULL;
	}
	memset(p->order, TAKEN, n);
	memset(p->head, 0xff, sizeof(p->head));
	for (page = n; page > 0; page -= PAGES_BLOCK)
		push(p, page - PAGES_BLOCK, PAGES_ORDER_MAX);
	return p;
}

void pages_delete(struct pages *p)
{
	if (!p)
		return;
	free(p->next);
	free(p->prev);
	free(p->order);
	free(p);
}

uint32_t pages_alloc(struct pages *p, unsigned int order)
{
	unsigned int from = order;
	uint32_t page;

	while (from < ORDERS && p->head[from] == PAGES_NONE)
		from++;
	if (from >= ORDERS)
		return PAGES_NONE;
	page = p->head[from];
	take(p, page);
	/* what is too much goes back, the upper half each time */
	while (from > order) {
		from--;
		push(p, page + (1u << from), from);
	}
	p->left -= 1u << order;
	return page;
}

void pages_free(struct pages *p, uint32_t page, unsigned int order)
{
	p->left += 1u << order;
	for (; order < PAGES_ORDER_MAX; order++) {
		uint32_t buddy = page ^ (1u << order);

		if (p->order[buddy] != order)
			break;
		take(p, buddy);
		page &= ~(1u << order);
	}
	push(p, page, order);
}

uint32_t pages_left(const struct pages *p)
{
	return p->left;
}
