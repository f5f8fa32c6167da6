/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_room.h"

enum { FIRST, MAX, EVIDENCE, ROOM, KEEP, CROWD };

#define LOG2_MAX 32
#define NEIGHBOURS 16 /* looked at on each side; bounds the cost of a choice, and counts too little rather than too much */

static const struct coalesce_param grow_params[] = {
	[FIRST] = { .name = "first", .min = 12, .max = 24, .def = 16, .help = "log2 of the window that the first request of an area gets" },
	[MAX] = { .name = "max", .min = 12, .max = LOG2_MAX, .def = 28, .help = "log2 of the largest window" },
	[EVIDENCE] = { .name = "evidence", .min = 100, .max = 200, .def = 172,
		       .help = "for a window twice as large, this many percent of the memory must be in use; 200 asks for the same density" },
	[ROOM] = { .name = "room", .min = 1, .max = 100, .def = 95, .help = "percent of the host's byte limit that windows may fill; one takes an eighth of what is left of it at most" },
	[KEEP] = { .name = "keep", .min = 0, .max = 65536, .def = 0, .help = COALESCE_KEEP_HELP },
	[CROWD] = { .name = "crowd", .min = 0, .max = 65536, .def = 64,
		    .help = "mappings beyond which the first window doubles as often as they do; 0 = never" },
};

/* memory that requests use in mapping @m, of which only sum and number are known: small ones touch a granule each, or share one */
static u64 used_bytes(const struct coalesce_view *v, const struct coalesce_mapping *m)
{
	u64 bytes = m->used_bytes + ((u64)m->refs * 3 << v->granule_log2 >> 2);

	return bytes < m->gpa.len ? bytes : m->gpa.len;
}

/* bytes that valid spans @a and @b share */
static u64 shared_bytes(struct span a, struct span b)
{
	u64 first = a.start > b.start ? a.start : b.start;
	u64 last = span_last(a) < span_last(b) ? span_last(a) : span_last(b);

	return first <= last ? last - first + 1 : 0;
}

static u64 used_inside(const struct coalesce_view *v, u32 i, struct span window)
{
	const struct coalesce_mapping *m = &v->order->items[i];
	u64 shared = shared_bytes(m->gpa, window), used = used_bytes(v, m);

	return shared < used ? shared : used;
}

/* memory in use in @window, of what requests around @at_gpa use */
static u64 evidence(const struct coalesce_view *v, const struct span *at_gpa, struct span window)
{
	u64 reach, bytes = shared_bytes(*at_gpa, window);
	u32 before = coalesce_order_before(v->order, at_gpa->start, &reach);
	u32 i, n, after = before == COALESCE_NONE ? coalesce_order_first(v->order) : coalesce_order_next(v->order, before);

	for (i = before, n = 0; i != COALESCE_NONE && n < NEIGHBOURS; i = coalesce_order_prev(v->order, i), n++)
		bytes += used_inside(v, i, window);
	for (i = after, n = 0; i != COALESCE_NONE && n < NEIGHBOURS; i = coalesce_order_next(v->order, i), n++)
		bytes += used_inside(v, i, window);
	return bytes;
}

/* log2 of the window that nothing around speaks for. Many mappings say that memory in use is scattered, so that more will come all over */
static u32 first_log2(const struct coalesce_view *v)
{
	u32 log2 = v->param[FIRST] > v->granule_log2 ? v->param[FIRST] : v->granule_log2;
	u32 crowds = v->param[CROWD] ? (u32)v->mappings / v->param[CROWD] : 0;

	for (; crowds > 1 && log2 < v->param[MAX]; crowds >>= 1)
		log2++;
	return log2;
}

/* log2 of the largest window around @gpa, a byte of @at_gpa, that enough of is in use */
static u32 justified_log2(const struct coalesce_view *v, const struct span *at_gpa, u64 gpa)
{
	u64 need_bytes[LOG2_MAX + 1], need = (u64)1 << v->granule_log2;
	u32 step = v->param[EVIDENCE] * 1024 / 100, first = first_log2(v), log2;

	for (log2 = first + 1; log2 <= v->param[MAX]; log2++)
		need_bytes[log2] = need = need * step >> 10;
	for (log2 = v->param[MAX]; log2 > first; log2--) {
		if (evidence(v, at_gpa, coalesce_window(gpa, log2)) >= need_bytes[log2])
			return log2;
	}
	return first;
}

/*
 * A window of guest memory is worth a mapping of its own if enough of it is in use already: the larger, the more, though less than in
 * proportion, since memory is handed out in runs and more will follow. Near the host's byte limit windows shrink by steps. What is mapped
 * already is left out, so no byte is mapped twice unless a request lies across a border.
 */
static int grow_choose(const struct coalesce_view *v, const struct span *request_gpa, struct span *out_gpa)
{
	u64 most = v->max_bytes ? (v->max_bytes >> 10) * (v->param[ROOM] * 1024 / 100) : ~(u64)0;
	u32 low, high, granule = v->granule_log2;
	struct coalesce_room room;
	struct span at;
	int rc = align_span(request_gpa, granule, &at);

	if (rc || v->param[MAX] < granule)
		return -EINVAL;
	low = justified_log2(v, &at, at.start);
	high = justified_log2(v, &at, span_last(at));
	room = coalesce_room_around(v->order, at);
	for (;;) {
		*out_gpa = coalesce_widen(at, room, low, high);
		if ((low <= granule && high <= granule) || (v->mapped_bytes < most && out_gpa->len <= (most - v->mapped_bytes) >> 3))
			return 0;
		if (low >= high)
			low--;
		else
			high--;
	}
}

const struct coalesce_policy coalesce_policy_grow = {
	.name = "grow",
	.summary = "windows that grow with the memory in use around a request, and shrink near the host's byte limit",
	.params = grow_params,
	.nparams = 6,
	.ordered = true,
	.keep = KEEP + 1,
	.choose = grow_choose,
};
