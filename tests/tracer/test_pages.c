/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The model of a page allocator: no two live blocks overlap, the account is exact, and what is given back grows together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/generate/pages.h"

#define N (8 * PAGES_BLOCK)
#define LIVE_MAX N

struct live {
	uint32_t page;
	unsigned int order;
};

static bool used[N];
static struct live live[LIVE_MAX];

static void mark(const struct live *l, bool now)
{
	for (uint32_t i = 0; i < 1u << l->order; i++) {
		assert_int_equal(used[l->page + i], !now);
		used[l->page + i] = now;
	}
}

static void test_random_play_never_overlaps_and_merges_in_the_end(void **state)
{
	struct pages *p = pages_new(N);
	uint32_t n = 0, left = N, page, step;

	(void)state;
	assert_non_null(p);
	memset(used, 0, sizeof(used));
	srand(7);
	for (step = 0; step < 200000; step++) {
		if (rand() % 100 < (step / 20000 % 2 ? 45 : 55)) {
			struct live l = { .order = (unsigned int)(rand() % 100 < 80 ? 0 : rand() % (int)(PAGES_ORDER_MAX + 1)) };

			l.page = pages_alloc(p, l.order);
			if (l.page == PAGES_NONE)
				continue;
			assert_true(l.page % (1u << l.order) == 0 && l.page + (1u << l.order) <= N);
			mark(&l, true);
			left -= 1u << l.order;
			live[n++] = l;
		} else if (n) {
			uint32_t i = (uint32_t)rand() % n;

			mark(&live[i], false);
			pages_free(p, live[i].page, live[i].order);
			left += 1u << live[i].order;
			live[i] = live[--n];
		}
		assert_int_equal(pages_left(p), left);
	}
	while (n--)
		pages_free(p, live[n].page, live[n].order);
	for (page = 0; page < N; page += PAGES_BLOCK)
		assert_int_not_equal(pages_alloc(p, PAGES_ORDER_MAX), PAGES_NONE);
	assert_int_equal(pages_left(p), 0);
	assert_int_equal(pages_alloc(p, 0), PAGES_NONE);
	pages_delete(p);
}

static void test_block_taken_as_pages_and_given_back_page_by_page_is_whole_again(void **state)
{
	struct pages *p = pages_new(PAGES_BLOCK);
	uint32_t i;

	(void)state;
	for (i = 0; i < PAGES_BLOCK; i++)
		assert_int_not_equal(pages_alloc(p, 0), PAGES_NONE);
	for (i = 0; i < PAGES_BLOCK; i++)
		pages_free(p, (i * 7) % PAGES_BLOCK, 0);
	assert_int_equal(pages_alloc(p, PAGES_ORDER_MAX), 0);
	pages_delete(p);
}

static void test_what_was_freed_last_is_given_first(void **state)
{
	struct pages *p = pages_new(PAGES_BLOCK);
	uint32_t a, b;

	(void)state;
	a = pages_alloc(p, 0);
	b = pages_alloc(p, 0);
	assert_int_equal(b, a + 1);
	pages_alloc(p, 1);
	pages_free(p, a, 0);
	assert_int_equal(pages_alloc(p, 0), a);
	pages_delete(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_play_never_overlaps_and_merges_in_the_end),
		cmocka_unit_test(test_block_taken_as_pages_and_given_back_page_by_page_is_whole_again),
		cmocka_unit_test(test_what_was_freed_last_is_given_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
