/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How fast requests are replayed: by policy and by how many are live, over threads, and from a trace through 16 cells. Beside it, in the same run, the
 * machine's limit (independent reads at random places of as much memory as the cell has) and a peer, the least that a replayer of caches
 * does (FIFO: look up in a chained hash map, else insert and evict the oldest).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "replay/engine.h"

#define REQUESTS (4u << 20)
#define ROUNDS 3
#define PAGES_PER_REQUEST 10u /* of guest memory: a tenth of it is live */
#define CELLS 16u

static u64 random_state = 1;
static volatile u64 checksum;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((random_state >> 32) * n >> 32);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *need(void *p)
{
	if (!p) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

/* ---- what is replayed: @live random pages; one in @live ends, another begins, for ever ---- */

struct load {
	struct block *blocks;
	u32 n;
};

static void put(struct load *l, u16 kind, u32 page, u32 slot)
{
	struct batch_item item = { .gpa = { (u64)page << 12, 4096 }, .t_ns = 1, .slot = slot, .dir = COMPANION_DIR_BOTH };
	struct batch batch = { .kind = kind, .n = 1, .items = &item };

	if (l->n && block_add(&l->blocks[l->n - 1], &batch, NULL))
		return;
	if (block_init(&l->blocks[l->n++]))
		need(NULL);
	block_add(&l->blocks[l->n - 1], &batch, NULL);
}

static struct load make_load(u32 live)
{
	u32 *page = need(malloc(live * sizeof(*page))), i, at;
	struct load l = { need(calloc((REQUESTS + live) / BLOCK_ITEMS + 2, sizeof(*l.blocks))), 0 };

	for (i = 0; i < live; i++)
		put(&l, TRACE_REQ_MAP, page[i] = random_below(live * PAGES_PER_REQUEST), i);
	for (i = 0; i < REQUESTS / 2; i++) {
		at = random_below(live);
		put(&l, TRACE_REQ_UNMAP, page[at], at);
		put(&l, TRACE_REQ_MAP, page[at] = random_below(live * PAGES_PER_REQUEST), at);
	}
	free(page);
	return l;
}

static void free_load(struct load *l)
{
	while (l->n)
		block_destroy(&l->blocks[--l->n]);
	free(l->blocks);
}

/* ---- one cell ---- */

static struct cell_spec spec_of(const char *policy)
{
	struct cell_spec spec = { .limits = *dart_model("unlimited") };

	if (coalesce_parse(policy, &spec.config))
		need(NULL);
	return spec;
}

/* M requests/s of one cell on one thread, the best of ROUNDS */
static double cell_rate(const struct load *l, const char *policy, u32 live, u64 *bytes)
{
	struct cell_spec spec = spec_of(policy);
	struct cell cell;
	double best = 0, start, rate;
	u32 round, i;

	*bytes = cell_bytes(&spec, live);
	for (round = 0; round < ROUNDS; round++) {
		if (cell_init(&cell, &spec, live, NULL))
			need(NULL);
		start = now_s();
		for (i = 0; i < l->n; i++)
			cell_run(&cell, &l->blocks[i]);
		rate = (REQUESTS + live) / (now_s() - start) * 1e-6;
		best = rate > best ? rate : best;
		checksum += coalesce_stats(cell.coalesce)->hits;
		cell_destroy(&cell);
	}
	return best;
}

/* ---- the peer and the limit ---- */

struct node {
	u64 key;
	u32 next;
};

/* M requests/s of a FIFO cache of @live entries on the same addresses; every map and unmap counts as a request */
static double fifo_rate(const struct load *l, u32 live)
{
	u32 buckets = 1, head = 0, i, k, n = 0;
	struct node *nodes = need(malloc((live + 1) * sizeof(*nodes)));
	u32 *bucket, slot;
	double start;

	while (buckets < live)
		buckets *= 2;
	bucket = need(calloc(buckets, sizeof(*bucket)));
	start = now_s();
	for (i = 0; i < l->n; i++) {
		for (k = 0; k < l->blocks[i].items_n; k++) {
			u64 key = l->blocks[i].items[k].gpa.start;
			u32 at = (u32)(key * 0x9e3779b97f4a7c15ULL >> 32) & (buckets - 1);

			for (slot = bucket[at]; slot && nodes[slot].key != key; slot = nodes[slot].next)
				;
			if (slot) {
				checksum++;
				continue;
			}
			head = head % live + 1;
			if (n == live) {
				u32 *link = &bucket[(u32)(nodes[head].key * 0x9e3779b97f4a7c15ULL >> 32) & (buckets - 1)];

				while (*link != head)
					link = &nodes[*link].next;
				*link = nodes[head].next;
			} else {
				n++;
			}
			nodes[head] = (struct node){ key, bucket[at] };
			bucket[at] = head;
		}
	}
	start = (REQUESTS + live) / (now_s() - start) * 1e-6;
	free(nodes);
	free(bucket);
	return start;
}

/* M reads/s at random places of @bytes, several under way at a time */
static double random_reads(u64 bytes)
{
	u64 words = bytes / 8 ? bytes / 8 : 1, sum = 0, i;
	u64 *memory = need(malloc(words * 8));
	double start;

	for (i = 0; i < words; i++)
		memory[i] = i;
	start = now_s();
	for (i = 0; i < REQUESTS * 4ull; i++)
		sum += memory[(i * 0x9e3779b97f4a7c15ULL >> 32) * words >> 32];
	start = REQUESTS * 4ull / (now_s() - start) * 1e-6;
	checksum += sum;
	free(memory);
	return start;
}

static void by_policy(void)
{
	static const char *const policies[] = { "direct", "window:log2=18", "window:log2=22", "grow" };
	static const u32 lives[] = { 1000, 10000, 100000, 1000000 };
	u32 i, k;

	printf("M requests/s of one cell on one thread (a map or an unmap is a request)\n");
	printf("%9s %10s %10s", "live", "FIFO peer", "reads");
	for (k = 0; k < 4; k++)
		printf(" %16s", policies[k]);
	printf(" %12s\n", "MiB a cell");
	for (i = 0; i < 4; i++) {
		struct load l = make_load(lives[i]);
		u64 bytes = 0;
		double rate[4];

		for (k = 0; k < 4; k++)
			rate[k] = cell_rate(&l, policies[k], lives[i], &bytes);
		printf("%9u %10.1f %10.0f", lives[i], fifo_rate(&l, lives[i]), random_reads(bytes));
		for (k = 0; k < 4; k++)
			printf(" %16.1f", rate[k]);
		printf(" %12.1f\n", (double)bytes / (1 << 20));
		free_load(&l);
	}
}

/* ---- from a trace ---- */

static void write_trace(const char *path)
{
	struct tracer_options options = { .path = path };
	struct load l = make_load(100000);
	struct tracer *tracer;
	struct tracer_ring *ring;
	char error[TRACE_ERROR_BYTES];
	u32 i, k;
	u64 t_ns = 0;

	if (tracer_open(&options, &tracer, error) || !(ring = tracer_ring(tracer)))
		need(NULL);
	tracer_meta(tracer, TRACE_META_PROVENANCE, "modelled (bench)");
	for (i = 0; i < l.n; i++) {
		for (k = 0; k < l.blocks[i].parts_n; k++) {
			const struct batch *b = &l.blocks[i].parts[k].batch;
			struct trace_event e = { .t_ns = t_ns += 1000, .kind = b->kind,
						 .arg = { b->items->gpa.start, b->items->gpa.len, b->items->gpa.start,
							  TRACE_REQ_MAKE_FLAGS(COMPANION_DIR_BOTH, 0, 0) } };

			tracer_emit(ring, &e);
		}
	}
	if (tracer_close(tracer, error))
		need(NULL);
	free_load(&l);
}

static double trace_seconds(struct trace *trace, const struct cell_spec *cells, u32 n, u32 threads, u64 *requests)
{
	struct engine_options options = { .threads = threads };
	char error[TRACE_ERROR_BYTES];
	double start = now_s();
	struct engine e;

	if (engine_open(&e, trace, &options, error) || engine_replay(&e, cells, n, error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	*requests = e.requests * 2 - e.live.used;
	engine_destroy(&e);
	return now_s() - start;
}

static void from_trace(void)
{
	char path[] = "/tmp/egpu-bench-XXXXXX", error[TRACE_ERROR_BYTES], text[COALESCE_SPEC_BYTES];
	struct cell_spec cells[CELLS];
	struct trace *trace;
	u32 i, threads;
	u64 requests;
	int fd = mkstemp(path);

	if (fd < 0)
		need(NULL);
	close(fd);
	unlink(path);
	write_trace(path);
	for (i = 0; i < CELLS; i++) {
		snprintf(text, sizeof(text), "window:log2=%u", 15 + i % 8);
		cells[i] = spec_of(text);
	}
	if (trace_open(path, &trace, error))
		need(NULL);
	printf("\nfrom a trace of %u M requests, 100,000 live, decoded twice, bound included\n%9s %7s %9s %22s\n", REQUESTS >> 20, "cells", "threads",
	       "seconds", "M requests x cells/s");
	for (i = 1; i <= CELLS; i *= 4) {
		for (threads = 1; threads <= (u32)sysconf(_SC_NPROCESSORS_ONLN); threads *= 2) {
			double s = trace_seconds(trace, cells, i, threads, &requests);

			printf("%9u %7u %9.2f %22.1f\n", i, threads, s, (double)requests * i / s * 1e-6);
		}
	}
	trace_close(trace);
	unlink(path);
}

int main(void)
{
	by_policy();
	from_trace();
	return 0;
}
