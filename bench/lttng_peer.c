/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The peer of bench_tracer: the same events through LTTng-UST; bench_tracer.sh builds and calls it.
 * usage: lttng_peer emit | sustained EVENTS | again TRACE
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench/lttng_peer_tp.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_tracer_events.h"
#include "tracer/tracer.h"

#define EMITTERS 2

static double burst_ns(uint64_t *state, int traced)
{
	struct trace_event e = { 0 };
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < BENCH_BURST; i++) {
		bench_event(&e, i, state);
		if (traced)
			lttng_ust_tracepoint(egpu_bench, region, &e);
		else
			__asm__ volatile("" : : "r"(&e) : "memory");
	}
	return (double)(bench_now_ns() - start) / BENCH_BURST;
}

static double emit_ns(int traced)
{
	double ns[BENCH_BURSTS];
	uint64_t state = 88172645463325252u;

	for (unsigned int i = 0; i < BENCH_BURSTS; i++) {
		ns[i] = burst_ns(&state, traced);
		usleep(traced ? 30000 : 0);
	}
	return bench_median(ns, BENCH_BURSTS);
}

struct emitter {
	uint64_t n, seed;
};

static void *emitter(void *ctx)
{
	struct emitter *m = ctx;
	struct trace_event e = { 0 };

	for (uint64_t i = 0; i < m->n; i++) {
		bench_event(&e, i, &m->seed);
		lttng_ust_tracepoint(egpu_bench, region, &e);
	}
	return NULL;
}

/* prints when it starts; the end is taken by the script, when all is in the files */
static void sustained(uint64_t events)
{
	struct emitter m[EMITTERS];
	pthread_t thread[EMITTERS];
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	printf("%lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
	for (unsigned int i = 0; i < EMITTERS; i++) {
		m[i] = (struct emitter){ events, 1234567 + i };
		pthread_create(&thread[i], NULL, emitter, &m[i]);
	}
	for (unsigned int i = 0; i < EMITTERS; i++)
		pthread_join(thread[i], NULL);
}

static void emit_again(const struct trace_event *e)
{
	switch (e->kind) {
	case TRACE_REGION_READ:
	case TRACE_REGION_WRITE:
		lttng_ust_tracepoint(egpu_bench, region, e);
		break;
	case TRACE_REQ_MAP:
	case TRACE_REQ_UNMAP:
		lttng_ust_tracepoint(egpu_bench, request, e);
		break;
	case TRACE_MAP:
	case TRACE_UNMAP:
		lttng_ust_tracepoint(egpu_bench, mapping, e);
		break;
	default:
		lttng_ust_tracepoint(egpu_bench, other, e);
	}
}

/* the events of @path, as far apart as they were; prints how many */
static int again(const char *path)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct trace_cursor *cursor = NULL;
	struct trace *trace = NULL;
	struct trace_event e;
	uint64_t n = 0, start = 0, first = 0;
	int rc = trace_open(path, &trace, error);

	if (rc == 0)
		rc = trace_cursor_open(trace, false, &cursor);
	while (rc >= 0 && (rc = trace_next(cursor, &e, error)) == 1) {
		if (n++ == 0) {
			first = e.t_ns;
			start = bench_now_ns();
		}
		while (bench_now_ns() - start < e.t_ns - first)
			; /* a sleep would end too late */
		if (e.arg[TRACE_REQ_GUEST_T] == e.t_ns) /* where the guest's clock is the trace's own, LTTng need not say it twice */
			e.arg[TRACE_REQ_GUEST_T] = 0;
		emit_again(&e);
	}
	if (rc)
		fprintf(stderr, "lttng_peer: %s: %s\n", path, error[0] ? error : strerror(-rc));
	trace_cursor_close(cursor);
	trace_close(trace);
	printf("%llu\n", (unsigned long long)n);
	return rc != 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "emit") == 0)
		bench_say("lttng", "emit_with_clock_ns", emit_ns(1) - emit_ns(0));
	else if (argc == 3 && strcmp(argv[1], "sustained") == 0)
		sustained(strtoull(argv[2], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "again") == 0)
		return again(argv[2]);
	else
		return 2;
	return 0;
}
