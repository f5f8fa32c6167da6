/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/mapper.h"

#include <pthread.h>
#include <stdlib.h>

#define GIB4 ((u64)1 << 32)
#define GUEST_APERTURE_BYTES ((u64)1 << 57) /* the largest guest address width there is */

enum refuser { BY_SIMULATED, BY_REAL };

struct mapper {
	pthread_mutex_t lock;
	struct mapper_options o;
	struct dart *dart;
	u64 seq; /* host calls so far; the events of one call share it */
	u64 real_live, real_peak, real_refused, requests;
};

/* the part of the aperture that the real IOMMU can map; the longest, if reserved windows cut it */
static struct span usable(struct span aperture, const struct iommu *real, u64 granule_bytes)
{
	struct span best = { 0, 0 };

	for (u32 i = 0; i < real->nranges; i++) {
		u64 first = real->ranges[i].start > aperture.start ? real->ranges[i].start : aperture.start;
		u64 last = span_last(real->ranges[i]) < span_last(aperture) ? span_last(real->ranges[i]) : span_last(aperture);
		u64 start = (first + granule_bytes - 1) & ~(granule_bytes - 1), len;

		if (start < first || start > last)
			continue;
		len = (last - start + 1) & ~(granule_bytes - 1);
		if (len > best.len)
			best = (struct span){ start, len };
	}
	return best;
}

struct mapper *mapper_new(const struct mapper_options *o)
{
	struct mapper *m = calloc(1, sizeof(*m));
	struct dart_limits limits = *o->limits;

	if (!m)
		return NULL;
	m->o = *o;
	if (o->way != MAPPER_COMPANION)
		limits.aperture_iova = (struct span){ 0, GUEST_APERTURE_BYTES };
	else if (o->real)
		limits.aperture_iova = usable(limits.aperture_iova, o->real, (u64)1 << limits.granule_log2);
	m->dart = dart_new(&limits);
	if (!m->dart) {
		free(m);
		return NULL;
	}
	m->o.limits = dart_limits(m->dart);
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

static void record(struct mapper *m, struct tracer_ring *ring, u16 kind, struct span gpa, u64 iova, s32 status, enum refuser by)
{
	struct trace_event e = {
		.t_ns = tracer_now_ns(), .kind = kind, .device = m->o.device, .status = status,
		.arg = { gpa.start, gpa.len, iova, m->seq, by },
	};

	if (ring)
		tracer_emit(ring, &e);
}

/* ---- the real IOMMU ---- */

static void real_end(struct mapper *m, struct span iova, u32 pieces)
{
	if (!m->o.real || !pieces)
		return;
	m->o.real->ops->unmap(m->o.real, iova.start, iova.len);
	m->real_live -= pieces;
}

/* map what is memory of [@addr, + @len_bytes) in @gm at @iova; Return: pieces, or why not (then none is left) */
static int real_map(struct mapper *m, struct guest_memory *gm, u64 addr, struct span iova)
{
	u64 done = 0;
	int pieces = 0, err = 0;

	while (done < iova.len) {
		bool writable;
		u64 piece;
		void *hva = guest_memory_reach(gm, addr + done, &piece, &writable);

		if (piece > iova.len - done)
			piece = iova.len - done;
		if (hva) {
			err = m->o.real->ops->map(m->o.real, iova.start + done, hva, piece, writable);
			if (err)
				break;
			pieces++;
		}
		done += piece;
	}
	if (!err && !pieces)
		err = -EFAULT;
	if (err && pieces)
		m->o.real->ops->unmap(m->o.real, iova.start, iova.len);
	return err ? err : pieces;
}

/* the mapping was just made in the DART; Return: 0, or the real IOMMU's refusal, and it is not there any more */
static int real_follow(struct mapper *m, struct guest_memory *gm, u64 addr, struct span iova, const struct dart_stats *before)
{
	int pieces;

	if (!m->o.real)
		return 0;
	pieces = real_map(m, gm, addr, iova);
	if (pieces < 0) {
		m->real_refused++;
		dart_undo(m->dart, iova.start, before);
		return pieces;
	}
	*dart_tag(m->dart, iova.start) = (u32)pieces;
	m->real_live += (u64)pieces;
	if (m->real_live > m->real_peak)
		m->real_peak = m->real_live;
	return 0;
}

/* ---- the companion's entries ---- */

static void map_entry(struct mapper *m, struct companion_entry *e, struct guest_memory *gm, struct tracer_ring *ring)
{
	struct dart_stats before = *dart_stats(m->dart);
	struct span gpa = { e->gpa, e->len };
	enum refuser by = BY_SIMULATED;

	e->status = dart_map(m->dart, gpa, &e->iova);
	if (!e->status) {
		e->status = real_follow(m, gm, e->gpa, (struct span){ e->iova, e->len }, &before);
		by = e->status ? BY_REAL : BY_SIMULATED;
	}
	if (e->status)
		e->iova = ~0ULL;
	record(m, ring, TRACE_MAP, gpa, e->iova, e->status, by);
}

/* end the mapping that starts at @iova, the real one first: nothing may reach memory that nobody accounts for */
static int end_mapping(struct mapper *m, u64 iova, struct span *gpa)
{
	struct span at;
	u64 start;

	if (m->o.real && dart_next(m->dart, iova, &at, &start) && at.start == iova)
		real_end(m, at, *dart_tag(m->dart, iova));
	return dart_unmap(m->dart, iova, gpa);
}

void mapper_submit(struct mapper *m, u32 op, struct companion_entry *entries, u32 n, struct guest_memory *gm, struct tracer_ring *ring)
{
	pthread_mutex_lock(&m->lock);
	m->seq++;
	for (u32 i = 0; i < n; i++) {
		struct companion_entry *e = &entries[i];
		struct span gpa = { e->gpa, e->len };

		if (op == COMPANION_OP_MAP) {
			map_entry(m, e, gm, ring);
			continue;
		}
		e->status = end_mapping(m, e->iova, &gpa);
		record(m, ring, TRACE_UNMAP, gpa, e->iova, e->status, BY_SIMULATED);
	}
	pthread_mutex_unlock(&m->lock);
}

/* ---- the client's memory ---- */

/* an offset in the RAM file, as the address at which the guest sees it */
static u64 gpa_of(const struct mapper *m, u64 offset)
{
	return m->o.low_ram_bytes && offset >= m->o.low_ram_bytes ? offset - m->o.low_ram_bytes + GIB4 : offset;
}

/* nobody stands between: what the client announces is what was asked */
static void record_request(struct mapper *m, struct tracer_ring *ring, u16 kind, struct span gpa, u64 iova, bool writable, s32 status)
{
	struct trace_event e = {
		.t_ns = tracer_now_ns(), .kind = kind, .device = m->o.device, .status = status,
		.arg = { gpa.start, gpa.len, status ? ~0ULL : iova,
			 TRACE_REQ_MAKE_FLAGS(writable ? COMPANION_DIR_BOTH : COMPANION_DIR_TO_DEVICE, 0, 0) },
	};

	m->requests++;
	if (ring)
		tracer_emit(ring, &e);
}

int mapper_client_map(struct mapper *m, struct guest_memory *gm, struct span range, u64 offset, struct tracer_ring *ring)
{
	struct span gpa = { gpa_of(m, offset), range.len };
	enum refuser by = BY_SIMULATED;
	struct dart_stats before;
	bool writable;
	u64 room;
	int err;

	guest_memory_reach(gm, range.start, &room, &writable);
	pthread_mutex_lock(&m->lock);
	before = *dart_stats(m->dart);
	m->seq++;
	err = dart_map_at(m->dart, gpa, range.start);
	if (!err) {
		err = real_follow(m, gm, range.start, range, &before);
		by = err ? BY_REAL : BY_SIMULATED;
	}
	record(m, ring, TRACE_MAP, gpa, err ? ~0ULL : range.start, err, by);
	record_request(m, ring, TRACE_REQ_MAP, gpa, range.start, writable, err);
	pthread_mutex_unlock(&m->lock);
	return err;
}

/* Return: true if a mapping lies partly inside @range; only the two at its ends can */
static bool sticks_out(const struct mapper *m, struct span range)
{
	u64 end = span_last(range);
	struct span at;
	u64 gpa;

	if (dart_next(m->dart, range.start, &at, &gpa) && at.start < range.start)
		return true;
	return dart_next(m->dart, end, &at, &gpa) && at.start <= end && span_last(at) > end;
}

int mapper_client_unmap(struct mapper *m, struct span range, struct tracer_ring *ring)
{
	struct span at, gpa;
	int err = 0;

	pthread_mutex_lock(&m->lock);
	m->seq++;
	if (sticks_out(m, range)) {
		err = -EINVAL;
		record(m, ring, TRACE_UNMAP, range, range.start, err, BY_SIMULATED);
	}
	while (!err && dart_next(m->dart, range.start, &at, &gpa.start) && at.start <= span_last(range)) {
		end_mapping(m, at.start, &gpa);
		record_request(m, ring, TRACE_REQ_UNMAP, gpa, at.start, true, 0);
		record(m, ring, TRACE_UNMAP, gpa, at.start, 0, BY_SIMULATED);
	}
	pthread_mutex_unlock(&m->lock);
	return err;
}

u64 mapper_unmap_all(struct mapper *m, struct tracer_ring *ring)
{
	u64 n = 0, gpa;
	struct span at;

	pthread_mutex_lock(&m->lock);
	m->seq++;
	for (; dart_next(m->dart, 0, &at, &gpa); n++) {
		end_mapping(m, at.start, NULL);
		record(m, ring, TRACE_UNMAP, (struct span){ gpa, at.len }, at.start, 0, BY_SIMULATED);
	}
	pthread_mutex_unlock(&m->lock);
	return n;
}

int mapper_copy(struct mapper *m, struct guest_memory *gm, u64 iova, void *buf, u64 len_bytes, bool write, u64 *fault_iova)
{
	u8 *at = buf;
	int err = 0;

	pthread_mutex_lock(&m->lock);
	while (len_bytes && !err) {
		u64 piece = len_bytes, addr;

		err = dart_translate(m->dart, iova, &piece, &addr);
		/* where the client announces what is mapped, its addresses are IOVAs */
		if (m->o.way != MAPPER_COMPANION)
			addr = iova;
		if (!err)
			err = write ? guest_memory_write(gm, addr, at, piece) : guest_memory_read(gm, addr, at, piece);
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

void mapper_stats(struct mapper *m, struct mapper_stats *out)
{
	pthread_mutex_lock(&m->lock);
	*out = (struct mapper_stats){
		.dart = *dart_stats(m->dart), .real_live = m->real_live, .real_peak = m->real_peak, .real_refused = m->real_refused,
		.requests = m->requests,
	};
	pthread_mutex_unlock(&m->lock);
}

const struct dart_limits *mapper_limits(const struct mapper *m)
{
	return dart_limits(m->dart);
}
