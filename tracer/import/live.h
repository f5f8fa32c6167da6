/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * live.h - the requests that an importer has seen mapped and not yet unmapped.
 *
 * Purpose:  finds what an unmap line ends. The same address may be live several times; the newest that fits best is taken.
 * Compiled: the importers. Map and unmap are O(1) on average; memory follows the number of live requests.
 */
#ifndef EGPU_TRACER_IMPORT_LIVE_H
#define EGPU_TRACER_IMPORT_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* how a request was made, hence by which line it ends */
enum live_class {
	LIVE_SINGLE, /* map_page, map_phys, map_resource; by DMA address */
	LIVE_ALLOC,  /* dma_alloc…; by DMA address */
	LIVE_SG,     /* map_sg; by first physical address */
	LIVE_ALIAS,  /* a second report of a LIVE_SINGLE; by its own DMA address */
};

struct live_element {
	uint64_t gpa;
	uint64_t len;
	uint64_t iova;
};

/**
 * struct live_request - what one line mapped.
 * @device, @class, @key: what it is found by
 * @size:  bytes of a single one, or the number of elements given to map_sg (the kernel may have shown fewer): breaks ties
 * @dir:   COMPANION_DIR_…
 * @n:     elements
 */
struct live_request {
	struct live_request *next;
	uint64_t key;
	uint64_t size;
	uint16_t device;
	uint8_t class;
	uint8_t dir;
	size_t n;
	struct live_element element[];
};

struct live;

struct live *live_new(void);      /* NULL without memory */
void live_free(struct live *live); /* NULL is allowed */

/** live_add() - a request of @n elements, for the caller to fill in. Return: NULL without memory. */
struct live_request *live_add(struct live *live, uint16_t device, enum live_class class, uint64_t key, uint64_t size, size_t n);

/** live_find() - Return: the newest request of that @size, else the newest, else NULL. It stays live. */
struct live_request *live_find(struct live *live, uint16_t device, enum live_class class, uint64_t key, uint64_t size);

/** live_remove() - end @request and free it. */
void live_remove(struct live *live, struct live_request *request);

/** live_elements() - elements live now, aliases not counted. */
uint64_t live_elements(const struct live *live);

#endif
