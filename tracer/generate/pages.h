/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * pages.h - a model of Linux's page allocator: which guest pages a driver gets.
 *
 * Purpose:  a buddy allocator with orders 0 to 10 whose free lists are last in, first out, like the kernel's (Documentation/mm/page_allocation
 *           and mm/page_alloc.c's description of the buddy system). Left out: per-CPU lists, zones, migrate types, reclaim.
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_GENERATE_PAGES_H
#define EGPU_TRACER_GENERATE_PAGES_H

#include <stdint.h>

#define PAGES_BYTES 4096ull
#define PAGES_ORDER_MAX 10u
#define PAGES_BLOCK (1u << PAGES_ORDER_MAX)
#define PAGES_NONE UINT32_MAX
#define PAGES_MAX (1u << 28)

struct pages;

/** pages_new() - @n pages, a multiple of PAGES_BLOCK up to PAGES_MAX, all free. Return: NULL without memory. */
struct pages *pages_new(uint32_t n);
void pages_delete(struct pages *p); /* NULL is allowed */

/** pages_alloc() - 2^@order pages in a row. Return: the first, a multiple of 2^@order; PAGES_NONE. */
uint32_t pages_alloc(struct pages *p, unsigned int order);

/** pages_free() - give back what pages_alloc() gave, or any part of it that is aligned to its own length. */
void pages_free(struct pages *p, uint32_t page, unsigned int order);

uint32_t pages_left(const struct pages *p); /* free ones */

#endif
