/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is trapped and what is mapped: against a naive map of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "runtime/device/areas.h"

#define PAGE 4096u
#define PAGES 64u

static void test_good_specs_are_understood(void **state)
{
	struct areas a;

	(void)state;
	assert_int_equal(areas_parse("all", &a), 0);
	assert_true(a.all);
	assert_int_equal(areas_parse("none", &a), 0);
	assert_true(!a.all && a.n == 0);
	assert_int_equal(areas_parse("0,2:0x1000-0x1fff", &a), 0);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.trap[0].region, 0);
	assert_true(a.trap[0].span.len == ~(u64)0);
	assert_int_equal(a.trap[1].region, 2);
	assert_true(span_equal(a.trap[1].span, (struct span){ 0x1000, 0x1000 }));
	assert_int_equal(areas_parse("5:16-16", &a), 0);
	assert_true(span_equal(a.trap[0].span, (struct span){ 16, 1 }));
}

static void test_bad_specs_are_refused_and_change_nothing(void **state)
{
	static const char *const bad[] = { "", "6", "0,", ",0", "0:", "0:1", "0:1-", "0:2-1", "0:-1-2", "0 ", "all,0", "x", "0:0-0xffffffffffffffff",
					   "0:99999999999999999999-1", "-1" };
	char many[AREAS_TRAPS_MAX * 2 + 3] = "0";
	struct areas a = { .n = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(areas_parse(bad[i], &a), -EINVAL);
	for (u32 i = 0; i < AREAS_TRAPS_MAX; i++)
		strcat(many, ",0");
	assert_int_equal(areas_parse(many, &a), -E2BIG);
	assert_int_equal(a.n, 7);
}

/* pages that the client may map, by the list */
static void paint(const struct device *d, bool pages[2][PAGES])
{
	memset(pages, 0, 2 * PAGES);
	for (u32 i = 0; i < d->nareas; i++) {
		const struct span s = d->areas[i].span;

		assert_true(s.len && s.start % PAGE == 0 && s.len % PAGE == 0);
		for (u64 p = s.start / PAGE; p < (s.start + s.len) / PAGE; p++) {
			assert_true(p < PAGES && !pages[d->areas[i].region][p]);
			pages[d->areas[i].region][p] = true;
		}
		if (i && d->areas[i - 1].region == d->areas[i].region)
			assert_true(d->areas[i - 1].span.start + d->areas[i - 1].span.len <= s.start);
	}
}

static void test_random_traps_leave_exactly_the_other_pages(void **state)
{
	struct device *d = calloc(1, sizeof(*d));

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		bool want[2][PAGES], got[2][PAGES];
		struct areas a = { .n = 1 + (u32)rand() % 6 };

		d->region_bytes[0] = d->region_bytes[1] = PAGES * PAGE;
		d->nareas = 2;
		d->areas[0] = (struct device_area){ 0, { 0, PAGES * PAGE } };
		d->areas[1] = (struct device_area){ 1, { 8 * PAGE, (PAGES - 8) * PAGE } };
		paint(d, want);
		for (u32 i = 0; i < a.n; i++) {
			u64 start = (u64)rand() % (PAGES * PAGE), len = 1 + (u64)rand() % (8 * PAGE);

			a.trap[i] = (struct device_area){ (u32)rand() % 2, { start, rand() % 20 ? len : ~(u64)0 } };
			for (u64 p = start / PAGE; p < PAGES && (a.trap[i].span.len == ~(u64)0 || p * PAGE < start + len); p++)
				want[a.trap[i].region][p] = false;
		}
		assert_int_equal(areas_trap(d, &a, PAGE), 0);
		paint(d, got);
		assert_memory_equal(want, got, sizeof(want));
	}
	free(d);
}

static void test_what_cannot_be_is_refused_and_changes_nothing(void **state)
{
	struct device *d = calloc(1, sizeof(*d));
	struct areas a = { .n = 1, .trap[0] = { 3, { 0, 1 } } };

	(void)state;
	d->region_bytes[0] = (u64)1 << 30;
	d->nareas = 1;
	d->areas[0] = (struct device_area){ 0, { 0, (u64)1 << 30 } };
	assert_int_equal(areas_trap(d, &a, PAGE), -ERANGE);
	a.trap[0] = (struct device_area){ 0, { (u64)1 << 30, 1 } };
	assert_int_equal(areas_trap(d, &a, PAGE), -ERANGE);
	/* each range cuts one more piece off */
	for (a.n = 0; a.n < AREAS_TRAPS_MAX; a.n++)
		a.trap[a.n] = (struct device_area){ 0, { (a.n + 1) * 65536, 1 } };
	assert_int_equal(areas_trap(d, &a, PAGE), -E2BIG);
	assert_int_equal(d->nareas, 1);
	assert_true(d->areas[0].span.len == (u64)1 << 30);
	assert_int_equal(areas_trap(d, &(struct areas){ .all = true }, PAGE), 0);
	assert_int_equal(d->nareas, 0);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_specs_are_understood),
		cmocka_unit_test(test_bad_specs_are_refused_and_change_nothing),
		cmocka_unit_test(test_random_traps_leave_exactly_the_other_pages),
		cmocka_unit_test(test_what_cannot_be_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
