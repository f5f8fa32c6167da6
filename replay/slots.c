/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/slots.h"

#include <stdlib.h>

#define START 1024u

static u32 bucket_of(u32 device, struct span at, u64 iova)
{
	u64 h = (at.start ^ (u64)device << 48 ^ iova << 20) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 29 ^ at.len) * 0xbf58476d1ce4e5b9ULL;
	return (u32)(h >> 32);
}

int slots_init(struct slots *s)
{
	memset(s, 0, sizeof(*s));
	s->capacity = START;
	s->entries = malloc(START * sizeof(*s->entries));
	s->buckets = malloc(START * sizeof(*s->buckets));
	if (!s->entries || !s->buckets) {
		slots_destroy(s);
		return -ENOMEM;
	}
	slots_clear(s);
	return 0;
}

void slots_destroy(struct slots *s)
{
	free(s->entries);
	free(s->buckets);
	memset(s, 0, sizeof(*s));
}

void slots_clear(struct slots *s)
{
	u32 i;

	for (i = 0; i < s->capacity; i++)
		s->buckets[i] = SLOTS_NONE;
	s->free = SLOTS_NONE;
	s->taken = 0;
	s->used = 0;
	s->used_bytes = 0;
}

/* the chain of bucket @i is dealt out to @i and @i + @capacity; the order in each stays */
static void split_bucket(struct slots *s, u32 i, u32 capacity)
{
	u32 *tail[2] = { &s->buckets[i], &s->buckets[i + capacity] };
	u32 at = s->buckets[i];

	while (at != SLOTS_NONE) {
		struct slots_entry *e = &s->entries[at];
		u32 half = (bucket_of(e->device, e->at, e->iova) & capacity) != 0;

		*tail[half] = at;
		tail[half] = &e->next;
		at = e->next;
	}
	*tail[0] = SLOTS_NONE;
	*tail[1] = SLOTS_NONE;
}

static int grow(struct slots *s)
{
	u32 i, capacity = s->capacity;
	void *p;

	if (capacity >= SLOTS_MAX)
		return -E2BIG;
	p = realloc(s->entries, (size_t)capacity * 2 * sizeof(*s->entries));
	if (!p)
		return -ENOMEM;
	s->entries = p;
	p = realloc(s->buckets, (size_t)capacity * 2 * sizeof(*s->buckets));
	if (!p)
		return -ENOMEM;
	s->buckets = p;
	s->capacity = capacity * 2;
	for (i = 0; i < capacity; i++)
		split_bucket(s, i, capacity);
	return 0;
}

int slots_push(struct slots *s, u32 device, struct span at, u64 iova, u32 *slot)
{
	u32 i = s->free;
	u32 *bucket;
	int rc;

	if (i != SLOTS_NONE) {
		s->free = s->entries[i].next;
	} else {
		rc = s->taken == s->capacity ? grow(s) : 0;
		if (rc)
			return rc;
		i = s->taken++;
	}
	bucket = &s->buckets[bucket_of(device, at, iova) & (s->capacity - 1)];
	s->entries[i] = (struct slots_entry){ at, iova, device, *bucket };
	*bucket = i;
	s->used_bytes += at.len;
	if (++s->used > s->peak)
		s->peak = s->used;
	if (s->used_bytes > s->peak_bytes)
		s->peak_bytes = s->used_bytes;
	*slot = i;
	return 0;
}

u32 slots_pop(struct slots *s, u32 device, struct span at, u64 iova)
{
	u32 *link = &s->buckets[bucket_of(device, at, iova) & (s->capacity - 1)];
	u32 i;

	while (*link != SLOTS_NONE) {
		struct slots_entry *e = &s->entries[*link];

		if (e->device == device && e->iova == iova && span_equal(e->at, at))
			break;
		link = &e->next;
	}
	i = *link;
	if (i == SLOTS_NONE)
		return SLOTS_NONE;
	*link = s->entries[i].next;
	s->entries[i].next = s->free;
	s->free = i;
	s->used--;
	s->used_bytes -= at.len;
	return i;
}
