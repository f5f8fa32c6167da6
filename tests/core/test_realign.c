/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The shims that ask the host again: what they reach in front of a DART, and what must hold whatever they try. */
#include "tests/core/coalesce_world.h"

#define STEPS 4000

static struct world *open_with(const char *spec, u32 shim, u32 refuse_percent)
{
	struct world *w = malloc(sizeof(*w));
	struct coalesce_host host = { fickle_submit, &w->host };
	struct dart_limits limits = dart_models[0];

	world_open(w, spec, refuse_percent);
	dart_free(w->host.dart);
	limits.aperture_iova.len = (u64)64 << 20;
	w->host.dart = dart_new(&limits);
	w->cfg.shim = shim;
	w->c = coalesce_init(w->mem, &w->cfg, &host, w->entries);
	assert_non_null(w->c);
	return w;
}

static void close_world(struct world *w)
{
	coalesce_release_all(w->c);
	world_close(w);
	free(w);
}

static struct coalesce_request wish(u64 gpa, u64 len, u8 align_log2)
{
	return (struct coalesce_request){ .gpa = { gpa, len }, .dir = COMPANION_DIR_BOTH, .align_log2 = align_log2 };
}

/* the device reaches what was asked for at the address that was given */
static void check_reaches(const struct world *w, const struct coalesce_request *r)
{
	u64 len = r->gpa.len, gpa;

	assert_int_equal(dart_translate(w->host.dart, r->iova, &len, &gpa), 0);
	assert_int_equal(gpa, r->gpa.start);
	assert_int_equal(len, r->gpa.len);
	assert_int_equal(!align_met(r->iova, r->align_log2), !!(r->flags & COMPANION_REC_MISALIGNED));
}

static void test_pad_aligns_what_has_memory_before_it(void **state)
{
	struct world *w = open_with("direct", ALIGN_PAD, 0);
	struct coalesce_request small = wish(0, 4096, 0), r = wish(8 << 20, 2 << 20, 21), low = wish(16384, 2 << 20, 21);

	(void)state;
	assert_int_equal(coalesce_map(w->c, &small, 1), 0);
	assert_int_equal(coalesce_map(w->c, &r, 1), 0);
	check_reaches(w, &r);
	assert_int_equal(r.flags, 0);
	/* nothing is left of the one that was misaligned; what is padded takes up to 2 MiB more */
	assert_int_equal(coalesce_stats(w->c)->live_mappings, 2);
	assert_in_range(coalesce_stats(w->c)->live_mapped_bytes, (2 << 20) + 16384, (4 << 20) + 16384);
	/* 16 KiB before it are not enough */
	assert_int_equal(coalesce_map(w->c, &low, 1), 0);
	check_reaches(w, &low);
	assert_int_equal(coalesce_stats(w->c)->align_missed, !!(low.flags & COMPANION_REC_MISALIGNED));
	assert_int_equal(dart_stats(w->host.dart)->live_mappings, coalesce_stats(w->c)->live_mappings);
	close_world(w);
}

static void test_retry_aligns_what_some_next_place_does(void **state)
{
	struct world *w = open_with("window:log2=18", ALIGN_RETRY, 0);
	struct coalesce_request small = wish(1 << 20, 4096, 0), r = wish((1 << 20) + 16384, 16384, 16);

	(void)state;
	assert_int_equal(coalesce_map(w->c, &small, 1), 0);
	/* shares the window, 16 KiB from its start; of four places of 16 KiB one is a multiple of 64 */
	assert_int_equal(coalesce_map(w->c, &r, 1), 0);
	check_reaches(w, &r);
	assert_int_equal(r.flags, 0);
	assert_int_equal(coalesce_stats(w->c)->hits, 0);
	assert_int_equal(coalesce_stats(w->c)->live_mappings, 2);
	assert_int_equal(dart_stats(w->host.dart)->live_mappings, 2);
	assert_int_equal(coalesce_unmap(w->c, &r, 1), 0);
	assert_int_equal(dart_stats(w->host.dart)->live_mappings, 1);
	close_world(w);
}

static void test_what_starts_within_a_granule_costs_no_call(void **state)
{
	u32 shim;

	(void)state;
	for (shim = ALIGN_PAD; shim <= ALIGN_RETRY; shim++) {
		struct world *w = open_with("direct", shim, 0);
		struct coalesce_request r = wish((8 << 20) + 4096, 4096, 16);

		assert_int_equal(coalesce_map(w->c, &r, 1), 0);
		assert_int_equal(r.flags, COMPANION_REC_MISALIGNED);
		assert_int_equal(coalesce_stats(w->c)->host_maps, 1);
		close_world(w);
	}
}

static struct coalesce_request random_request(void)
{
	static const u8 wishes[] = { 0, 0, 14, 16, 16, 21 };
	u8 align_log2 = wishes[random_below(sizeof(wishes))];
	u64 granules = random_below(8) ? 1 + random_below(8) : 128;

	return wish((u64)random_below(2048) << 14 | (random_below(4) ? 0 : 4096), granules << (random_below(2) ? 14 : 12), align_log2);
}

/* maps and unmaps at random, whole batches of them, in front of a host that refuses now and then */
static void random_steps(const char *spec, u32 shim, u32 refuse_percent)
{
	struct world *w = open_with(spec, shim, refuse_percent);
	struct coalesce_request live[REQUESTS_MAX], r[BATCH_MAX];
	u32 n = 0, i, step;
	u64 missed = 0;

	for (step = 0; step < STEPS; step++) {
		u32 batch = 1 + random_below(BATCH_MAX);

		if (n + batch <= REQUESTS_MAX / 2 && random_below(2)) {
			for (i = 0; i < batch; i++)
				r[i] = random_request();
			coalesce_map(w->c, r, batch);
			for (i = 0; i < batch; i++) {
				if (r[i].status)
					continue;
				check_reaches(w, &r[i]);
				missed += !!(r[i].flags & COMPANION_REC_MISALIGNED);
				live[n++] = r[i];
			}
		} else if (n) {
			u32 k = random_below(n);

			check_reaches(w, &live[k]);
			assert_int_equal(coalesce_unmap(w->c, &live[k], 1), 0);
			live[k] = live[--n];
		}
		assert_int_equal(coalesce_stats(w->c)->live_requests, n);
		assert_int_equal(coalesce_stats(w->c)->align_missed, missed);
		assert_int_equal(coalesce_stats(w->c)->live_mappings, dart_stats(w->host.dart)->live_mappings);
		assert_int_equal(coalesce_stats(w->c)->live_mapped_bytes, dart_stats(w->host.dart)->live_bytes);
	}
	for (i = 0; i < n; i++)
		check_reaches(w, &live[i]);
	close_world(w);
}

static void test_random_steps_keep_every_request_reachable(void **state)
{
	static const char *const specs[] = { "direct", "each", "window:log2=18", "lazy:log2=16,keep=2", "grow:max=20", "grow:max=20,keep=2", "merge", "budget" };
	u32 i, shim;

	(void)state;
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		for (shim = ALIGN_PAD; shim <= ALIGN_RETRY; shim++) {
			random_steps(specs[i], shim, 0);
			random_steps(specs[i], shim, 20);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pad_aligns_what_has_memory_before_it),
		cmocka_unit_test(test_retry_aligns_what_some_next_place_does),
		cmocka_unit_test(test_what_starts_within_a_granule_costs_no_call),
		cmocka_unit_test(test_random_steps_keep_every_request_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
