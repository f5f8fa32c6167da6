/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/generate/ballast.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/guest/egpu_gpu.h"

#define GRANULE_PAGES 4u

/**
 * struct ballast - the pattern in the making.
 * @held:  by page
 * @units: numbers of clusters or blocks, in random order
 */
struct ballast {
	struct pages *pages;
	const struct workload_step *step;
	__u64 random;
	uint32_t npages;
	bool *held;
	uint32_t *units;
};

static uint32_t below(struct ballast *b, uint32_t bound)
{
	return (uint32_t)(egpu_random(&b->random) >> 32) % bound;
}

static void release(struct ballast *b, uint32_t page)
{
	b->held[page] = false;
	pages_free(b->pages, page, 0);
}

/* numbers 0..n-1 in random order */
static void shuffle(struct ballast *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		b->units[i] = i;
	for (i = n - 1; i > 0; i--) {
		uint32_t other = below(b, i + 1), unit = b->units[i];

		b->units[i] = b->units[other];
		b->units[other] = unit;
	}
}

static bool whole(const struct ballast *b, uint32_t first)
{
	uint32_t i;

	for (i = 0; i < PAGES_BLOCK; i++) {
		if (!b->held[first + i])
			return false;
	}
	return true;
}

static void free_blocks(struct ballast *b, uint64_t left_bytes)
{
	uint32_t u, i, n = b->npages / PAGES_BLOCK;

	shuffle(b, n);
	for (u = 0; u < n && left_bytes >= PAGES_BLOCK * PAGES_BYTES; u++) {
		uint32_t first = b->units[u] * PAGES_BLOCK;

		if (!whole(b, first))
			continue;
		for (i = 0; i < PAGES_BLOCK; i++)
			release(b, first + i);
		left_bytes -= PAGES_BLOCK * PAGES_BYTES;
	}
}

/* some of the held pages of the granule at @at */
static void free_holes(struct ballast *b, uint32_t at)
{
	uint32_t least = (uint32_t)b->step->pages_min, want = least + below(b, (uint32_t)b->step->pages_max - least + 1);
	uint32_t i, start = below(b, GRANULE_PAGES), got = 0;

	for (i = 0; i < GRANULE_PAGES && got < want; i++) {
		uint32_t page = at + (start + i) % GRANULE_PAGES;

		if (!b->held[page])
			continue;
		release(b, page);
		got++;
	}
}

static void free_clusters(struct ballast *b)
{
	uint32_t cluster = (uint32_t)(b->step->cluster_bytes / PAGES_BYTES), n = (b->npages + cluster - 1) / cluster;
	uint32_t u, at;

	shuffle(b, n);
	for (u = 0; u < n; u++) {
		uint32_t first = b->units[u] * cluster, end = first + cluster < b->npages ? first + cluster : b->npages;

		for (at = first; at < end; at += GRANULE_PAGES) {
			if (below(b, 100) < b->step->touched_percent)
				free_holes(b, at);
		}
	}
}

int ballast_take(struct pages *p, bool *held, uint32_t npages, const struct workload_step *step, uint64_t seed, uint64_t scale)
{
	struct ballast b = { .pages = p, .step = step, .random = seed, .npages = npages, .held = held };
	uint64_t keep = step->keep_bytes * scale / PAGES_BYTES;
	uint32_t page;

	/* a unit is a granule at least */
	b.units = malloc((npages / GRANULE_PAGES + 1) * sizeof(*b.units));
	if (!b.units)
		return -ENOMEM;
	for (page = 0; page < npages; page++) {
		if (held[page])
			release(&b, page);
	}
	while (pages_left(p) > keep)
		held[pages_alloc(p, 0)] = true;
	free_blocks(&b, step->blocks_bytes * scale);
	free_clusters(&b);
	free(b.units);
	return 0;
}
