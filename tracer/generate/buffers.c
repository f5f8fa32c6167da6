/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/generate/buffers.h"

#include <errno.h>
#include <stdlib.h>

#include "tracer/generate/generate.h"

#define RESERVE_PAGES 2048u  /* as in the driver: left to the rest of the kernel */
#define SEGMENT_BYTES 16u    /* of struct sim_gpu_segment */
#define MORE 0x08u           /* COMPANION_REC_MORE */

void driver_emit(struct driver *d, struct trace_event event)
{
	if (d->events == d->events_max)
		return;
	d->events++;
	event.t_ns = d->t_ns;
	tracer_emit(d->ring, &event);
}

static void request(struct driver *d, enum trace_kind kind, uint32_t page, uint64_t len_bytes, unsigned int align_log2, bool more)
{
	uint64_t gpa = page * PAGES_BYTES;

	driver_emit(d, (struct trace_event){
		.kind = (uint16_t)kind,
		.device = d->device,
		.arg = { gpa, len_bytes, gpa, TRACE_REQ_MAKE_FLAGS(0, align_log2, more ? MORE : 0), d->t_ns },
	});
	d->t_ns += GENERATE_REQUEST_NS;
}

static unsigned int order_of(uint64_t len_bytes)
{
	unsigned int order = 0;

	while (PAGES_BYTES << order < len_bytes)
		order++;
	return order;
}

static uint32_t get_pages(struct driver *d, unsigned int order)
{
	return pages_left(d->pages) < RESERVE_PAGES + (1u << order) ? PAGES_NONE : pages_alloc(d->pages, order);
}

static uint32_t chunks_of(const struct buffer *b)
{
	return (uint32_t)(b->len_bytes / PAGES_BYTES);
}

static void give_back(struct driver *d, struct buffer *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		pages_free(d->pages, b->chunks[i], 0);
	free(b->chunks);
	b->chunks = NULL;
}

static int get_chunks(struct driver *d, struct buffer *b)
{
	uint32_t i, n = chunks_of(b);

	b->chunks = malloc(n * sizeof(*b->chunks));
	if (!b->chunks)
		return -ENOSPC;
	for (i = 0; i < n; i++) {
		b->chunks[i] = get_pages(d, 0);
		if (b->chunks[i] == PAGES_NONE) {
			give_back(d, b, i);
			return -ENOMEM;
		}
	}
	b->page = pages_alloc(d->pages, order_of((uint64_t)n * SEGMENT_BYTES));
	if (b->page != PAGES_NONE)
		return 0;
	give_back(d, b, n);
	return -ENOMEM;
}

static void request_all(struct driver *d, enum trace_kind kind, const struct buffer *b)
{
	uint32_t i, n = chunks_of(b);
	uint64_t list_bytes = (uint64_t)n * SEGMENT_BYTES;

	if (kind == TRACE_REQ_UNMAP)
		request(d, kind, b->page, list_bytes, 0, false);
	for (i = 0; i < n; i++)
		request(d, kind, b->chunks[i], PAGES_BYTES, b->align_log2, i + 1 < n);
	if (kind == TRACE_REQ_MAP)
		request(d, kind, b->page, list_bytes, 0, false);
}

int buffer_new(struct driver *d, struct buffer *b, bool contiguous)
{
	int rc = 0;

	b->chunks = NULL;
	/* one page is one piece, whatever was asked */
	if (contiguous || b->len_bytes == PAGES_BYTES) {
		b->page = get_pages(d, order_of(b->len_bytes));
		if (b->page == PAGES_NONE)
			return -ENOMEM;
		request(d, TRACE_REQ_MAP, b->page, b->len_bytes, b->align_log2, false);
		return 0;
	}
	rc = get_chunks(d, b);
	if (rc == 0)
		request_all(d, TRACE_REQ_MAP, b);
	return rc;
}

void buffer_free(struct driver *d, struct buffer *b)
{
	if (!b->chunks) {
		request(d, TRACE_REQ_UNMAP, b->page, b->len_bytes, b->align_log2, false);
		pages_free(d->pages, b->page, order_of(b->len_bytes));
		return;
	}
	request_all(d, TRACE_REQ_UNMAP, b);
	pages_free(d->pages, b->page, order_of((uint64_t)chunks_of(b) * SEGMENT_BYTES));
	give_back(d, b, chunks_of(b));
}

void buffer_drop(struct buffer *b)
{
	free(b->chunks);
}
