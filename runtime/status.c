/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/status.h"

#include <json-c/json.h>
#include <inttypes.h>
#include <stdio.h>

#include "runtime/device/companion.h"
#include "runtime/device/sim_gpu.h"
#include "runtime/device/vfio.h"

#define MIB(bytes) ((double)(bytes) / (1 << 20))

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

void status_line(struct session *s)
{
	static u64 last_ns, last_events, last_frames;
	u64 now = tracer_now_ns();
	double dt = (double)(now - last_ns) / 1e9;
	struct sim_gpu_counters gpu = { 0 };
	struct tracer_status trace = { 0 };
	struct mapper_stats map;
	const struct dart_stats *dart = &map.dart;
	const struct dart_limits *limits = mapper_limits(s->mapper);

	if (!s->o->vfio)
		sim_gpu_counters(s->device[0], &gpu);
	mapper_stats(s->mapper, &map);
	if (s->tracer)
		tracer_status(s->tracer, &trace);
	if (last_ns)
		fprintf(stderr,
			"\r\033[K%6.1f s  %8.0f events/s  %6" PRIu64 " mappings (%.1f%%)  %7.1f MiB mapped (%.1f%%)  %5.1f fps  trace %.1f MiB%s",
			(double)(now - s->started_ns) / 1e9, (double)(trace.events - last_events) / dt, dart->live_mappings,
			percent(dart->live_mappings, limits->max_mappings), MIB(dart->live_bytes), percent(dart->live_bytes, limits->max_bytes),
			(double)(gpu.frames - last_frames) / dt, MIB(trace.file_bytes), trace.dropped ? "  EVENTS LOST" : "");
	fflush(stderr);
	last_ns = now;
	last_events = trace.events;
	last_frames = gpu.frames;
}

void status_line_end(void)
{
	fprintf(stderr, "\r\033[K");
}

void status_collect(struct session *s, struct status_summary *out)
{
	struct sim_gpu_counters gpu = { 0 };
	struct vfio_counters real = { 0 };
	struct companion_counters companion = { 0 };
	struct tracer_status trace = { 0 };

	memset(out, 0, sizeof(*out));
	if (s->o->vfio)
		vfio_counters(s->device[0], &real);
	else
		sim_gpu_counters(s->device[0], &gpu);
	if (s->device[1])
		companion_counters(s->device[1], &companion);
	mapper_stats(s->mapper, &out->map);
	if (s->tracer)
		tracer_status(s->tracer, &trace);
	for (u32 i = 0; i < s->devices; i++) {
		out->messages += s->served[i].messages;
		out->refused += s->served[i].refused;
	}
	out->seconds = (double)(s->ended_ns - s->started_ns) / 1e9;
	out->frames = gpu.frames;
	out->faults = gpu.faults;
	out->interrupts = real.interrupts;
	if (s->o->vfio)
		out->faults = s->real_faults;
	out->requests = companion.requests + out->map.requests;
	if (s->iommu) {
		out->iommu = s->iommu->name;
		out->iommu_avail = s->iommu->avail;
	}
	out->limits = *mapper_limits(s->mapper);
	out->sched = s->o->serve_dir ? NULL : s->sched_text;
	out->events = trace.events;
	out->dropped = trace.dropped;
	out->file_bytes = trace.file_bytes;
}

/* by the simulated IOMMU */
static u64 refused(const struct status_summary *m)
{
	const struct dart_stats *d = &m->map.dart;

	return d->refused_count + d->refused_bytes + d->refused_space + d->refused_invalid + d->refused_overlap;
}

static void put(struct json_object *o, const char *key, u64 v)
{
	json_object_object_add(o, key, json_object_new_uint64(v));
}

static void print_json(const struct status_summary *m, bool ok, const char *reason, const char *trace)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "ok", json_object_new_boolean(ok));
	json_object_object_add(o, "reason", json_object_new_string(reason));
	json_object_object_add(o, "trace", trace ? json_object_new_string(trace) : NULL);
	json_object_object_add(o, "seconds", json_object_new_double(m->seconds));
	put(o, "events", m->events);
	put(o, "events_dropped", m->dropped);
	put(o, "file_bytes", m->file_bytes);
	put(o, "requests", m->requests);
	put(o, "peak_mappings", m->map.dart.peak_mappings);
	put(o, "peak_mapped_bytes", m->map.dart.peak_bytes);
	put(o, "live_mappings", m->map.dart.live_mappings);
	put(o, "host_calls", m->map.dart.map_calls + m->map.dart.unmap_calls);
	put(o, "map_refused", refused(m));
	if (m->iommu) {
		json_object_object_add(o, "iommu", json_object_new_string(m->iommu));
		put(o, "iommu_peak_mappings", m->map.real_peak);
		put(o, "iommu_live_mappings", m->map.real_live);
		put(o, "iommu_refused", m->map.real_refused);
		put(o, "iommu_avail", m->iommu_avail);
		put(o, "interrupts", m->interrupts);
	}
	json_object_object_add(o, "sched", m->sched ? json_object_new_string(m->sched) : NULL);
	put(o, "frames", m->frames);
	put(o, "faults", m->faults);
	put(o, "messages", m->messages);
	put(o, "messages_refused", m->refused);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void print_iommu(const struct status_summary *m)
{
	if (!m->iommu)
		return;
	printf("  %-9s at most %" PRIu64 " mappings", m->iommu, m->map.real_peak);
	if (m->iommu_avail)
		printf(" (%.1f%% of %" PRIu64 ")", percent(m->map.real_peak, m->iommu_avail), m->iommu_avail);
	printf(", %" PRIu64 " refused, %" PRIu64 " left behind\n", m->map.real_refused, m->map.real_live);
}

void status_print(const struct status_summary *m, bool ok, const char *reason, const char *trace, bool json)
{
	const struct dart_stats *d = &m->map.dart;

	if (json) {
		print_json(m, ok, reason, trace);
		return;
	}
	printf("%s after %.1f s: %s\n", ok ? "ended" : "FAILED", m->seconds, reason);
	printf("  requests  %" PRIu64 " by the guest's driver, %" PRIu64 " map and unmap calls to the IOMMU, %" PRIu64 " refused\n", m->requests,
	       d->map_calls + d->unmap_calls, refused(m));
	printf("  peak      %" PRIu64 " mappings (%.1f%% of %" PRIu64 "), %.1f MiB mapped (%.1f%% of %.0f MiB)\n", d->peak_mappings,
	       percent(d->peak_mappings, m->limits.max_mappings), m->limits.max_mappings, MIB(d->peak_bytes),
	       percent(d->peak_bytes, m->limits.max_bytes), MIB(m->limits.max_bytes));
	print_iommu(m);
	if (m->iommu)
		printf("  device    %" PRIu64 " interrupts, %" PRIu64 " DMA faults\n", m->interrupts, m->faults);
	else
		printf("  device    %" PRIu64 " frames, %" PRIu64 " faults\n", m->frames, m->faults);
	if (m->sched && strcmp(m->sched, "off"))
		printf("  vCPUs     %s\n", m->sched);
	if (trace)
		printf("  trace     %s: %" PRIu64 " events, %.1f MiB, %" PRIu64 " lost\n", trace, m->events, MIB(m->file_bytes), m->dropped);
}
