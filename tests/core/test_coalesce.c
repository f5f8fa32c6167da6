/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The coalescer at its edges: full state, long batches, a host that answers nonsense, drivers that unmap wrongly. */
#include "tests/core/coalesce_world.h"

static struct coalesce_request at(u64 gpa, u64 len)
{
	return (struct coalesce_request){ .gpa = { gpa, len }, .dir = COMPANION_DIR_BOTH };
}

static void test_batch_longer_than_batch_max_makes_one_call_per_slice(void **state)
{
	struct coalesce_request reqs[BATCH_MAX * 3];
	struct world *w = malloc(sizeof(*w));
	u32 i;

	(void)state;
	world_open(w, "direct", 0);
	for (i = 0; i < BATCH_MAX * 3; i++)
		reqs[i] = at(i * 65536ull, 4096);
	assert_int_equal(coalesce_map(w->c, reqs, BATCH_MAX * 3), 0);
	assert_int_equal(w->host.calls, 3);
	assert_int_equal(coalesce_unmap(w->c, reqs, BATCH_MAX * 3), 0);
	assert_int_equal(w->host.calls, 6);
	assert_int_equal(coalesce_stats(w->c)->peak_mappings, BATCH_MAX * 3);
	world_close(w);
	free(w);
}

static void test_requests_beyond_state_fail_enomem_without_asking_the_host(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct coalesce_request r;
	u32 i;

	(void)state;
	world_open(w, "direct", 0);
	for (i = 0; i < MAPPINGS_MAX; i++) {
		r = at(i * 16384ull, 4096);
		assert_int_equal(coalesce_map(w->c, &r, 1), 0);
	}
	r = at(MAPPINGS_MAX * 16384ull, 4096);
	assert_int_equal(coalesce_map(w->c, &r, 1), 1);
	assert_int_equal(r.status, -ENOMEM);
	assert_int_equal(w->host.calls, MAPPINGS_MAX);
	for (i = 0; i < REQUESTS_MAX - MAPPINGS_MAX; i++) {
		r = at(i / 3 * 16384ull + 4096 + i % 3 * 64, 8);
		assert_int_equal(coalesce_map(w->c, &r, 1), 0);
	}
	r = at(2048, 8);
	assert_int_equal(coalesce_map(w->c, &r, 1), 1);
	assert_int_equal(r.status, -ENOMEM);
	r = at(0, 8);
	assert_int_equal(coalesce_map(w->c, &r, 1), 0);
	coalesce_release_all(w->c);
	world_close(w);
	free(w);
}

struct wrong_host {
	u64 iova;
	s32 status;
	u32 unmaps;
};

static int wrong_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct wrong_host *h = ctx;
	u32 i;

	for (i = 0; i < n; i++) {
		entries[i].iova = h->iova;
		entries[i].status = h->status;
	}
	h->unmaps += op == COMPANION_OP_UNMAP ? n : 0;
	return 0;
}

static void test_nonsense_from_the_host_fails_the_request_with_eio(void **state)
{
	static const struct wrong_host answers[] = { { 4096, 0, 0 }, { ~(u64)16383, 0, 0 }, { 0, 5, 0 } };
	struct coalesce_config cfg = { .granule_log2 = 14, .max_mappings = 8, .max_requests = 8, .batch_max = 4 };
	struct companion_entry entries[4];
	struct wrong_host wrong;
	struct coalesce_host host = { wrong_submit, &wrong };
	struct coalesce_request reqs[2];
	struct coalesce *c;
	void *mem;
	u32 i;

	(void)state;
	assert_int_equal(coalesce_parse("direct", &cfg), 0);
	mem = malloc(coalesce_state_bytes(&cfg));
	c = coalesce_init(mem, &cfg, &host, entries);
	for (i = 0; i < 3; i++) {
		wrong = answers[i];
		reqs[0] = at(0, 32768);
		assert_int_equal(coalesce_map(c, reqs, 1), 1);
		assert_int_equal(reqs[0].status, -EIO);
		assert_int_equal(coalesce_stats(c)->live_mappings, 0);
	}
	wrong = (struct wrong_host){ 65536, 0, 0 };
	reqs[0] = at(0, 4096);
	reqs[1] = at(65536, 4096);
	assert_int_equal(coalesce_map(c, reqs, 2), 1);
	assert_int_equal(reqs[0].status, 0);
	assert_int_equal(reqs[1].status, -EIO);
	assert_int_equal(coalesce_stats(c)->live_mappings, 1);
	assert_int_equal(coalesce_stats(c)->live_mapped_bytes, 16384);
	wrong.status = -ENOENT;
	assert_int_equal(coalesce_unmap(c, reqs, 1), 0);
	assert_int_equal(wrong.unmaps, 1);
	assert_int_equal(coalesce_stats(c)->live_mappings, 0);
	free(mem);
}

static void test_unmap_with_wrong_lengths_never_underflows_the_account(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct coalesce_request a = at(0, 4096), b = at(0, 4096), u;
	const struct coalesce_stats *s;

	(void)state;
	world_open(w, "direct", 0);
	s = coalesce_stats(w->c);
	coalesce_map(w->c, &a, 1);
	coalesce_map(w->c, &b, 1);
	u = at(0, (u64)1 << 40);
	u.iova = a.iova;
	assert_int_equal(coalesce_unmap(w->c, &u, 1), 0);
	assert_int_equal(s->live_request_bytes, 0);
	u.gpa.len = 0;
	assert_int_equal(coalesce_unmap(w->c, &u, 1), 0);
	assert_int_equal(s->live_request_bytes, 0);
	assert_int_equal(coalesce_unmap(w->c, &u, 1), 1);
	assert_int_equal(u.status, -ENOENT);
	world_close(w);
	free(w);
}

static void test_wish_for_alignment_is_missed_or_taken_back_by_the_shim(void **state)
{
	/* the last two ask again, in vain: see test_realign.c */
	static const u8 flags[ALIGN_SHIMS] = { COMPANION_REC_MISALIGNED, COMPANION_REC_DOWNGRADED, COMPANION_REC_DOWNGRADED,
					       COMPANION_REC_MISALIGNED, COMPANION_REC_MISALIGNED };
	u32 shim;

	(void)state;
	for (shim = 0; shim < ALIGN_SHIMS; shim++) {
		struct world *w = malloc(sizeof(*w));
		struct coalesce_request first = at(0, 4096), r = at(1 << 20, 4096), wild = at(0, 4096);
		struct coalesce_host host = { fickle_submit, &w->host };
		const struct coalesce_stats *s;

		world_open(w, "direct", 0);
		w->cfg.shim = shim;
		w->c = coalesce_init(w->mem, &w->cfg, &host, w->entries);
		s = coalesce_stats(w->c);
		first.align_log2 = 12;
		r.align_log2 = 21;
		wild.align_log2 = ALIGN_WANTED_LOG2_MAX + 1;
		assert_int_equal(coalesce_map(w->c, &first, 1), 0);
		assert_int_equal(first.flags, 0);
		assert_int_equal(coalesce_map(w->c, &r, 1), 0);
		assert_int_equal(r.flags, flags[shim]);
		assert_int_equal(s->align_wanted, 2);
		assert_int_equal(s->align_missed, flags[shim] == COMPANION_REC_MISALIGNED);
		assert_int_equal(s->align_downgraded, flags[shim] == COMPANION_REC_DOWNGRADED);
		assert_int_equal(coalesce_map(w->c, &wild, 1), 1);
		assert_int_equal(wild.status, -EINVAL);
		coalesce_release_all(w->c);
		world_close(w);
		free(w);
	}
}

static void test_unusable_config_gives_no_state(void **state)
{
	struct coalesce_config good = { .granule_log2 = 14, .max_mappings = 8, .max_requests = 8, .batch_max = 4 };
	struct coalesce_config bad[10];
	u32 i, n = 0;

	(void)state;
	assert_int_equal(coalesce_parse("window:log2=16", &good), 0);
	for (i = 0; i < 10; i++)
		bad[i] = good;
	bad[n++].policy = NULL;
	bad[n++].granule_log2 = 11;
	bad[n++].granule_log2 = 31;
	bad[n++].granule_log2 = 17; /* a window smaller than a granule */
	bad[n++].max_mappings = 0;
	bad[n++].max_requests = (1u << 30) + 1;
	bad[n++].batch_max = 0;
	bad[n++].batch_max = COMPANION_BATCH_MAX + 1;
	bad[n++].param[0] = 31;
	bad[n++].shim = ALIGN_SHIMS;
	assert_int_not_equal(coalesce_state_bytes(&good), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(coalesce_state_bytes(&bad[i]), 0);
		assert_null(coalesce_init(NULL, &bad[i], NULL, NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch_longer_than_batch_max_makes_one_call_per_slice),
		cmocka_unit_test(test_requests_beyond_state_fail_enomem_without_asking_the_host),
		cmocka_unit_test(test_nonsense_from_the_host_fails_the_request_with_eio),
		cmocka_unit_test(test_unmap_with_wrong_lengths_never_underflows_the_account),
		cmocka_unit_test(test_wish_for_alignment_is_missed_or_taken_back_by_the_shim),
		cmocka_unit_test(test_unusable_config_gives_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
