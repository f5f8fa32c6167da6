// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Real fragmentation: nearly all free memory is taken as single pages, then a pattern of holes is given back. What is allocated later comes
 * out of Linux's own page allocator, from those holes.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "runtime/guest/egpu_gpu_device.h"

#define GRANULE_PAGES 4ul
#define BLOCK_PAGES (EGPU_CONTIGUOUS_BYTES_MAX / PAGE_SIZE)
#define KEEP_BYTES_MIN (16ull << 20)
#define PAGES_PER_LOOK 64 /* pages taken between looks at how much is free */

/**
 * struct holes - the pattern in the making.
 * @ballast: where the pages come from
 * @f:       what is wanted, and the account of what was done
 * @random:  state of the sequence
 * @units:   numbers of clusters or blocks, in random order
 * @nunits:  how many there are
 */
struct holes {
	struct egpu_ballast *ballast;
	struct egpu_fragment *f;
	u64 random;
	u32 *units;
	unsigned long nunits;
};

static u32 below(struct holes *h, u32 bound)
{
	return (u32)(egpu_random(&h->random) >> 32) % bound;
}

static bool enough_taken(u64 keep_bytes)
{
	struct sysinfo info;

	si_meminfo(&info);
	return (u64)info.freeram << PAGE_SHIFT <= keep_bytes;
}

static void give_back(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru)
		__free_page(page);
	INIT_LIST_HEAD(pages);
}

/* single pages until @keep_bytes are left; first and last page frame seen go to @ballast */
static int take_pages(struct egpu_ballast *ballast, u64 keep_bytes, struct list_head *pages)
{
	unsigned long last = 0, n = 0;

	ballast->first = ~0ul;
	for (;; n++) {
		struct page *page;

		if (n % PAGES_PER_LOOK == 0) {
			if (enough_taken(keep_bytes))
				break;
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
		if (!page)
			break;
		list_add(&page->lru, pages);
		ballast->first = min(ballast->first, page_to_pfn(page));
		last = max(last, page_to_pfn(page));
	}
	if (n == 0)
		return -ENOMEM;
	ballast->first = round_down(ballast->first, BLOCK_PAGES);
	ballast->npages = round_up(last + 1 - ballast->first, BLOCK_PAGES);
	return 0;
}

static bool held(const struct egpu_ballast *b, unsigned long k)
{
	return test_bit(k, b->map);
}

static void release(struct egpu_ballast *b, unsigned long k)
{
	__clear_bit(k, b->map);
	__free_page(pfn_to_page(b->first + k));
}

void egpu_fragment_release(struct egpu_ballast *b)
{
	unsigned long k;

	if (!b->map)
		return;
	for_each_set_bit(k, b->map, b->npages)
		release(b, k);
	vfree(b->map);
	b->map = NULL;
}

/* numbers 0..n-1 in random order */
static int shuffle_units(struct holes *h, unsigned long n)
{
	u32 i;

	h->nunits = n;
	h->units = vmalloc(n * sizeof(*h->units));
	if (!h->units)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		h->units[i] = i;
	for (i = n - 1; i > 0; i--) {
		u32 other = below(h, i + 1);

		swap(h->units[i], h->units[other]);
	}
	return 0;
}

static int free_blocks(struct holes *h)
{
	struct egpu_ballast *b = h->ballast;
	u64 left = h->f->blocks_bytes;
	unsigned long u, k;
	int rc = shuffle_units(h, b->npages / BLOCK_PAGES);

	for (u = 0; rc == 0 && u < h->nunits && left >= EGPU_CONTIGUOUS_BYTES_MAX; u++) {
		unsigned long at = h->units[u] * BLOCK_PAGES;

		if (find_next_zero_bit(b->map, at + BLOCK_PAGES, at) < at + BLOCK_PAGES)
			continue;
		for (k = at; k < at + BLOCK_PAGES; k++)
			release(b, k);
		left -= EGPU_CONTIGUOUS_BYTES_MAX;
		cond_resched();
	}
	vfree(h->units);
	return rc;
}

/* free some of the held pages of the granule at @at */
static void free_holes(struct holes *h, unsigned long at)
{
	struct egpu_fragment *f = h->f;
	u32 want = f->pages_min + below(h, f->pages_max - f->pages_min + 1);
	u32 k, start = below(h, GRANULE_PAGES), got = 0;

	for (k = 0; k < GRANULE_PAGES && got < want; k++) {
		unsigned long page = at + (start + k) % GRANULE_PAGES;

		if (!held(h->ballast, page))
			continue;
		release(h->ballast, page);
		got++;
	}
	f->hole_pages += got;
	f->hole_granules += got != 0;
}

static int free_clusters(struct holes *h)
{
	unsigned long cluster = 1ul << (h->f->cluster_log2 - PAGE_SHIFT);
	unsigned long u, at;
	int rc = shuffle_units(h, DIV_ROUND_UP(h->ballast->npages, cluster));

	for (u = 0; rc == 0 && u < h->nunits; u++) {
		unsigned long first = h->units[u] * cluster;
		unsigned long end = min(first + cluster, h->ballast->npages);

		for (at = first; at < end; at += GRANULE_PAGES) {
			if (below(h, 100) < h->f->touched_percent)
				free_holes(h, at);
		}
		cond_resched();
	}
	vfree(h->units);
	return rc;
}

static bool pattern_valid(const struct egpu_fragment *f)
{
	return f->keep_bytes >= KEEP_BYTES_MIN && f->touched_percent <= 100 && f->pages_min >= 1 && f->pages_min <= f->pages_max &&
	       f->pages_max <= GRANULE_PAGES && f->cluster_log2 >= 14 && f->cluster_log2 <= 24;
}

static int take_ballast(struct egpu_ballast *ballast, u64 keep_bytes)
{
	LIST_HEAD(pages);
	struct page *page, *next;
	int rc = take_pages(ballast, keep_bytes, &pages);

	if (rc)
		goto out_give_back;
	rc = -ENOMEM;
	ballast->map = vzalloc(BITS_TO_LONGS(ballast->npages) * sizeof(long));
	if (!ballast->map)
		goto out_give_back;
	list_for_each_entry_safe(page, next, &pages, lru) {
		list_del(&page->lru);
		__set_bit(page_to_pfn(page) - ballast->first, ballast->map);
	}
	return 0;

out_give_back:
	give_back(&pages);
	return rc;
}

int egpu_fragment(struct egpu_ballast *ballast, struct egpu_fragment *f)
{
	struct holes h = { .ballast = ballast, .f = f, .random = f->seed };
	int rc;

	if (!pattern_valid(f))
		return -EINVAL;
	egpu_fragment_release(ballast);
	f->hole_pages = 0;
	f->hole_granules = 0;
	rc = take_ballast(ballast, f->keep_bytes);
	if (rc)
		return rc;
	rc = free_blocks(&h);
	if (rc == 0)
		rc = free_clusters(&h);
	f->held_bytes = (u64)bitmap_weight(ballast->map, ballast->npages) << PAGE_SHIFT;
	if (rc)
		egpu_fragment_release(ballast);
	return rc;
}
