/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * random_values - a recorded trace once more, as it were if every register held random numbers: what no tracer can pack.
 * usage: random_values IN.egt OUT.egt TICK_NS. Times are told to TICK_NS. bench_tracer.sh builds and calls it.
 */
#include <string.h>

#include "bench/bench_tracer_events.h"
#include "tracer/tracer.h"

static _Noreturn void die(const char *path, const char *why)
{
	fprintf(stderr, "random_values: %s: %s\n", path, why);
	exit(1);
}

/* the same ids for the same devices and texts */
static void copy_tables(struct trace *from, struct tracer *to)
{
	const char *text;

	tracer_meta(to, TRACE_META_PROVENANCE, "modelled");
	for (unsigned int id = 1; id <= trace_devices(from); id++)
		tracer_device(to, trace_device_name(from, id), trace_device_identity(from, id));
	for (uint64_t id = 1; (text = trace_string(from, id)) != NULL; id++)
		tracer_string(to, text);
}

/* Return: as trace_next() */
static int copy_events(struct trace *from, struct tracer *to, char *error)
{
	struct tracer_ring *ring = tracer_ring(to);
	struct trace_cursor *cursor = NULL;
	struct trace_event e;
	uint64_t state = 88172645463325252u;
	int rc = trace_cursor_open(from, false, &cursor);

	while (rc >= 0 && (rc = trace_next(cursor, &e, error)) == 1) {
		if (e.kind == TRACE_REGION_READ || e.kind == TRACE_REGION_WRITE)
			e.arg[3] = bench_random(&state) >> 32;
		tracer_emit(ring, &e);
	}
	trace_cursor_close(cursor);
	return rc;
}

int main(int argc, char **argv)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct tracer_options options = { .overwrite = true };
	struct tracer *to;
	struct trace *from;

	if (argc != 4)
		return 2;
	options.path = argv[2];
	options.tick_ns = (uint32_t)strtoul(argv[3], NULL, 10);
	if (trace_open(argv[1], &from, error) != 0)
		die(argv[1], error);
	if (tracer_open(&options, &to, error) != 0)
		die(argv[2], error);
	copy_tables(from, to);
	if (copy_events(from, to, error) != 0)
		die(argv[1], error);
	trace_close(from);
	if (tracer_close(to, error) != 0)
		die(argv[2], error);
	return 0;
}
