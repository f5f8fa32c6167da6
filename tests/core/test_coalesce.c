/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The coalescer against a naive model: plain lists of mappings and requests, searched from front to back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/core/coalesce.h"
#include "runtime/dart/dart.h"

#define MAPPINGS_MAX 64
#define REQUESTS_MAX 160
#define LIVE_MAX 4096
#define BATCH_MAX 12
#define STEPS 20000
#define RAM_BYTES (16u << 20)

static u64 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

/* a host that refuses at random, and now and then cannot be asked at all; it remembers what it said */
struct fickle_host {
	struct dart *dart;
	u32 refuse_percent;
	u32 calls, entries;
	bool down;
	struct {
		struct span gpa;
		s32 status;
	} said[BATCH_MAX];
	u32 said_n;
};

static int fickle_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct fickle_host *h = ctx;
	u32 i;

	assert_true(n > 0 && n <= BATCH_MAX);
	h->calls++;
	h->entries += n;
	h->down = op == COMPANION_OP_MAP && random_below(100) < h->refuse_percent / 4;
	h->said_n = op == COMPANION_OP_MAP ? n : 0;
	for (i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];
		struct span gpa = { e->gpa, e->len };

		assert_int_equal(e->flags, COMPANION_DIR_BOTH);
		if (op == COMPANION_OP_UNMAP)
			e->status = dart_unmap(h->dart, e->iova, NULL);
		else if (h->down)
			e->status = -ENODEV;
		else if (random_below(100) < h->refuse_percent)
			e->status = -EDQUOT;
		else
			e->status = dart_map(h->dart, gpa, &e->iova);
		if (op == COMPANION_OP_UNMAP) {
			assert_int_equal(e->status, 0);
		} else {
			h->said[i].gpa = gpa;
			h->said[i].status = e->status;
		}
	}
	return h->down ? -ENODEV : 0;
}

struct naive_request {
	u64 iova;
	struct span gpa;
	struct span mapping_gpa;
};

struct naive {
	struct naive_request live[LIVE_MAX];
	u32 n;
	u64 request_bytes, peak_requests, peak_request_bytes, peak_mappings, peak_mapped_bytes;
	u64 maps, unmaps, hits, failed, unknown, asked, ended;
};

struct world {
	struct coalesce *c;
	void *mem;
	struct companion_entry entries[BATCH_MAX];
	struct fickle_host host;
	struct naive naive;
	struct coalesce_config cfg;
};

/* the semantics of the policies in other words than the code's: by comparing window numbers of first and last byte */
static struct span naive_span(const struct coalesce_config *cfg, struct span r)
{
	u64 g = (u64)1 << cfg->granule_log2, w = (u64)1 << cfg->param[0];
	u64 end = r.start + r.len;

	if (cfg->policy->nparams && r.start / w == (end - 1) / w)
		return (struct span){ r.start / w * w, w };
	return (struct span){ r.start / g * g, (end + g - 1) / g * g - r.start / g * g };
}

static void naive_live(const struct naive *m, u64 *mappings, u64 *bytes, u32 *addresses)
{
	u32 i, k;

	*mappings = *bytes = *addresses = 0;
	for (i = 0; i < m->n; i++) {
		bool first_mapping = true, first_iova = true;

		for (k = 0; k < i; k++) {
			first_mapping &= !span_equal(m->live[k].mapping_gpa, m->live[i].mapping_gpa);
			first_iova &= m->live[k].iova != m->live[i].iova;
		}
		*mappings += first_mapping;
		*bytes += first_mapping ? m->live[i].mapping_gpa.len : 0;
		*addresses += first_iova;
	}
}

static bool naive_mapped(const struct naive *m, u32 live_n, struct span gpa)
{
	u32 i;

	for (i = 0; i < live_n; i++) {
		if (span_equal(m->live[i].mapping_gpa, gpa))
			return true;
	}
	return false;
}

static void world_open(struct world *w, const char *spec, u32 refuse_percent)
{
	struct dart_limits limits = dart_models[0];
	struct coalesce_host host = { fickle_submit, &w->host };

	memset(w, 0, sizeof(*w));
	limits.aperture_iova.len = (u64)12 << 20;
	w->cfg = (struct coalesce_config){ .granule_log2 = 14, .max_mappings = MAPPINGS_MAX, .max_requests = REQUESTS_MAX, .batch_max = BATCH_MAX };
	assert_int_equal(coalesce_parse(spec, &w->cfg), 0);
	w->host.dart = dart_new(&limits);
	w->host.refuse_percent = refuse_percent;
	w->mem = malloc(coalesce_state_bytes(&w->cfg));
	w->c = coalesce_init(w->mem, &w->cfg, &host, w->entries);
	assert_non_null(w->c);
}

static void world_close(struct world *w)
{
	u64 mappings, bytes;
	u32 addresses;

	naive_live(&w->naive, &mappings, &bytes, &addresses);
	assert_int_equal(coalesce_release_all(w->c), mappings);
	assert_int_equal(dart_stats(w->host.dart)->live_mappings, 0);
	assert_int_equal(coalesce_stats(w->c)->live_mappings, 0);
	assert_int_equal(coalesce_stats(w->c)->live_mapped_bytes, 0);
	assert_int_equal(coalesce_stats(w->c)->live_requests, 0);
	assert_int_equal(coalesce_stats(w->c)->live_request_bytes, 0);
	assert_int_equal(coalesce_release_all(w->c), 0);
	dart_free(w->host.dart);
	free(w->mem);
}

static struct coalesce_request random_request(const struct naive *m)
{
	struct coalesce_request r = { .gpa = { random_below(RAM_BYTES / 4096) * 4096ull, 4096 }, .dir = 1 + (u8)random_below(3) };

	switch (random_below(8)) {
	case 0:
		r.gpa.len = 1 + random_below(1 << 20);
		break;
	case 1:
		r.gpa.start += random_below(4096);
		r.gpa.len = 1 + random_below(9000);
		break;
	case 2: /* again what is live, or a part of it */
	case 3:
		if (m->n)
			r.gpa = m->live[random_below(m->n)].gpa;
		if (random_below(3) == 0)
			r.gpa.len = 1 + random_below((u32)r.gpa.len);
		break;
	case 4: /* clustered */
		r.gpa.start = random_below(64) * 4096ull;
		break;
	case 5:
		if (random_below(20) == 0)
			r.gpa.len = 0;
		break;
	default:
		break;
	}
	return r;
}

static void check_mapped(struct world *w, struct coalesce_request *r, const struct span *asked_gpa)
{
	struct span gpa = naive_span(&w->cfg, *asked_gpa);
	struct naive_request *n = &w->naive.live[w->naive.n];
	u64 len = r->gpa.len, reached;

	assert_true(w->naive.n < LIVE_MAX);
	assert_int_equal(dart_translate(w->host.dart, r->iova, &len, &reached), 0);
	assert_int_equal(reached, asked_gpa->start);
	assert_int_equal(len, asked_gpa->len);
	*n = (struct naive_request){ r->iova, *asked_gpa, gpa };
	w->naive.n++;
	w->naive.request_bytes += asked_gpa->len;
}

static s32 host_said(const struct fickle_host *h, struct span gpa)
{
	u32 i;

	for (i = 0; i < h->said_n; i++) {
		if (span_equal(h->said[i].gpa, gpa))
			return h->said[i].status;
	}
	return 1;
}

/* one batch, at most one slice long, so that every answer of the host can be looked up */
static void step_map(struct world *w)
{
	struct coalesce_request reqs[BATCH_MAX];
	struct span asked[BATCH_MAX];
	struct naive *m = &w->naive;
	u32 n = 1 + random_below(BATCH_MAX), live_before = m->n, i, failed = 0;
	u32 entries_before = w->host.entries, new_spans = 0;

	for (i = 0; i < n; i++) {
		reqs[i] = random_request(m);
		asked[i] = reqs[i].gpa;
	}
	w->host.said_n = 0;
	assert_in_range(coalesce_map(w->c, reqs, n), 0, n);
	for (i = 0; i < n; i++) {
		struct span gpa = naive_span(&w->cfg, asked[i]);
		s32 said;
		u32 k;

		m->maps++;
		if (asked[i].len == 0) {
			assert_int_equal(reqs[i].status, -EINVAL);
			m->failed++;
			failed++;
			continue;
		}
		said = naive_mapped(m, live_before, gpa) ? 0 : host_said(&w->host, gpa);
		if (said == 1) {
			assert_int_equal(reqs[i].status, -ENOMEM);
		} else if (reqs[i].status != -ENOMEM) {
			assert_int_equal(reqs[i].status, said);
		}
		for (k = 0; k < i; k++) {
			if (reqs[k].status != -ENOMEM && asked[k].len && span_equal(naive_span(&w->cfg, asked[k]), gpa))
				break;
		}
		if (reqs[i].status != -ENOMEM && !naive_mapped(m, live_before, gpa) && k == i)
			new_spans++;
		if (reqs[i].status) {
			assert_int_equal(reqs[i].flags & COMPANION_REC_HIT, 0);
			m->failed++;
			failed++;
			continue;
		}
		assert_int_equal(!!(reqs[i].flags & COMPANION_REC_HIT), naive_mapped(m, live_before, gpa) || k < i);
		m->hits += !!(reqs[i].flags & COMPANION_REC_HIT);
		check_mapped(w, &reqs[i], &asked[i]);
	}
	assert_int_equal(w->host.entries - entries_before, new_spans);
	m->asked += new_spans;
	assert_true(w->host.calls <= m->asked + m->ended);
}

static void step_unmap(struct world *w)
{
	struct coalesce_request reqs[BATCH_MAX];
	struct naive *m = &w->naive;
	u32 n = 1 + random_below(BATCH_MAX), i, picked = 0;
	u64 mappings, bytes, mappings_after;
	u32 addresses, entries_before = w->host.entries;
	struct span want[BATCH_MAX];

	naive_live(m, &mappings, &bytes, &addresses);
	for (i = 0; i < n; i++) {
		u32 k = m->n ? random_below(m->n) : 0;

		m->unmaps++;
		if (m->n == 0 || random_below(30) == 0) {
			reqs[i] = (struct coalesce_request){ .iova = 3 + 2 * (u64)random_below(1000), .gpa = { 0, 4096 } };
			want[i] = (struct span){ 0, 0 };
			m->unknown++;
			continue;
		}
		want[i] = m->live[k].gpa;
		reqs[i] = (struct coalesce_request){ .iova = m->live[k].iova, .gpa = { 0, m->live[k].gpa.len } };
		m->request_bytes -= m->live[k].gpa.len;
		m->live[k] = m->live[--m->n];
		picked++;
	}
	assert_int_equal(coalesce_unmap(w->c, reqs, n), n - picked);
	for (i = 0; i < n; i++) {
		assert_int_equal(reqs[i].status, want[i].len ? 0 : -ENOENT);
		if (want[i].len)
			assert_int_equal(reqs[i].gpa.start, want[i].start);
	}
	naive_live(m, &mappings_after, &bytes, &addresses);
	assert_int_equal(w->host.entries - entries_before, mappings - mappings_after);
	m->ended += mappings - mappings_after;
}

static u64 larger(u64 a, u64 b)
{
	return a > b ? a : b;
}

static void check_counters(struct world *w)
{
	const struct coalesce_stats *s = coalesce_stats(w->c);
	struct naive *m = &w->naive;
	u64 mappings, bytes, gpa;
	u32 addresses, i;

	naive_live(m, &mappings, &bytes, &addresses);
	m->peak_requests = larger(m->peak_requests, m->n);
	m->peak_request_bytes = larger(m->peak_request_bytes, m->request_bytes);
	m->peak_mappings = larger(m->peak_mappings, mappings);
	m->peak_mapped_bytes = larger(m->peak_mapped_bytes, bytes);
	assert_int_equal(s->map_requests, m->maps);
	assert_int_equal(s->unmap_requests, m->unmaps);
	assert_int_equal(s->failed_requests, m->failed);
	assert_int_equal(s->unknown_unmaps, m->unknown);
	assert_int_equal(s->hits, m->hits);
	assert_int_equal(s->host_maps, m->asked);
	assert_int_equal(s->host_unmaps, m->ended);
	assert_int_equal(s->host_batches, w->host.calls);
	assert_int_equal(s->live_requests, m->n);
	assert_int_equal(s->live_request_bytes, m->request_bytes);
	assert_int_equal(s->live_mappings, mappings);
	assert_int_equal(s->live_mapped_bytes, bytes);
	assert_int_equal(s->peak_requests, m->peak_requests);
	assert_int_equal(s->peak_request_bytes, m->peak_request_bytes);
	assert_int_equal(s->peak_mappings, m->peak_mappings);
	assert_int_equal(s->peak_mapped_bytes, m->peak_mapped_bytes);
	assert_int_equal(dart_stats(w->host.dart)->live_mappings, mappings);
	assert_int_equal(dart_stats(w->host.dart)->live_bytes, bytes);
	assert_true(mappings <= MAPPINGS_MAX && addresses <= REQUESTS_MAX);
	for (i = 0; i < m->n; i++) {
		u64 len = m->live[i].gpa.len, reached;

		assert_true(coalesce_find(w->c, m->live[i].iova, &gpa));
		assert_int_equal(gpa, m->live[i].gpa.start);
		assert_int_equal(dart_translate(w->host.dart, m->live[i].iova, &len, &reached), 0);
		assert_int_equal(reached, gpa);
		assert_int_equal(len, m->live[i].gpa.len);
	}
	assert_false(coalesce_find(w->c, 1, &gpa));
}

static void random_steps(const char *spec, u32 refuse_percent)
{
	struct world *w = malloc(sizeof(*w));
	u32 step;

	assert_non_null(w);
	random_state = 42;
	world_open(w, spec, refuse_percent);
	for (step = 0; step < STEPS; step++) {
		/* waves, so that the state is now full and now nearly empty */
		if (random_below(100) < (step / 500 % 2 ? 35u : 60u))
			step_map(w);
		else
			step_unmap(w);
		check_counters(w);
	}
	assert_true(coalesce_stats(w->c)->failed_requests > 0);
	assert_true(coalesce_stats(w->c)->hits > 0);
	world_close(w);
	free(w);
}

static void test_random_steps_under_direct_equal_naive_model(void **state)
{
	(void)state;
	random_steps("direct", 0);
	random_steps("direct", 20);
}

static void test_random_steps_under_window_18_equal_naive_model(void **state)
{
	(void)state;
	random_steps("window:log2=18", 0);
	random_steps("window:log2=18", 20);
}

static void test_random_steps_under_window_of_one_granule_equal_naive_model(void **state)
{
	(void)state;
	random_steps("window:log2=14", 8);
}

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
	static const u8 flags[ALIGN_SHIMS] = { COMPANION_REC_MISALIGNED, COMPANION_REC_DOWNGRADED };
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
		assert_int_equal(s->align_missed, shim == ALIGN_NONE);
		assert_int_equal(s->align_downgraded, shim == ALIGN_DOWNGRADE);
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
		cmocka_unit_test(test_random_steps_under_direct_equal_naive_model),
		cmocka_unit_test(test_random_steps_under_window_18_equal_naive_model),
		cmocka_unit_test(test_random_steps_under_window_of_one_granule_equal_naive_model),
		cmocka_unit_test(test_batch_longer_than_batch_max_makes_one_call_per_slice),
		cmocka_unit_test(test_requests_beyond_state_fail_enomem_without_asking_the_host),
		cmocka_unit_test(test_nonsense_from_the_host_fails_the_request_with_eio),
		cmocka_unit_test(test_unmap_with_wrong_lengths_never_underflows_the_account),
		cmocka_unit_test(test_wish_for_alignment_is_missed_or_taken_back_by_the_shim),
		cmocka_unit_test(test_unusable_config_gives_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
