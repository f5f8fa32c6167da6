/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/liveset.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024u
#define BUCKETS_PER_ENTRY 2u

static void give_up(struct liveset *s)
{
	liveset_free(s);
	s->given_up = true;
}

void liveset_free(struct liveset *s)
{
	free(s->entries);
	free(s->buckets);
	memset(s, 0, sizeof(*s));
}

static uint32_t *bucket_of(const struct liveset *s, unsigned int kind, const struct trace_event *e)
{
	uint64_t h = (e->arg[TRACE_MAP_GPA] ^ e->arg[TRACE_MAP_IOVA] << 20 ^ e->arg[TRACE_MAP_IOVA] >> 44) + kind + ((uint64_t)e->device << 8);

	h *= 0x9e3779b97f4a7c15ull;
	return &s->buckets[h >> 32 & (s->room * BUCKETS_PER_ENTRY - 1)];
}

/* double the room; every entry moves to its new bucket, oldest first, so that the newest stays in front */
static bool grow(struct liveset *s)
{
	uint32_t room = s->room ? s->room * 2 : ROOM_FIRST;
	struct liveset_entry *entries = room > LIVESET_MAX ? NULL : realloc(s->entries, room * sizeof(*entries));
	uint32_t *buckets;

	if (!entries)
		return false;
	s->entries = entries;
	buckets = calloc((size_t)room * BUCKETS_PER_ENTRY, sizeof(*buckets));
	if (!buckets)
		return false;
	free(s->buckets);
	s->buckets = buckets;
	s->room = room;
	return true;
}

static void link_entry(struct liveset *s, uint32_t i)
{
	uint32_t *bucket = bucket_of(s, s->entries[i].event.kind, &s->entries[i].event);

	s->entries[i].next = *bucket;
	*bucket = i + 1;
}

static int by_number(const void *a, const void *b)
{
	const struct liveset_entry *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* only called when no entry is free: all of them are live */
static bool make_room(struct liveset *s)
{
	if (!grow(s))
		return false;
	if (s->used)
		qsort(s->entries, s->used, sizeof(*s->entries), by_number);
	for (uint32_t i = 0; i < s->used; i++)
		link_entry(s, i);
	return true;
}

void liveset_add(struct liveset *s, const struct trace_event *event)
{
	uint32_t i;

	if (s->given_up)
		return;
	if (!s->free && s->used == s->room && !make_room(s)) {
		give_up(s);
		return;
	}
	if (s->free) {
		i = s->free - 1;
		s->free = s->entries[i].next;
	} else {
		i = s->used++;
	}
	s->entries[i].event = *event;
	s->entries[i].number = s->inserted++;
	link_entry(s, i);
	s->n++;
}

static bool same(const struct trace_event *live, unsigned int kind, const struct trace_event *e)
{
	return live->kind == kind && live->device == e->device && live->arg[TRACE_MAP_GPA] == e->arg[TRACE_MAP_GPA] &&
	       live->arg[TRACE_MAP_IOVA] == e->arg[TRACE_MAP_IOVA] && live->arg[TRACE_MAP_LEN] == e->arg[TRACE_MAP_LEN];
}

static void take_away(struct liveset *s, unsigned int kind, const struct trace_event *e)
{
	uint32_t *link;

	if (!s->n)
		return;
	for (link = bucket_of(s, kind, e); *link; link = &s->entries[*link - 1].next) {
		uint32_t i = *link - 1;

		if (!same(&s->entries[i].event, kind, e))
			continue;
		*link = s->entries[i].next;
		s->entries[i].event.kind = 0;
		s->entries[i].next = s->free;
		s->free = i + 1;
		s->n--;
		return;
	}
}

void liveset_apply(struct liveset *s, const struct trace_event *event)
{
	if (event->status != 0)
		return;
	switch (event->kind) {
	case TRACE_REQ_MAP:
	case TRACE_MAP:
		liveset_add(s, event);
		return;
	case TRACE_REQ_UNMAP:
		take_away(s, TRACE_REQ_MAP, event);
		return;
	case TRACE_UNMAP:
		take_away(s, TRACE_MAP, event);
		return;
	}
}

bool liveset_copy(const struct liveset *s, struct trace_event *out)
{
	struct liveset_entry *sorted = malloc((s->used + 1) * sizeof(*sorted));
	uint32_t n = 0;

	if (!sorted)
		return false;
	for (uint32_t i = 0; i < s->used; i++) {
		if (s->entries[i].event.kind)
			sorted[n++] = s->entries[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_number);
	for (uint32_t i = 0; i < n; i++)
		out[i] = sorted[i].event;
	free(sorted);
	return true;
}
