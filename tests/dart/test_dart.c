/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The simulated DART against a naive model: an array of granules, each with its mapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/dart/dart.h"

#define GRANULE_LOG2 14
#define GRANULES 256
#define APERTURE_IOVA ((u64)1 << 20)
#define STEPS 60000
#define NOT_MAPPED 1 /* address of a granule that is only reserved, behind a mapping */

struct naive {
	u32 owner[GRANULES]; /* 0 = free, else number of the mapping */
	u64 gpa[GRANULES];   /* of each granule */
	u64 live, granules;
	u64 max_mappings, max_granules;
	u32 last_owner;
	enum dart_fit fit;
	u32 next; /* granule behind the last mapping made */
};

static u64 random_state = 0x1234567;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

static bool naive_free(const struct naive *m, u32 at, u32 n)
{
	u32 i;

	if (at + n > GRANULES)
		return false;
	for (i = at; i < at + n; i++)
		if (m->owner[i])
			return false;
	return true;
}

/* length of the hole that starts at @at; 0 if none starts there */
static u32 naive_hole(const struct naive *m, u32 at)
{
	u32 n = 0;

	if (at > 0 && !m->owner[at - 1])
		return 0;
	while (at + n < GRANULES && !m->owner[at + n])
		n++;
	return n;
}

static u32 power_of_two_from(u32 n)
{
	u32 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* by looking at every address; GRANULES if there is none. The aperture starts at a multiple of 2^20, 64 granules */
static u32 naive_place(const struct naive *m, u32 n)
{
	const u32 base = (u32)(APERTURE_IOVA >> GRANULE_LOG2), block = power_of_two_from(n);
	u32 at, best = GRANULES;

	for (at = 0; at < GRANULES; at++) {
		switch (m->fit) {
		case DART_FIT_NEXT:
			if (naive_free(m, at, n) && (best == GRANULES || (best < m->next && at >= m->next)))
				best = at;
			break;
		case DART_FIT_BEST:
			if (naive_hole(m, at) >= n && (best == GRANULES || naive_hole(m, at) < naive_hole(m, best)))
				best = at;
			break;
		case DART_FIT_TOP:
			if (naive_free(m, at, n) && (base + at) % block == 0)
				best = at;
			break;
		case DART_FIT_BUDDY:
			if (naive_free(m, at, block) && (base + at) % block == 0 && best == GRANULES)
				best = at;
			break;
		default:
			if (naive_free(m, at, n) && best == GRANULES)
				best = at;
		}
	}
	return best;
}

static int naive_map(struct naive *m, u64 gpa, u32 n, u64 *iova)
{
	u32 at, i, all = m->fit == DART_FIT_BUDDY ? power_of_two_from(n) : n;

	if (m->live == m->max_mappings)
		return -ENOSPC;
	if (m->granules + n > m->max_granules)
		return -EDQUOT;
	at = naive_place(m, n);
	if (at == GRANULES)
		return -EADDRNOTAVAIL;
	m->last_owner++;
	for (i = 0; i < all; i++) {
		m->owner[at + i] = m->last_owner;
		m->gpa[at + i] = i < n ? gpa + ((u64)i << GRANULE_LOG2) : NOT_MAPPED;
	}
	m->live++;
	m->granules += n;
	m->next = at + all;
	*iova = APERTURE_IOVA + ((u64)at << GRANULE_LOG2);
	return 0;
}

static int naive_map_at(struct naive *m, u64 gpa, u32 at, u32 n)
{
	u32 i;

	if (m->live == m->max_mappings)
		return -ENOSPC;
	if (m->granules + n > m->max_granules)
		return -EDQUOT;
	for (i = at; i < at + n; i++)
		if (i >= GRANULES || m->owner[i])
			return -EEXIST;
	m->last_owner++;
	for (i = 0; i < n; i++) {
		m->owner[at + i] = m->last_owner;
		m->gpa[at + i] = gpa + ((u64)i << GRANULE_LOG2);
	}
	m->live++;
	m->granules += n;
	m->next = at + n;
	return 0;
}

static bool naive_starts(const struct naive *m, u32 i)
{
	return m->owner[i] && (i == 0 || m->owner[i - 1] != m->owner[i]);
}

static int naive_unmap(struct naive *m, u32 i, struct span *gpa)
{
	u32 owner = m->owner[i];

	if (!naive_starts(m, i))
		return -ENOENT;
	*gpa = (struct span){ m->gpa[i], 0 };
	for (; i < GRANULES && m->owner[i] == owner; i++) {
		m->owner[i] = 0;
		if (m->gpa[i] == NOT_MAPPED)
			continue;
		gpa->len += (u64)1 << GRANULE_LOG2;
		m->granules--;
	}
	m->live--;
	return 0;
}

static struct dart *new_fitting_dart(u64 mappings, u64 granules, enum dart_fit fit)
{
	struct dart_limits limits = {
		.name = "test",
		.max_mappings = mappings,
		.max_bytes = granules << GRANULE_LOG2,
		.granule_log2 = GRANULE_LOG2,
		.aperture_iova = { APERTURE_IOVA, (u64)GRANULES << GRANULE_LOG2 },
		.fit = fit,
	};
	struct dart *d = dart_new(&limits);

	assert_non_null(d);
	return d;
}

static struct dart *new_dart(u64 mappings, u64 granules)
{
	return new_fitting_dart(mappings, granules, DART_FIT_FIRST);
}

static void check_translation(const struct dart *d, const struct naive *m)
{
	u32 i = random_below(GRANULES), end = i;
	u64 offset = random_below(1 << GRANULE_LOG2);
	u64 len = 1 + random_below(6 << GRANULE_LOG2), wanted = len, gpa = 0, room;
	int rc = dart_translate(d, APERTURE_IOVA + ((u64)i << GRANULE_LOG2) + offset, &len, &gpa);

	if (!m->owner[i] || m->gpa[i] == NOT_MAPPED) {
		assert_int_equal(rc, -EFAULT);
		return;
	}
	while (end < GRANULES && m->owner[end] == m->owner[i] && m->gpa[end] != NOT_MAPPED)
		end++;
	room = ((u64)(end - i) << GRANULE_LOG2) - offset;
	assert_int_equal(rc, 0);
	assert_int_equal(gpa, m->gpa[i] + offset);
	assert_int_equal(len, wanted < room ? wanted : room);
}

/* walk over everything that is mapped; Return: how many mappings */
static u64 check_walk(const struct dart *d, const struct naive *m)
{
	u64 seen = 0, from = 0, gpa;
	struct span iova;

	for (; dart_next(d, from, &iova, &gpa); from = span_last(iova) + 1, seen++) {
		u64 i = (iova.start - APERTURE_IOVA) >> GRANULE_LOG2;

		assert_true(iova.start >= from);
		assert_true(naive_starts(m, (u32)i));
		assert_int_equal(m->gpa[i], gpa);
	}
	return seen;
}

static void check_space(const struct dart *d, const struct naive *m)
{
	struct dart_space s = dart_space(d);
	u32 at, holes = 0, granules = 0, longest = 0;

	for (at = 0; at < GRANULES; at++) {
		u32 n = naive_hole(m, at);

		holes += n > 0;
		granules += n;
		longest = n > longest ? n : longest;
	}
	assert_int_equal(s.holes, holes);
	assert_int_equal(s.free_bytes, (u64)granules << GRANULE_LOG2);
	assert_int_equal(s.longest_bytes, (u64)longest << GRANULE_LOG2);
}

static void unmap_everything(struct dart *d)
{
	struct span iova;
	u64 gpa;

	while (dart_next(d, 0, &iova, &gpa))
		assert_int_equal(dart_unmap(d, iova.start, NULL), 0);
}

static void random_steps_equal_naive(u64 mappings, u64 granules, bool must_fragment, enum dart_fit fit)
{
	struct naive *m = calloc(1, sizeof(*m));
	struct dart *d = new_fitting_dart(mappings, granules, fit);
	const struct dart_stats *s = dart_stats(d);
	u32 step;

	assert_non_null(m);
	m->max_mappings = mappings;
	m->max_granules = granules;
	m->fit = fit;
	for (step = 0; step < STEPS; step++) {
		u64 want_iova = 0, got_iova = 0;

		if (random_below(100) < 55) {
			u32 n = 1 + random_below(random_below(10) ? 4 : 40);
			struct span gpa = { (u64)random_below(1 << 20) << GRANULE_LOG2, (u64)n << GRANULE_LOG2 };
			int want = naive_map(m, gpa.start, n, &want_iova);

			assert_int_equal(dart_map(d, gpa, &got_iova), want);
			assert_int_equal(got_iova, want_iova);
		} else if (random_below(100) < 20) {
			u32 n = 1 + random_below(random_below(10) ? 4 : 40), at = random_below(GRANULES);
			struct span gpa = { (u64)random_below(1 << 20) << GRANULE_LOG2, (u64)n << GRANULE_LOG2 };
			u64 at_iova = APERTURE_IOVA + ((u64)at << GRANULE_LOG2);
			int want = naive_map_at(m, gpa.start, at, n);

			assert_int_equal(dart_map_at(d, gpa, at_iova), want);
			if (!want)
				assert_int_equal((*dart_tag(d, at_iova))++, 0);
		} else {
			u32 i = random_below(GRANULES);
			struct span want_gpa = { 0, 0 }, got_gpa = { 0, 0 };
			int want = naive_unmap(m, i, &want_gpa);

			assert_int_equal(dart_unmap(d, APERTURE_IOVA + ((u64)i << GRANULE_LOG2), &got_gpa), want);
			assert_true(span_equal(want_gpa, got_gpa));
		}
		check_translation(d, m);
		assert_int_equal(s->live_mappings, m->live);
		assert_int_equal(s->live_bytes, m->granules << GRANULE_LOG2);
		if (step % 1000 == 0) {
			assert_int_equal(check_walk(d, m), m->live);
			check_space(d, m);
		}
	}
	assert_true(s->unmap_unknown > 0);
	assert_true(must_fragment ? s->refused_space > 0 : s->refused_count + s->refused_bytes > 0);
	unmap_everything(d);
	assert_int_equal(s->live_mappings, 0);
	assert_int_equal(s->live_bytes, 0);
	dart_free(d);
	free(m);
}

static void test_random_steps_under_count_limit_equal_naive_model(void **state)
{
	(void)state;
	random_steps_equal_naive(40, GRANULES, false, DART_FIT_FIRST);
}

static void test_random_steps_under_byte_limit_equal_naive_model(void **state)
{
	(void)state;
	random_steps_equal_naive(10000, 100, false, DART_FIT_FIRST);
}

static void test_random_steps_without_limits_fragment_and_equal_naive_model(void **state)
{
	int fit;

	(void)state;
	for (fit = 0; fit < DART_FITS; fit++)
		random_steps_equal_naive(10000, GRANULES, true, (enum dart_fit)fit);
}

static void test_mapping_of_more_segments_than_a_command_has_is_refused(void **state)
{
	struct dart_limits limits = dart_models[0];
	u64 piece = (u64)64 << 10, iova;
	struct dart *d;

	(void)state;
	limits.segment_bytes = piece;
	d = dart_new(&limits);
	assert_non_null(d);
	assert_int_equal(dart_map(d, (struct span){ 0, 32 * piece }, &iova), 0);
	assert_int_equal(dart_map(d, (struct span){ 0, 32 * piece + 16384 }, &iova), -E2BIG);
	assert_int_equal(dart_stats(d)->refused_segments, 1);
	assert_string_equal(dart_reason(-E2BIG), "too many segments");
	dart_free(d);
}

static void test_undone_map_takes_the_next_fit_back(void **state)
{
	struct dart *d = new_fitting_dart(10, GRANULES, DART_FIT_NEXT);
	struct span one = { 0, (u64)1 << GRANULE_LOG2 };
	struct dart_stats before = *dart_stats(d);
	u64 iova;

	(void)state;
	assert_int_equal(dart_map(d, one, &iova), 0);
	dart_undo(d, iova, &before);
	assert_int_equal(dart_map(d, one, &iova), 0);
	assert_int_equal(iova, APERTURE_IOVA);
	assert_int_equal(dart_unmap(d, iova, NULL), 0);
	assert_int_equal(dart_map(d, one, &iova), 0);
	assert_int_equal(iova, APERTURE_IOVA + one.len);
	dart_free(d);
}

static void test_map_into_comb_of_holes_fails_fragmented_though_bytes_are_left(void **state)
{
	struct dart *d = new_dart(10000, GRANULES);
	struct span one = { 0, (u64)1 << GRANULE_LOG2 }, two = { 0, (u64)2 << GRANULE_LOG2 };
	u64 iova;
	u32 i;

	(void)state;
	for (i = 0; i < GRANULES; i++)
		assert_int_equal(dart_map(d, one, &iova), 0);
	for (i = 0; i < GRANULES; i += 2)
		assert_int_equal(dart_unmap(d, APERTURE_IOVA + ((u64)i << GRANULE_LOG2), NULL), 0);
	assert_int_equal(dart_map(d, two, &iova), -EADDRNOTAVAIL);
	assert_string_equal(dart_reason(-EADDRNOTAVAIL), "fragmented");
	assert_int_equal(dart_stats(d)->live_bytes, (u64)GRANULES / 2 << GRANULE_LOG2);
	assert_int_equal(dart_unmap(d, APERTURE_IOVA + ((u64)1 << GRANULE_LOG2), NULL), 0);
	assert_int_equal(dart_map(d, two, &iova), 0);
	assert_int_equal(iova, APERTURE_IOVA);
	dart_free(d);
}

static void test_bad_spans_are_refused_invalid_and_counted(void **state)
{
	struct dart *d = new_dart(10, GRANULES);
	u64 g = (u64)1 << GRANULE_LOG2, iova = 7, len = 0, gpa;
	struct span bad[] = { { 0, 0 }, { 1, g }, { g, g - 1 }, { ~(g - 1), 2 * g } };
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(dart_map(d, bad[i], &iova), -EINVAL);
	assert_int_equal(iova, 7);
	assert_int_equal(dart_stats(d)->refused_invalid, 4);
	assert_int_equal(dart_translate(d, APERTURE_IOVA, &len, &gpa), -EINVAL);
	len = 1;
	assert_int_equal(dart_translate(d, 0, &len, &gpa), -EFAULT);
	assert_int_equal(dart_translate(d, ~(u64)0, &len, &gpa), -EFAULT);
	assert_int_equal(dart_unmap(d, ~(u64)0, NULL), -ENOENT);
	assert_int_equal(dart_unmap(d, 0, NULL), -ENOENT);
	dart_free(d);
}

static void test_map_at_outside_the_aperture_or_not_granular_is_refused(void **state)
{
	struct dart *d = new_dart(10, GRANULES);
	struct span one = { 0, (u64)1 << GRANULE_LOG2 };

	(void)state;
	assert_int_equal(dart_map_at(d, one, 0), -EEXIST);
	assert_int_equal(dart_map_at(d, one, ~(u64)0 << GRANULE_LOG2), -EEXIST);
	assert_int_equal(dart_map_at(d, one, APERTURE_IOVA + ((u64)GRANULES << GRANULE_LOG2)), -EEXIST);
	assert_int_equal(dart_map_at(d, one, APERTURE_IOVA + 1), -EINVAL);
	assert_int_equal(dart_map_at(d, (struct span){ 0, one.len * (GRANULES + 1) }, APERTURE_IOVA), -EDQUOT);
	assert_int_equal(dart_map_at(d, (struct span){ 0, one.len * GRANULES }, APERTURE_IOVA), 0);
	assert_int_equal(dart_stats(d)->refused_overlap, 3);
	dart_free(d);
}

static void test_undone_map_leaves_no_trace(void **state)
{
	struct dart *d = new_dart(10, GRANULES);
	struct span one = { 0, (u64)1 << GRANULE_LOG2 };
	struct dart_stats before;
	u64 iova, again;

	(void)state;
	assert_int_equal(dart_map(d, one, &iova), 0);
	before = *dart_stats(d);
	assert_int_equal(dart_map(d, one, &iova), 0);
	dart_undo(d, iova, &before);
	assert_memory_equal(dart_stats(d), &before, sizeof(before));
	assert_int_equal(dart_map(d, one, &again), 0);
	assert_int_equal(again, iova);
	dart_free(d);
}

static void test_new_with_senseless_limits_gives_null(void **state)
{
	struct dart_limits limits = dart_models[0];

	(void)state;
	limits.granule_log2 = 11;
	assert_null(dart_new(&limits));
	limits.granule_log2 = 31;
	assert_null(dart_new(&limits));
	limits.granule_log2 = 14;
	limits.aperture_iova.start += 4096;
	assert_null(dart_new(&limits));
	limits.aperture_iova = (struct span){ 0, 0 };
	assert_null(dart_new(&limits));
}

static void test_published_limits_refuse_one_mapping_more(void **state)
{
	struct dart *d = dart_new(&dart_models[0]);
	struct span one = { 0, 16384 }, large = { 0, (u64)1536 << 20 };
	u64 iova;
	u32 i;

	(void)state;
	assert_int_equal(dart_map(d, large, &iova), 0);
	assert_int_equal(dart_map(d, one, &iova), -EDQUOT);
	unmap_everything(d);
	for (i = 0; i < 65536; i++)
		assert_int_equal(dart_map(d, one, &iova), 0);
	assert_int_equal(dart_map(d, one, &iova), -ENOSPC);
	dart_free(d);
}

static void test_good_specs_parse_and_format_back(void **state)
{
	struct dart_limits limits, again;
	char text[DART_TEXT_BYTES];

	(void)state;
	assert_int_equal(dart_parse("apple-tb4", &limits), 0);
	dart_format(&limits, text, sizeof(text));
	assert_string_equal(text, "apple-tb4:mappings=65536,bytes=1610612736,granule_log2=14");
	assert_int_equal(dart_parse("apple-tb4:bytes=2G,mappings=64K,granule_log2=16", &limits), 0);
	assert_int_equal(limits.max_bytes, (u64)2 << 30);
	assert_int_equal(limits.max_mappings, 65536);
	assert_int_equal(limits.granule_log2, 16);
	dart_format(&limits, text, sizeof(text));
	assert_int_equal(dart_parse(text, &again), 0);
	assert_string_equal(limits.name, again.name);
	assert_int_equal(limits.max_mappings, again.max_mappings);
	assert_int_equal(limits.max_bytes, again.max_bytes);
	assert_int_equal(limits.granule_log2, again.granule_log2);
	assert_true(span_equal(limits.aperture_iova, again.aperture_iova));
	assert_int_equal(dart_parse("unlimited", &limits), 0);
	dart_format(&limits, text, sizeof(text));
	assert_int_equal(dart_parse(text, &again), 0);
	assert_int_equal(again.max_bytes, limits.max_bytes);
	assert_int_equal(dart_parse("apple-tb4:iova=guest", &limits), 0);
	assert_true(limits.guest_iova);
	dart_format(&limits, text, sizeof(text));
	assert_string_equal(text, "apple-tb4:mappings=65536,bytes=1610612736,granule_log2=14,iova=guest");
	assert_int_equal(dart_parse("apple-tb4:fit=buddy,aperture=2G,segment=64K,segments=8", &limits), 0);
	dart_format(&limits, text, sizeof(text));
	assert_string_equal(text, "apple-tb4:mappings=65536,bytes=1610612736,granule_log2=14,aperture=2147483648,segment=65536,segments=8,fit=buddy");
	assert_int_equal(dart_parse(text, &again), 0);
	assert_int_equal(again.fit, DART_FIT_BUDDY);
	assert_int_equal(again.aperture_iova.len, (u64)2 << 30);
	assert_int_equal(again.segment_bytes, 65536);
	assert_int_equal(again.segments, 8);
}

static void test_bad_specs_say_what_is_wrong_and_change_nothing(void **state)
{
	static const struct {
		const char *spec;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ ":", -EINVAL },
		{ "apple", -ENOENT },
		{ "apple-tb4:", -EINVAL },
		{ "apple-tb4:bytes", -EINVAL },
		{ "apple-tb4:bytes=", -EINVAL },
		{ "apple-tb4:bytes=K", -EINVAL },
		{ "apple-tb4:bytes=1x", -EINVAL },
		{ "apple-tb4:bytes=1M,", -EINVAL },
		{ "apple-tb4:=1", -EINVAL },
		{ "apple-tb4:pages=1", -ESRCH },
		{ "apple-tb4:mappings=0", -ERANGE },
		{ "apple-tb4:mappings=99999999999999999999999", -ERANGE },
		{ "apple-tb4:bytes=99999999999G", -ERANGE },
		{ "apple-tb4:iova=nobody", -EINVAL },
		{ "apple-tb4:fit=worst", -EINVAL },
		{ "apple-tb4:aperture=0", -ERANGE },
		{ "apple-tb4:aperture=20K", -ERANGE },
		{ "apple-tb4:aperture=8192T", -EINVAL },
		{ "apple-tb4:segments=0", -ERANGE },
		{ "apple-tb4:granule_log2=11", -ERANGE },
		{ "apple-tb4:granule_log2=31", -ERANGE },
		{ "apple-tb4:granule_log2=29", -ERANGE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dart_limits limits = { .name = "untouched" };

		assert_int_equal(dart_parse(bad[i].spec, &limits), bad[i].error);
		assert_string_equal(limits.name, "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps_under_count_limit_equal_naive_model),
		cmocka_unit_test(test_random_steps_under_byte_limit_equal_naive_model),
		cmocka_unit_test(test_random_steps_without_limits_fragment_and_equal_naive_model),
		cmocka_unit_test(test_mapping_of_more_segments_than_a_command_has_is_refused),
		cmocka_unit_test(test_undone_map_takes_the_next_fit_back),
		cmocka_unit_test(test_map_into_comb_of_holes_fails_fragmented_though_bytes_are_left),
		cmocka_unit_test(test_bad_spans_are_refused_invalid_and_counted),
		cmocka_unit_test(test_map_at_outside_the_aperture_or_not_granular_is_refused),
		cmocka_unit_test(test_undone_map_leaves_no_trace),
		cmocka_unit_test(test_new_with_senseless_limits_gives_null),
		cmocka_unit_test(test_published_limits_refuse_one_mapping_more),
		cmocka_unit_test(test_good_specs_parse_and_format_back),
		cmocka_unit_test(test_bad_specs_say_what_is_wrong_and_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
