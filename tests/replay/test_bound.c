/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The bound against every possible set of mappings on small memories, and the union of live spans against a page map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/bound.h"

#define PAGES 10u
#define ROUNDS 400
#define LIVE_MAX 8u
#define GRANULE 16384ull
#define WIDE 4096u

static u64 random_state = 7;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

/* fewest[k]: granules that k mappings need at least so that each live request lies inside one: every choice is tried */
static void try_all(const struct span *live, u32 n, u32 done, u32 k, u32 granules, u32 *fewest)
{
	u32 first, end, i, covered;

	for (covered = 0, i = 0; i < n; i++)
		covered |= !(done & 1u << i);
	if (!covered) {
		if (granules < fewest[k])
			fewest[k] = granules;
		return;
	}
	for (i = 0; done & 1u << i; i++)
		;
	if (k == n)
		return;
	for (first = 0; first <= live[i].start; first++) {
		for (end = (u32)(live[i].start + live[i].len); end <= PAGES; end++) {
			u32 with = done, j;

			for (j = 0; j < n; j++)
				if (live[j].start >= first && live[j].start + live[j].len <= end)
					with |= 1u << j;
			try_all(live, n, with, k + 1, granules + end - first, fewest);
		}
	}
}

/* the same for the relaxed model of the proof: any set of granules that holds all live ones */
static void relaxed(u32 live_mask, u32 *fewest)
{
	u32 set, k, i;

	for (i = 0; i <= PAGES; i++)
		fewest[i] = ~0u;
	for (set = 0; set < 1u << PAGES; set++) {
		if ((set & live_mask) != live_mask)
			continue;
		k = (u32)__builtin_popcount(set & ~(set << 1));
		for (; k <= PAGES; k++)
			if ((u32)__builtin_popcount(set) < fewest[k])
				fewest[k] = (u32)__builtin_popcount(set);
	}
}

static u32 mask_of(const struct span *live, u32 n)
{
	u32 i, mask = 0;

	for (i = 0; i < n; i++)
		mask |= ((1u << live[i].len) - 1) << live[i].start;
	return mask;
}

static struct span bytes_of(struct span granules)
{
	/* a request that touches the granules without filling them */
	return (struct span){ granules.start * GRANULE + 100, granules.len * GRANULE - 200 };
}

static void check_moment(const struct span *live, u32 n, u32 max_mappings, u32 max_granules)
{
	struct dart_limits limits = { .name = "test", .max_mappings = max_mappings, .max_bytes = max_granules * GRANULE, .granule_log2 = 14,
				       .aperture_iova = { 0, 1ull << 40 } };
	u32 fewest[PAGES + 1], real[LIVE_MAX + 1], i, k;
	struct bound b;

	assert_int_equal(bound_init(&b, &limits), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(bound_map(&b, bytes_of(live[i]), i), 0);
	bound_look(&b);
	relaxed(mask_of(live, n), fewest);
	for (k = 0; k < PAGES && fewest[k] > max_granules; k++)
		;
	if (fewest[PAGES] > max_granules)
		assert_int_not_equal(b.found.verdict, BOUND_FITS); /* the mapping limit may have been passed earlier */
	else
		assert_int_equal(b.found.mappings, k);
	if (fewest[PAGES] <= max_granules)
		assert_int_equal(b.found.verdict, k > max_mappings ? BOUND_MAPPINGS : BOUND_FITS);
	assert_int_equal(b.found.bytes, fewest[max_mappings] * GRANULE);
	for (i = 0; i <= LIVE_MAX; i++)
		real[i] = ~0u;
	try_all(live, n, 0, 0, 0, real);
	for (i = 1; i <= n; i++) {
		if (real[i] <= max_granules && i <= max_mappings)
			assert_int_equal(b.found.verdict, BOUND_FITS);
		if (real[i] <= max_granules)
			assert_true(b.found.mappings <= i);
		if (i <= max_mappings && real[i] != ~0u)
			assert_true(b.found.bytes <= real[i] * GRANULE);
	}
	bound_destroy(&b);
}

static void test_no_choice_of_mappings_beats_the_bound(void **state)
{
	struct span live[LIVE_MAX];
	u32 round, i, n;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		n = 1 + random_below(4);
		for (i = 0; i < n; i++) {
			live[i].start = random_below(PAGES - 1);
			live[i].len = 1 + random_below(PAGES - (u32)live[i].start > 3 ? 3 : 1);
		}
		check_moment(live, n, 1 + random_below(4), 1 + random_below(PAGES));
	}
}

static void compare(const struct cover *c, const u32 *map)
{
	u64 covered = 0, gaps = 0, runs = 0, granules = 0;
	u32 i, last = 0;

	for (i = 0; i < WIDE; i++) {
		if (!map[i])
			continue;
		if (runs == 0 || i > last + 1) {
			gaps += runs != 0;
			granules += runs ? i - last - 1 : 0;
			runs++;
		}
		last = i;
		covered++;
	}
	assert_int_equal(c->covered, covered);
	assert_int_equal(c->all.count, gaps);
	assert_int_equal(c->all.granules, granules);
	assert_int_equal(cover_runs(c), runs);
	assert_int_equal(cover_closable(c, granules), gaps);
	assert_int_equal(cover_fill(c, gaps), granules);
}

static void test_union_of_random_spans_equals_a_page_map(void **state)
{
	static struct { u32 first, end; } live[600];
	u32 map[WIDE] = { 0 };
	u32 step, i, k, n = 0;
	struct cover c;

	(void)state;
	assert_int_equal(cover_init(&c), 0);
	for (step = 0; step < 20000; step++) {
		bool add = n == 0 || (n < 600 && random_below(100) < (step / 3000 % 2 ? 30u : 70u));

		k = add ? n : random_below(n);
		if (add) {
			live[k].first = random_below(WIDE - 64);
			live[k].end = live[k].first + 1 + random_below(random_below(8) ? 3 : 60);
			n++;
		}
		assert_int_equal((add ? cover_add : cover_remove)(&c, live[k].first, live[k].end), 0);
		for (i = live[k].first; i < live[k].end; i++)
			map[i] += add ? 1 : ~0u;
		if (!add)
			live[k] = live[--n];
		if (step % 16 == 0)
			compare(&c, map);
	}
	while (n--)
		assert_int_equal(cover_remove(&c, live[n].first, live[n].end), 0);
	assert_int_equal(c.covered + c.all.count, 0);
	cover_destroy(&c);
}

/* gaps of 64 and 65 granules share a class: the bound may only err downwards, and by less than a 32nd */
static void test_long_gaps_of_one_class_err_downwards_only(void **state)
{
	struct cover c;
	u64 at = 0, n;
	u32 i;

	(void)state;
	assert_int_equal(cover_init(&c), 0);
	for (i = 0; i <= 100; i++) {
		assert_int_equal(cover_add(&c, at, at + 1), 0);
		at += 1 + (i % 2 ? 64 : 65);
	}
	for (n = 0; n <= 100; n++) {
		u64 truth = n <= 50 ? n * 64 : 50 * 64 + (n - 50) * 65;

		assert_true(cover_fill(&c, n) <= truth);
		assert_true(cover_fill(&c, n) * 33 >= truth * 32);
		assert_true(cover_closable(&c, truth) >= n);
	}
	cover_destroy(&c);
}

static void test_huge_spans_at_the_ends_of_memory_are_taken(void **state)
{
	struct dart_limits limits = { .name = "test", .max_mappings = 4, .max_bytes = 1ull << 30, .granule_log2 = 14, .aperture_iova = { 0, 1ull << 40 } };
	struct bound b;

	(void)state;
	assert_int_equal(bound_init(&b, &limits), 0);
	assert_int_equal(bound_map(&b, (struct span){ 0, ~0ull }, 1), 0);
	assert_int_equal(bound_map(&b, (struct span){ ~0ull, 1 }, 2), 0);
	assert_int_equal(bound_map(&b, (struct span){ 5, 0 }, 3), 0);
	assert_int_equal(bound_unmap(&b, (struct span){ 0, ~0ull }), 0);
	assert_int_equal(b.found.verdict, BOUND_BYTES);
	assert_int_equal(b.found.misfit_t_ns, 1);
	assert_true(b.found.bytes == ~0ull);
	assert_int_equal(b.cover.covered, 1);
	bound_reset(&b);
	assert_int_equal(b.cover.covered, 0);
	bound_destroy(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_choice_of_mappings_beats_the_bound),
		cmocka_unit_test(test_union_of_random_spans_equals_a_page_map),
		cmocka_unit_test(test_long_gaps_of_one_class_err_downwards_only),
		cmocka_unit_test(test_huge_spans_at_the_ends_of_memory_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
