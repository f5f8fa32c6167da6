/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/live.h"

#include <stdlib.h>

#define SLOTS_FIRST 4096

struct live {
	struct live_request **slot;
	size_t slots; /* a power of two */
	size_t requests;
	uint64_t elements;
};

struct live *live_new(void)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return NULL;
	live->slots = SLOTS_FIRST;
	live->slot = calloc(live->slots, sizeof(struct live_request *));
	if (!live->slot) {
		free(live);
		return NULL;
	}
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < live->slots; i++) {
		struct live_request *next;

		for (struct live_request *r = live->slot[i]; r; r = next) {
			next = r->next;
			free(r);
		}
	}
	free(live->slot);
	free(live);
}

static size_t slot_of(const struct live *live, uint16_t device, unsigned int class, uint64_t key)
{
	uint64_t h = (key ^ (uint64_t)device << 48 ^ (uint64_t)class << 60) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & (live->slots - 1);
}

/* keeps the order of requests with the same key: newest first */
static void grow(struct live *live)
{
	size_t before = live->slots;
	struct live_request **old = live->slot, **slot = calloc(before * 2, sizeof(struct live_request *));

	if (!slot)
		return;
	live->slot = slot;
	live->slots = before * 2;
	for (size_t i = 0; i < before; i++) {
		struct live_request *next, *reversed = NULL;

		for (struct live_request *r = old[i]; r; r = next) {
			next = r->next;
			r->next = reversed;
			reversed = r;
		}
		for (struct live_request *r = reversed; r; r = next) {
			struct live_request **head = &live->slot[slot_of(live, r->device, r->class, r->key)];

			next = r->next;
			r->next = *head;
			*head = r;
		}
	}
	free(old);
}

struct live_request *live_add(struct live *live, uint16_t device, enum live_class class, uint64_t key, uint64_t size, size_t n)
{
	struct live_request *r = malloc(sizeof(*r) + n * sizeof(r->element[0])), **head;

	if (!r)
		return NULL;
	if (live->requests >= live->slots)
		grow(live);
	head = &live->slot[slot_of(live, device, class, key)];
	*r = (struct live_request){ .next = *head, .key = key, .size = size, .device = device, .class = (uint8_t)class, .n = n };
	*head = r;
	live->requests++;
	if (class != LIVE_ALIAS)
		live->elements += n;
	return r;
}

struct live_request *live_find(struct live *live, uint16_t device, enum live_class class, uint64_t key, uint64_t size)
{
	struct live_request *newest = NULL;

	for (struct live_request *r = live->slot[slot_of(live, device, class, key)]; r; r = r->next) {
		if (r->key != key || r->device != device || r->class != class)
			continue;
		if (r->size == size)
			return r;
		if (!newest)
			newest = r;
	}
	return newest;
}

void live_remove(struct live *live, struct live_request *request)
{
	struct live_request **at = &live->slot[slot_of(live, request->device, request->class, request->key)];

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	live->requests--;
	if (request->class != LIVE_ALIAS)
		live->elements -= request->n;
	free(request);
}

uint64_t live_elements(const struct live *live)
{
	return live->elements;
}
