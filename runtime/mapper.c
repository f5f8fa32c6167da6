/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/mapper.h"

#include <pthread.h>
#include <stdlib.h>

struct mapper {
	pthread_mutex_t lock;
	struct dart *dart;
	u16 device;
	u64 seq; /* host calls so far; the events of one call share it */
};

struct mapper *mapper_new(const struct dart_limits *limits, u16 device)
{
	struct mapper *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->device = device;
	m->dart = dart_new(limits);
	if (!m->dart) {
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void mapper_free(struct mapper *m)
{
	if (!m)
		return;
	dart_free(m->dart);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void record(struct mapper *m, struct tracer_ring *ring, u16 kind, struct span gpa, u64 iova, s32 status)
{
	struct trace_event e = {
		.t_ns = tracer_now_ns(), .kind = kind, .device = m->device, .status = status,
		.arg = { gpa.start, gpa.len, iova, m->seq },
	};

	if (ring)
		tracer_emit(ring, &e);
}

void mapper_submit(struct mapper *m, u32 op, struct companion_entry *entries, u32 n, struct tracer_ring *ring)
{
	pthread_mutex_lock(&m->lock);
	m->seq++;
	for (u32 i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];
		struct span gpa = { e->gpa, e->len };

		if (op == COMPANION_OP_MAP) {
			e->status = dart_map(m->dart, gpa, &e->iova);
			if (e->status)
				e->iova = ~0ULL;
			record(m, ring, TRACE_MAP, gpa, e->iova, e->status);
		} else {
			e->status = dart_unmap(m->dart, e->iova, &gpa);
			record(m, ring, TRACE_UNMAP, gpa, e->iova, e->status);
		}
	}
	pthread_mutex_unlock(&m->lock);
}

struct ending {
	struct mapper *m;
	struct tracer_ring *ring;
};

static void record_end(void *ctx, u64 iova, struct span gpa)
{
	struct ending *e = ctx;

	record(e->m, e->ring, TRACE_UNMAP, gpa, iova, 0);
}

u64 mapper_unmap_all(struct mapper *m, struct tracer_ring *ring)
{
	struct ending e = { m, ring };
	u64 n;

	pthread_mutex_lock(&m->lock);
	m->seq++;
	dart_each(m->dart, record_end, &e);
	n = dart_unmap_all(m->dart);
	pthread_mutex_unlock(&m->lock);
	return n;
}

int mapper_copy(struct mapper *m, struct guest_memory *gm, u64 iova, void *buf, u64 len_bytes, bool write, u64 *fault_iova)
{
	u8 *at = buf;
	int err = 0;

	pthread_mutex_lock(&m->lock);
	while (len_bytes && !err) {
		u64 piece = len_bytes, gpa;

		err = dart_translate(m->dart, iova, &piece, &gpa);
		if (!err)
			err = write ? guest_memory_write(gm, gpa, at, piece) : guest_memory_read(gm, gpa, at, piece);
		if (err) {
			*fault_iova = iova;
			break;
		}
		iova += piece;
		at += piece;
		len_bytes -= piece;
	}
	pthread_mutex_unlock(&m->lock);
	return err ? -EFAULT : 0;
}

void mapper_stats(struct mapper *m, struct dart_stats *out)
{
	pthread_mutex_lock(&m->lock);
	*out = *dart_stats(m->dart);
	pthread_mutex_unlock(&m->lock);
}

const struct dart_limits *mapper_limits(const struct mapper *m)
{
	return dart_limits(m->dart);
}
