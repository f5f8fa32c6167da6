/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/pairing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024u
#define NONE UINT32_MAX
#define COMPANION "companion" /* as egpu-run calls it */

/** struct entry - something live; @next: in its bucket, or in the list of free entries. */
struct entry {
	struct trace_event event;
	uint64_t seq;
	uint32_t next;
	bool used;
};

struct pairing {
	struct trace *t;
	struct entry *entries;
	uint32_t n, room, free;
	uint32_t *bucket;
	uint32_t buckets;
	struct pairing_count count[PAIRING_CLASSES];
};

uint64_t pairing_kinds(void)
{
	return TRACE_KIND_BIT(TRACE_RAM_MAP) | TRACE_KIND_BIT(TRACE_RAM_UNMAP) | TRACE_KIND_BIT(TRACE_REQ_MAP) | TRACE_KIND_BIT(TRACE_REQ_UNMAP) |
	       TRACE_KIND_BIT(TRACE_MAP) | TRACE_KIND_BIT(TRACE_UNMAP) | TRACE_KIND_BIT(TRACE_RESET);
}

enum pairing_class pairing_class(unsigned int kind)
{
	switch (kind) {
	case TRACE_REQ_MAP:
	case TRACE_REQ_UNMAP: return PAIRING_REQUEST;
	case TRACE_MAP:
	case TRACE_UNMAP: return PAIRING_MAPPING;
	case TRACE_RAM_MAP:
	case TRACE_RAM_UNMAP: return PAIRING_RAM;
	}
	return PAIRING_CLASSES;
}

static bool begins(unsigned int kind)
{
	return kind == TRACE_REQ_MAP || kind == TRACE_MAP || kind == TRACE_RAM_MAP;
}

/* ram_unmap has no third address */
static uint64_t third(const struct trace_event *e)
{
	return pairing_class(e->kind) == PAIRING_RAM ? 0 : e->arg[2];
}

static uint32_t hash(const struct trace_event *e)
{
	uint64_t h = e->arg[0] * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 29 ^ e->arg[1]) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ h >> 32 ^ third(e)) * 0x94d049bb133111ebull;
	h ^= (uint64_t)e->device << 8 | pairing_class(e->kind);
	return (uint32_t)(h ^ h >> 32);
}

static bool equal(const struct trace_event *a, const struct trace_event *b)
{
	return a->arg[0] == b->arg[0] && a->arg[1] == b->arg[1] && a->device == b->device && third(a) == third(b) &&
	       pairing_class(a->kind) == pairing_class(b->kind);
}

struct pairing *pairing_new(struct trace *t)
{
	struct pairing *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->t = t;
	l->free = NONE;
	l->buckets = BUCKETS_FIRST;
	l->bucket = malloc(l->buckets * sizeof(*l->bucket));
	if (!l->bucket) {
		free(l);
		return NULL;
	}
	memset(l->bucket, 0xff, l->buckets * sizeof(*l->bucket));
	return l;
}

void pairing_free(struct pairing *l)
{
	if (!l)
		return;
	free(l->entries);
	free(l->bucket);
	free(l);
}

static void link_entry(struct pairing *l, uint32_t i)
{
	uint32_t *head = &l->bucket[hash(&l->entries[i].event) & (l->buckets - 1)];

	l->entries[i].next = *head;
	*head = i;
}

/* twice the entries, and as many buckets */
static int grow(struct pairing *l)
{
	uint32_t room = l->room ? 2 * l->room : BUCKETS_FIRST;
	struct entry *entries;
	uint32_t *bucket;

	if (room > PAIRING_MAX)
		return -E2BIG;
	entries = realloc(l->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	l->entries = entries;
	bucket = malloc(room * sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	memset(bucket, 0xff, room * sizeof(*bucket));
	free(l->bucket);
	l->bucket = bucket;
	l->buckets = l->room = room;
	/* all are in use, or this would not have been called */
	for (uint32_t i = 0; i < l->n; i++)
		link_entry(l, i);
	return 0;
}

static void count_begin(struct pairing_count *c, const struct trace_event *e)
{
	c->live++;
	c->bytes += e->arg[1];
	if (c->live > c->peak) {
		c->peak = c->live;
		c->peak_ns = e->t_ns;
	}
	if (c->bytes > c->peak_bytes) {
		c->peak_bytes = c->bytes;
		c->peak_bytes_ns = e->t_ns;
	}
}

static int begin(struct pairing *l, const struct trace_event *event, uint64_t seq)
{
	uint32_t i = l->free;
	int err = 0;

	if (i == NONE && l->n == l->room)
		err = grow(l);
	if (err)
		return err;
	if (i == NONE)
		i = l->n++;
	else
		l->free = l->entries[i].next;
	l->entries[i].event = *event;
	l->entries[i].seq = seq;
	l->entries[i].used = true;
	link_entry(l, i);
	count_begin(&l->count[pairing_class(event->kind)], event);
	return 0;
}

/* @link holds the number of the entry to take out */
static void take_out(struct pairing *l, uint32_t *link)
{
	uint32_t i = *link;
	struct pairing_count *c = &l->count[pairing_class(l->entries[i].event.kind)];

	*link = l->entries[i].next;
	c->live--;
	c->bytes -= l->entries[i].event.arg[1];
	l->entries[i].used = false;
	l->entries[i].next = l->free;
	l->free = i;
}

static int end(struct pairing *l, const struct trace_event *event, struct trace_event *ended)
{
	uint32_t *link = &l->bucket[hash(event) & (l->buckets - 1)];

	for (; *link != NONE; link = &l->entries[*link].next) {
		if (!equal(&l->entries[*link].event, event))
			continue;
		*ended = l->entries[*link].event;
		take_out(l, link);
		return 1;
	}
	l->count[pairing_class(event->kind)].unmatched++;
	return 0;
}

/* a reset of the companion ends what the guest had asked for; mappings are ended by events of their own */
static void reset(struct pairing *l, const struct trace_event *event)
{
	const char *name = trace_device_name(l->t, event->device);

	if (!name || strcmp(name, COMPANION) != 0)
		return;
	for (uint32_t b = 0; b < l->buckets; b++) {
		uint32_t *link = &l->bucket[b];

		while (*link != NONE) {
			if (l->entries[*link].event.kind != TRACE_REQ_MAP) {
				link = &l->entries[*link].next;
				continue;
			}
			take_out(l, link);
			l->count[PAIRING_REQUEST].by_reset++;
		}
	}
}

int pairing_event(struct pairing *l, const struct trace_event *event, uint64_t seq, struct trace_event *ended)
{
	if (event->kind == TRACE_RESET)
		reset(l, event);
	if (event->status != 0 || pairing_class(event->kind) == PAIRING_CLASSES)
		return 0;
	return begins(event->kind) ? begin(l, event, seq) : end(l, event, ended);
}

const struct pairing_count *pairing_count(const struct pairing *l, enum pairing_class class)
{
	return &l->count[class];
}

static int by_seq(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return (*x)->seq < (*y)->seq ? -1 : (*x)->seq > (*y)->seq;
}

struct trace_event *pairing_list(const struct pairing *l, size_t *n)
{
	const struct entry **order = malloc(((size_t)l->n + 1) * sizeof(*order));
	struct trace_event *events = malloc(((size_t)l->n + 1) * sizeof(*events));

	*n = 0;
	if (!order || !events) {
		free(order);
		free(events);
		return NULL;
	}
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->entries[i].used)
			order[(*n)++] = &l->entries[i];
	}
	qsort(order, *n, sizeof(*order), by_seq);
	for (size_t i = 0; i < *n; i++)
		events[i] = order[i]->event;
	free(order);
	return events;
}
