/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the coalescer costs beside the host's answer: one unmap and one map of a random 4 KiB request while 100,000 are live, against a
 * plain hash map (chained, a node from malloc per entry) that does the least an implementation could: remember each address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/core/coalesce.h"

#define LIVE 100000u
#define PAIRS 1000000u
#define ROUNDS 5
#define PAGES (1u << 20) /* 4 GiB of guest memory */
#define BUCKETS (1u << 17)

struct node {
	u64 key, value;
	struct node *next;
};

static struct node *buckets[BUCKETS];
static u64 random_state;
static u64 checksum;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((random_state >> 32) * n >> 32);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* the key's place is spread by one multiplication, as usual */
static struct node **plain_bucket(u64 key)
{
	return &buckets[key * 0x9e3779b97f4a7c15ULL >> 47];
}

static void plain_add(u64 key)
{
	struct node **at = plain_bucket(key), *node = malloc(sizeof(*node));

	if (!node)
		exit(1);
	*node = (struct node){ key, key, *at };
	*at = node;
}

static void plain_remove(u64 key)
{
	struct node **at = plain_bucket(key), *node;

	while ((*at)->key != key)
		at = &(*at)->next;
	node = *at;
	checksum += node->value;
	*at = node->next;
	free(node);
}

static int instant_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	u32 i;

	(void)ctx;
	(void)op;
	for (i = 0; i < n; i++) {
		entries[i].iova = entries[i].gpa + ((u64)1 << 40);
		entries[i].status = 0;
	}
	return 0;
}

static u64 *live;

static double plain_round(void)
{
	double start;
	u32 i, k;

	random_state = 1;
	for (i = 0; i < LIVE; i++)
		plain_add(live[i] = random_below(PAGES) * 4096ull);
	start = now_ns();
	for (i = 0; i < PAIRS; i++) {
		k = random_below(LIVE);
		plain_remove(live[k]);
		plain_add(live[k] = random_below(PAGES) * 4096ull);
	}
	start = now_ns() - start;
	for (i = 0; i < LIVE; i++)
		plain_remove(live[i]);
	return start / PAIRS;
}

static void coalesce_add(struct coalesce *c, u64 *iova)
{
	struct coalesce_request r = { .gpa = { random_below(PAGES) * 4096ull, 4096 }, .dir = COMPANION_DIR_BOTH };

	if (coalesce_map(c, &r, 1)) {
		fprintf(stderr, "bench_core: a map failed with %d\n", r.status);
		exit(1);
	}
	*iova = r.iova;
}

static double coalesce_round(const char *spec)
{
	struct coalesce_config cfg = { .granule_log2 = 14, .max_mappings = LIVE + 1, .max_requests = LIVE + 1, .batch_max = 1 };
	struct coalesce_host host = { instant_submit, NULL };
	struct companion_entry entry;
	struct coalesce *c;
	double start;
	void *mem;
	u32 i, k;

	if (coalesce_parse(spec, &cfg))
		exit(1);
	mem = malloc(coalesce_state_bytes(&cfg));
	c = coalesce_init(mem, &cfg, &host, &entry);
	if (!mem || !c)
		exit(1);
	random_state = 1;
	for (i = 0; i < LIVE; i++)
		coalesce_add(c, &live[i]);
	start = now_ns();
	for (i = 0; i < PAIRS; i++) {
		struct coalesce_request r = { .gpa.len = 4096 };

		k = random_below(LIVE);
		r.iova = live[k];
		coalesce_unmap(c, &r, 1);
		checksum += r.gpa.start;
		coalesce_add(c, &live[k]);
	}
	start = now_ns() - start;
	free(mem);
	return start / PAIRS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(void)
{
	static const char *const specs[] = { "direct", "window:log2=18", "window:log2=22" };
	double plain[ROUNDS], ns[3][ROUNDS];
	u32 i, round;

	live = malloc(LIVE * sizeof(*live));
	if (!live)
		return 1;
	/* in turns, so that a change of the machine's speed hits all alike */
	for (round = 0; round < ROUNDS; round++) {
		plain[round] = plain_round();
		for (i = 0; i < 3; i++)
			ns[i][round] = coalesce_round(specs[i]);
	}
	qsort(plain, ROUNDS, sizeof(double), by_value);
	printf("unmap + map of one 4 KiB request, %u live, median of %u rounds of %u pairs\n", LIVE, ROUNDS, PAIRS);
	printf("%-16s %7.1f ns\n", "plain hash map", plain[ROUNDS / 2]);
	for (i = 0; i < 3; i++) {
		qsort(ns[i], ROUNDS, sizeof(double), by_value);
		printf("%-16s %7.1f ns  %.2f of plain\n", specs[i], ns[i][ROUNDS / 2], ns[i][ROUNDS / 2] / plain[ROUNDS / 2]);
	}
	free(live);
	return checksum == 0;
}
