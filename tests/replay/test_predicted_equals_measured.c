/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A live run in small: core with a policy in front of a DART, recorded on both levels as guest and runtime do it. The replay of its
 * requests under the same policy must count what the mapping events counted, also when limits were hit.
 */
#include "tests/replay/scratch_trace.h"

#define BATCH 40
#define LIVE_MAX 6000
#define STEPS 3000

struct live_run {
	struct scratch *s;
	struct dart *dart;
	u16 device;
	u64 seq;
	u32 n;
	struct coalesce_request live[LIVE_MAX];
};

static u64 random_state = 7;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

static int live_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct live_run *l = ctx;
	u32 i;

	l->seq++;
	for (i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];
		bool map = op == COMPANION_OP_MAP;

		e->status = map ? dart_map(l->dart, (struct span){ e->gpa, e->len }, &e->iova) : dart_unmap(l->dart, e->iova, NULL);
		scratch_event(l->s, map ? TRACE_MAP : TRACE_UNMAP, l->device, e->status, e->gpa, e->len, e->iova, l->seq);
	}
	return 0;
}

static void record(struct live_run *l, u16 kind, const struct coalesce_request *reqs, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		const struct coalesce_request *r = &reqs[i];
		u8 flags = r->flags | (i + 1 < n ? COMPANION_REC_MORE : 0);

		scratch_event(l->s, kind, l->device, r->status, r->gpa.start, r->gpa.len, r->iova,
			      TRACE_REQ_MAKE_FLAGS(r->dir, r->align_log2, flags));
	}
}

static void live_map(struct live_run *l, struct coalesce *c)
{
	struct coalesce_request reqs[BATCH];
	u32 i, n = random_below(3) ? 1 : 1 + random_below(BATCH);

	if (l->n + n > LIVE_MAX)
		return;
	for (i = 0; i < n; i++) {
		reqs[i] = (struct coalesce_request){ .gpa = { random_below(1 << 16) * 4096ull, 4096 }, .dir = COMPANION_DIR_BOTH };
		if (random_below(12) == 0)
			reqs[i].gpa.len = 4096ull << random_below(11);
		if (random_below(20) == 0)
			reqs[i].align_log2 = random_below(2) ? 16 : 21;
	}
	coalesce_map(c, reqs, n);
	record(l, TRACE_REQ_MAP, reqs, n);
	for (i = 0; i < n; i++) {
		if (reqs[i].status == 0)
			l->live[l->n++] = reqs[i];
	}
}

static void live_unmap(struct live_run *l, struct coalesce *c)
{
	struct coalesce_request reqs[BATCH];
	u32 i, n = random_below(3) ? 1 : 1 + random_below(BATCH);

	for (i = 0; i < n && l->n; i++) {
		u32 k = random_below(l->n);

		reqs[i] = (struct coalesce_request){ .gpa.len = l->live[k].gpa.len, .iova = l->live[k].iova, .dir = COMPANION_DIR_BOTH };
		l->live[k] = l->live[--l->n];
	}
	coalesce_unmap(c, reqs, i);
	record(l, TRACE_REQ_UNMAP, reqs, i);
}

static void live_run(struct scratch *s, const char *spec, u32 shim, bool reset_at_end)
{
	struct coalesce_config cfg = { .granule_log2 = 14, .max_mappings = 1 << 16, .max_requests = 1 << 16 };
	struct companion_entry *entries = malloc(COMPANION_BATCH_MAX * sizeof(*entries));
	struct live_run *l = calloc(1, sizeof(*l));
	struct coalesce_host host = { live_submit, l };
	char full_spec[COALESCE_SPEC_BYTES];
	struct coalesce *c;
	void *mem;
	u32 step;

	assert_int_equal(coalesce_parse(spec, &cfg), 0);
	cfg.batch_max = COMPANION_BATCH_MAX;
	cfg.shim = shim;
	cfg.max_bytes = s->limits.max_bytes;
	cfg.host_mappings = s->limits.max_mappings;
	mem = malloc(coalesce_state_bytes(&cfg));
	c = coalesce_init(mem, &cfg, &host, entries);
	l->s = s;
	l->dart = dart_new(&s->limits);
	l->device = tracer_device(s->tracer, "sim-gpu", "1234:e6b0");
	coalesce_format(&cfg, full_spec, sizeof(full_spec));
	tracer_meta(s->tracer, TRACE_META_POLICY, full_spec);
	for (step = 0; step < STEPS; step++) {
		if (random_below(100) < (step / 700 % 2 ? 40u : 62u))
			live_map(l, c);
		else
			live_unmap(l, c);
	}
	if (reset_at_end) {
		coalesce_release_all(c);
		scratch_event(s, TRACE_RESET, tracer_device(s->tracer, "companion", "1234:e6b1"), 0, 2, 0, 0, 0);
	}
	dart_free(l->dart);
	free(l);
	free(mem);
	free(entries);
}

static void equal_rows(const struct row *predicted, const struct row *measured)
{
	u32 i;

	assert_string_equal(predicted->policy, measured->policy);
	assert_int_equal(predicted->requests, measured->requests);
	assert_int_equal(predicted->hits, measured->hits);
	assert_int_equal(predicted->failures, measured->failures);
	assert_int_equal(predicted->peak_requests, measured->peak_requests);
	assert_int_equal(predicted->peak_request_bytes, measured->peak_request_bytes);
	assert_int_equal(predicted->peak_granted_bytes, measured->peak_granted_bytes);
	assert_int_equal(predicted->peak_mappings, measured->peak_mappings);
	assert_int_equal(predicted->peak_mapped_bytes, measured->peak_mapped_bytes);
	assert_int_equal(predicted->host_maps, measured->host_maps);
	assert_int_equal(predicted->host_unmaps, measured->host_unmaps);
	assert_int_equal(predicted->host_failures, measured->host_failures);
	assert_int_equal(predicted->end_mappings, measured->end_mappings);
	assert_int_equal(predicted->align_wanted, measured->align_wanted);
	assert_int_equal(predicted->align_downgraded, measured->align_downgraded);
	assert_int_equal(predicted->align_missed, measured->align_missed);
	assert_int_equal(predicted->first.request, measured->first.request);
	assert_int_equal(predicted->first.status, measured->first.status);
	assert_int_equal(predicted->reasons, measured->reasons);
	for (i = 0; i < predicted->reasons; i++) {
		assert_int_equal(predicted->reason[i].status, measured->reason[i].status);
		assert_int_equal(predicted->reason[i].count, measured->reason[i].count);
	}
	assert_int_equal(predicted->lifetime_unknown, 0);
	assert_int_equal(predicted->unmatched_unmaps, 0);
}

static void predicted_equals_measured(const char *spec, u32 shim, const char *dart, bool must_fail)
{
	struct scratch *s = malloc(sizeof(*s));

	assert_non_null(s);
	scratch_open(s);
	assert_int_equal(dart_parse(dart, &s->limits), 0);
	live_run(s, spec, shim, shim == ALIGN_NONE);
	scratch_policy(s, spec);
	s->cells[0].config.shim = shim;
	assert_int_equal(scratch_replay(s), 0);
	assert_int_equal(s->engine.measured.row.failures > 0, must_fail);
	assert_true(s->engine.measured.events > 0);
	equal_rows(scratch_row(s, 0), &s->engine.measured.row);
	scratch_close(s);
	free(s);
}

static void test_within_limits_replay_counts_what_the_live_run_counted(void **state)
{
	(void)state;
	predicted_equals_measured("direct", ALIGN_NONE, "apple-tb4", false);
	predicted_equals_measured("window:log2=18", ALIGN_DOWNGRADE, "apple-tb4", false);
	predicted_equals_measured("window:log2=22", ALIGN_NONE, "apple-tb4", false);
	predicted_equals_measured("window:log2=20", ALIGN_REWRITE, "apple-tb4", false);
	predicted_equals_measured("grow", ALIGN_NONE, "apple-tb4", false);
	predicted_equals_measured("grow", ALIGN_PAD, "apple-tb4", false);
	predicted_equals_measured("window:log2=18", ALIGN_RETRY, "apple-tb4", false);
	predicted_equals_measured("direct", ALIGN_PAD, "apple-tb4", false);
	predicted_equals_measured("grow:first=14,max=20", ALIGN_DOWNGRADE, "apple-tb4", false);
}

static void test_at_the_mapping_limit_replay_fails_the_same_requests(void **state)
{
	(void)state;
	predicted_equals_measured("direct", ALIGN_DOWNGRADE, "apple-tb4:mappings=700", true);
	predicted_equals_measured("window:log2=18", ALIGN_NONE, "apple-tb4:mappings=300", true);
	predicted_equals_measured("window:log2=22", ALIGN_NONE, "apple-tb4:mappings=40", true);
	predicted_equals_measured("grow:first=14,max=18", ALIGN_NONE, "apple-tb4:mappings=100", true);
	predicted_equals_measured("direct", ALIGN_RETRY, "apple-tb4:mappings=700", true);
	predicted_equals_measured("window:log2=18", ALIGN_PAD, "apple-tb4:mappings=300", true);
}

static void test_at_the_byte_limit_replay_fails_the_same_requests(void **state)
{
	(void)state;
	predicted_equals_measured("direct", ALIGN_NONE, "apple-tb4:bytes=30M", true);
	predicted_equals_measured("grow", ALIGN_NONE, "apple-tb4:bytes=30M", true);
	predicted_equals_measured("window:log2=18", ALIGN_NONE, "apple-tb4:bytes=100M", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within_limits_replay_counts_what_the_live_run_counted),
		cmocka_unit_test(test_at_the_mapping_limit_replay_fails_the_same_requests),
		cmocka_unit_test(test_at_the_byte_limit_replay_fails_the_same_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
