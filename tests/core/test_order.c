/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Random mappings come and go: after every step the order answers as a plain list does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/core/coalesce_order.h"

#define MAX 200
#define STEPS 20000

static u64 random_state = 7;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

struct list {
	struct coalesce_mapping items[MAX];
	bool live[MAX];
	u32 n;
	struct coalesce_order order;
};

static void check_find(const struct list *l, struct span gpa)
{
	u32 found = coalesce_order_find(&l->order, gpa), i, holders = 0;

	for (i = 0; i < MAX; i++)
		holders += l->live[i] && span_holds(l->items[i].gpa, gpa);
	if (found == COALESCE_NONE)
		assert_int_equal(holders, 0);
	else
		assert_true(l->live[found] && span_holds(l->items[found].gpa, gpa));
}

static void check_before(const struct list *l, u64 gpa)
{
	u64 reach = 1234567, want_reach = 0;
	u32 found = coalesce_order_before(&l->order, gpa, &reach), i, best = COALESCE_NONE;

	for (i = 0; i < MAX; i++) {
		if (!l->live[i] || l->items[i].gpa.start > gpa)
			continue;
		if (best == COALESCE_NONE || l->items[i].gpa.start > l->items[best].gpa.start)
			best = i;
		if (span_last(l->items[i].gpa) > want_reach)
			want_reach = span_last(l->items[i].gpa);
	}
	if (best == COALESCE_NONE) {
		assert_int_equal(found, COALESCE_NONE);
		assert_int_equal(reach, 1234567);
		return;
	}
	assert_true(l->live[found]);
	assert_int_equal(l->items[found].gpa.start, l->items[best].gpa.start);
	assert_int_equal(reach, want_reach);
	/* the last of those that start alike */
	i = coalesce_order_next(&l->order, found);
	assert_true(i == COALESCE_NONE || l->items[i].gpa.start > gpa);
}

static void check_walk(const struct list *l)
{
	u32 i = coalesce_order_first(&l->order), last = COALESCE_NONE, n = 0;

	for (; i != COALESCE_NONE; i = coalesce_order_next(&l->order, i)) {
		assert_true(l->live[i]);
		assert_int_equal(coalesce_order_prev(&l->order, i), last);
		assert_true(last == COALESCE_NONE || l->items[last].gpa.start <= l->items[i].gpa.start);
		last = i;
		n++;
	}
	assert_int_equal(n, l->n);
}

/* now and then at an end of the address space, or the same again */
static struct span random_span(void)
{
	u64 start = random_below(1000) * 16384ull, len = (1 + random_below(random_below(20) ? 10 : 300)) * 16384ull;

	if (random_below(50) == 0)
		start = 0 - len;
	return (struct span){ start, len };
}

static void test_random_steps_equal_a_plain_list(void **state)
{
	struct list *l = calloc(1, sizeof(*l));
	void *mem = malloc(coalesce_order_bytes(MAX));
	u32 step;

	(void)state;
	coalesce_order_init(&l->order, mem, l->items);
	for (step = 0; step < STEPS; step++) {
		u32 i = random_below(MAX);

		/* waves: full, then nearly empty */
		if (l->live[i] && random_below(100) < (step / 1000 % 2 ? 95u : 20u)) {
			coalesce_order_remove(&l->order, i);
			l->live[i] = false;
			l->n--;
		} else if (!l->live[i] && random_below(100) < (step / 1000 % 2 ? 10u : 95u)) {
			l->items[i].gpa = random_span();
			l->live[i] = true;
			l->n++;
			coalesce_order_add(&l->order, i);
		}
		check_find(l, random_span());
		check_before(l, random_below(1300) * 16384ull - 1);
		if (step % 16 == 0)
			check_walk(l);
	}
	free(mem);
	free(l);
}

/* the worst order for a plain tree; 2^16 steps of a chain would take minutes here */
static void test_rising_addresses_do_not_make_a_chain(void **state)
{
	enum { N = 1 << 16 };
	struct coalesce_mapping *items = calloc(N, sizeof(*items));
	void *mem = malloc(coalesce_order_bytes(N));
	struct coalesce_order order;
	u32 i, deepest = 0;

	(void)state;
	coalesce_order_init(&order, mem, items);
	for (i = 0; i < N; i++) {
		items[i].gpa = (struct span){ (u64)i << 14, 1 << 14 };
		coalesce_order_add(&order, i);
	}
	for (i = 0; i < N; i += 7) {
		u32 up = order.nodes[i].up, depth = 1;

		for (; up != COALESCE_NONE; up = order.nodes[up].up)
			depth++;
		deepest = depth > deepest ? depth : deepest;
	}
	assert_in_range(deepest, 16, 64);
	for (i = 0; i < N; i++) {
		assert_int_equal(coalesce_order_find(&order, items[i].gpa), i);
		coalesce_order_remove(&order, i);
	}
	assert_int_equal(order.root, COALESCE_NONE);
	free(mem);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps_equal_a_plain_list),
		cmocka_unit_test(test_rising_addresses_do_not_make_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
