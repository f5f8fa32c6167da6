/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Random batches: after every step, the coalescer, the DART behind it and the naive model agree. */
#include "tests/core/coalesce_world.h"

#define STEPS 20000
#define RAM_BYTES (16u << 20)

/* the semantics of the policies in other words than the code's: by comparing window numbers of first and last byte */
static struct span naive_span(const struct coalesce_config *cfg, struct span r)
{
	u64 g = (u64)1 << cfg->granule_log2, w = (u64)1 << cfg->param[0];
	u64 end = r.start + r.len;

	if (cfg->policy->nparams && r.start / w == (end - 1) / w)
		return (struct span){ r.start / w * w, w };
	return (struct span){ r.start / g * g, (end + g - 1) / g * g - r.start / g * g };
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

/* guesses at what is to come, right ones and wild ones, change nothing */
static void look_ahead(const struct world *w)
{
	struct coalesce_ahead ahead[BATCH_MAX];
	const struct naive *m = &w->naive;
	u32 n = random_below(BATCH_MAX + 1), i;

	for (i = 0; i < n; i++) {
		ahead[i] = (struct coalesce_ahead){ .iova = (u64)random_below(~0u) << random_below(33) };
		if (random_below(2))
			ahead[i].gpa = random_request(m).gpa;
		else if (m->n && random_below(2))
			ahead[i].iova = m->live[random_below(m->n)].iova;
	}
	coalesce_look_ahead(w->c, ahead, n);
}

static void random_steps(const char *spec, u32 refuse_percent)
{
	struct world *w = malloc(sizeof(*w));
	u32 step;

	assert_non_null(w);
	random_state = 42;
	world_open(w, spec, refuse_percent);
	for (step = 0; step < STEPS; step++) {
		look_ahead(w);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps_under_direct_equal_naive_model),
		cmocka_unit_test(test_random_steps_under_window_18_equal_naive_model),
		cmocka_unit_test(test_random_steps_under_window_of_one_granule_equal_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
