/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The same events as LTTng-UST tracepoints, each field as wide as it must be. Read twice, as LTTng wants it. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER egpu_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/lttng_peer_tp.h"

#if !defined(EGPU_BENCH_LTTNG_PEER_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define EGPU_BENCH_LTTNG_PEER_TP_H

#include <lttng/tracepoint.h>

#include "tracer/event.h"

LTTNG_UST_TRACEPOINT_EVENT(egpu_bench, region, LTTNG_UST_TP_ARGS(const struct trace_event *, e),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint8_t, kind, e->kind)
		lttng_ust_field_integer(uint16_t, device, e->device)
		lttng_ust_field_integer(int32_t, status, e->status)
		lttng_ust_field_integer(uint8_t, region, (uint8_t)e->arg[0])
		lttng_ust_field_integer_hex(uint64_t, offset, e->arg[1])
		lttng_ust_field_integer(uint32_t, len, (uint32_t)e->arg[2])
		lttng_ust_field_integer_hex(uint64_t, value, e->arg[3])))

LTTNG_UST_TRACEPOINT_EVENT(egpu_bench, request, LTTNG_UST_TP_ARGS(const struct trace_event *, e),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint8_t, kind, e->kind)
		lttng_ust_field_integer(uint16_t, device, e->device)
		lttng_ust_field_integer(int32_t, status, e->status)
		lttng_ust_field_integer_hex(uint64_t, gpa, e->arg[TRACE_REQ_GPA])
		lttng_ust_field_integer(uint64_t, len, e->arg[TRACE_REQ_LEN])
		lttng_ust_field_integer_hex(uint64_t, iova, e->arg[TRACE_REQ_IOVA])
		lttng_ust_field_integer_hex(uint32_t, flags, (uint32_t)e->arg[TRACE_REQ_FLAGS])
		lttng_ust_field_integer(uint64_t, guest_t, e->arg[TRACE_REQ_GUEST_T])))

LTTNG_UST_TRACEPOINT_EVENT(egpu_bench, mapping, LTTNG_UST_TP_ARGS(const struct trace_event *, e),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint8_t, kind, e->kind)
		lttng_ust_field_integer(uint16_t, device, e->device)
		lttng_ust_field_integer(int32_t, status, e->status)
		lttng_ust_field_integer_hex(uint64_t, gpa, e->arg[TRACE_MAP_GPA])
		lttng_ust_field_integer(uint64_t, len, e->arg[TRACE_MAP_LEN])
		lttng_ust_field_integer_hex(uint64_t, iova, e->arg[TRACE_MAP_IOVA])
		lttng_ust_field_integer(uint32_t, seq, (uint32_t)e->arg[TRACE_MAP_SEQ])
		lttng_ust_field_integer(uint8_t, by, (uint8_t)e->arg[TRACE_MAP_BY])))

LTTNG_UST_TRACEPOINT_EVENT(egpu_bench, other, LTTNG_UST_TP_ARGS(const struct trace_event *, e),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint8_t, kind, e->kind)
		lttng_ust_field_integer(uint16_t, device, e->device)
		lttng_ust_field_integer(int32_t, status, e->status)
		lttng_ust_field_array(uint64_t, arg, e->arg, 4)))

#endif

#include <lttng/tracepoint-event.h>
