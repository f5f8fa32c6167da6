/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Field numbers are those of Perfetto's protos/perfetto/trace (trace_packet.proto, track_descriptor.proto, track_event.proto). */
#include "tracer/export/perfetto.h"

#include <errno.h>

enum { TRACE_PACKET = 1 };
enum { PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_TRACK_EVENT = 11, PACKET_SEQUENCE_FLAGS = 13, PACKET_TRACK = 60 };
enum { TRACK_UUID = 1, TRACK_NAME = 2, TRACK_PROCESS = 3, TRACK_THREAD = 4, TRACK_PARENT = 5, TRACK_COUNTER = 8 };
enum { PROCESS_PID = 1, PROCESS_NAME = 6, THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5, COUNTER_UNIT = 3, COUNTER_UNIT_NAME = 6 };
enum { EVENT_ANNOTATION = 4, EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_NAME = 23, EVENT_COUNTER = 30, EVENT_COUNTER_DOUBLE = 44 };
enum { ANNOTATION_INT = 4, ANNOTATION_STRING = 6, ANNOTATION_POINTER = 7, ANNOTATION_NAME = 10 };
enum { UNIT_COUNT = 2, UNIT_BYTES = 3 };

#define SEQUENCE 1
#define STATE_CLEARED 1
#define PID_FIRST 1000u /* of device 0, the trace itself */

static const struct { const char *name; unsigned int unit; const char *unit_name; } counters[PERFETTO_COUNTERS] = {
	[PERFETTO_MAPPINGS] = { "live mappings", UNIT_COUNT, NULL },
	[PERFETTO_MAPPED] = { "mapped bytes", UNIT_BYTES, NULL },
	[PERFETTO_REQUESTS] = { "live requests", UNIT_COUNT, NULL },
	[PERFETTO_REQUESTED] = { "requested bytes", UNIT_BYTES, NULL },
	[PERFETTO_FPS] = { "fps", 0, "frames/s" },
};

static const char *const threads[PERFETTO_THREADS] = {
	[PERFETTO_FRAMES] = "frames", [PERFETTO_PHASES] = "phases", [PERFETTO_INTERRUPTS] = "interrupts", [PERFETTO_FAULTS] = "faults",
};

/* a device's tracks: 0 its process, then its threads, then its counters */
static uint64_t track_of(unsigned int device, unsigned int track)
{
	return ((uint64_t)device + 1) << 8 | track;
}

/* ---- packets ---- */

static int put_packet(struct perfetto *x, struct proto *packet)
{
	uint8_t head[16];
	size_t n;

	proto_uint(packet, PACKET_SEQUENCE, SEQUENCE);
	if (!x->begun)
		proto_uint(packet, PACKET_SEQUENCE_FLAGS, STATE_CLEARED);
	x->begun = true;
	if (packet->too_long)
		return -EMSGSIZE;
	head[0] = TRACE_PACKET << 3 | 2;
	n = 1 + proto_varint(head + 1, packet->len);
	if (fwrite(head, 1, n, x->out) != n || fwrite(packet->bytes, 1, packet->len, x->out) != packet->len)
		return -errno;
	return 0;
}

int perfetto_put(struct perfetto *x, uint64_t t_ns, const struct proto *event)
{
	struct proto packet;

	proto_begin(&packet);
	proto_uint(&packet, PACKET_TIMESTAMP, t_ns);
	proto_message(&packet, PACKET_TRACK_EVENT, event);
	return put_packet(x, &packet);
}

/* @field of the descriptor is @what: a process, a thread, a counter */
static int put_track(struct perfetto *x, uint64_t track, uint64_t parent, const char *name, unsigned int field, const struct proto *what)
{
	struct proto descriptor, packet;

	proto_begin(&descriptor);
	proto_begin(&packet);
	proto_uint(&descriptor, TRACK_UUID, track);
	proto_string(&descriptor, TRACK_NAME, name);
	if (parent)
		proto_uint(&descriptor, TRACK_PARENT, parent);
	proto_message(&descriptor, field, what);
	proto_message(&packet, PACKET_TRACK, &descriptor);
	return put_packet(x, &packet);
}

/* a track is described when its first event comes, so that there are no empty ones */
static int need_track(struct perfetto *x, unsigned int device, unsigned int track)
{
	struct perfetto_device *d = &x->device[device];
	struct proto what;
	unsigned int counter;

	if (d->described & 1u << track)
		return 0;
	d->described |= 1u << track;
	proto_begin(&what);
	if (track == 0) {
		proto_uint(&what, PROCESS_PID, PID_FIRST + device);
		proto_string(&what, PROCESS_NAME, d->name);
		return put_track(x, track_of(device, 0), 0, d->name, TRACK_PROCESS, &what);
	}
	if (track <= PERFETTO_THREADS) {
		proto_uint(&what, THREAD_PID, PID_FIRST + device);
		proto_uint(&what, THREAD_TID, (uint64_t)(PID_FIRST + device) * 100 + track);
		proto_string(&what, THREAD_NAME, threads[track - 1]);
		return put_track(x, track_of(device, track), track_of(device, 0), threads[track - 1], TRACK_THREAD, &what);
	}
	counter = track - 1 - PERFETTO_THREADS;
	if (counters[counter].unit)
		proto_uint(&what, COUNTER_UNIT, counters[counter].unit);
	if (counters[counter].unit_name)
		proto_string(&what, COUNTER_UNIT_NAME, counters[counter].unit_name);
	return put_track(x, track_of(device, track), track_of(device, 0), counters[counter].name, TRACK_COUNTER, &what);
}

int perfetto_begin(struct perfetto *x, struct proto *p, unsigned int device, unsigned int track, unsigned int type, const char *name)
{
	int err = need_track(x, device, 0);

	if (!err)
		err = need_track(x, device, track);
	proto_begin(p);
	proto_uint(p, EVENT_TYPE, type);
	proto_uint(p, EVENT_TRACK, track_of(device, track));
	if (name)
		proto_string(p, EVENT_NAME, name);
	return err;
}

static void annotate_number(struct proto *event, const char *name, unsigned int field, uint64_t v)
{
	struct proto a;

	proto_begin(&a);
	proto_string(&a, ANNOTATION_NAME, name);
	proto_uint(&a, field, v);
	proto_message(event, EVENT_ANNOTATION, &a);
}

void perfetto_note_number(struct proto *event, const char *name, uint64_t v)
{
	annotate_number(event, name, ANNOTATION_INT, v);
}

void perfetto_note_address(struct proto *event, const char *name, uint64_t v)
{
	annotate_number(event, name, ANNOTATION_POINTER, v);
}

void perfetto_note_text(struct proto *event, const char *name, const char *text)
{
	struct proto a;

	proto_begin(&a);
	proto_string(&a, ANNOTATION_NAME, name);
	proto_string(&a, ANNOTATION_STRING, text);
	proto_message(event, EVENT_ANNOTATION, &a);
}

int perfetto_slice(struct perfetto *x, unsigned int device, enum perfetto_thread thread, const char *name, uint64_t start_ns, uint64_t end_ns)
{
	struct proto p;
	int err = perfetto_begin(x, &p, device, perfetto_thread_track(thread), PERFETTO_TYPE_BEGIN, name);

	if (!err)
		err = perfetto_put(x, start_ns, &p);
	if (!err)
		err = perfetto_begin(x, &p, device, perfetto_thread_track(thread), PERFETTO_TYPE_END, NULL);
	return err ? err : perfetto_put(x, end_ns, &p);
}

int perfetto_point(struct perfetto *x, unsigned int device, enum perfetto_counter counter, const struct thin_point *point)
{
	struct proto p;
	int err = perfetto_begin(x, &p, device, perfetto_counter_track(counter), PERFETTO_TYPE_COUNTER, NULL);

	if (counter == PERFETTO_FPS)
		proto_double(&p, EVENT_COUNTER_DOUBLE, (double)point->value / 1e3);
	else
		proto_uint(&p, EVENT_COUNTER, (uint64_t)point->value);
	return err ? err : perfetto_put(x, point->t_ns, &p);
}
