/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * scratch_trace.h - a small trace in a temporary file, written through the tracer's door and replayed.
 */
#ifndef EGPU_TESTS_REPLAY_SCRATCH_TRACE_H
#define EGPU_TESTS_REPLAY_SCRATCH_TRACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/engine.h"

#define MORE COMPANION_REC_MORE

struct scratch {
	char path[64];
	struct tracer *tracer;
	struct tracer_ring *ring;
	struct trace *trace;
	u64 t_ns;
	struct engine engine;
	struct engine_options options;
	struct cell_spec cells[4];
	u32 cells_n;
	struct dart_limits limits; /* of all cells */
	char error[TRACE_ERROR_BYTES];
};

static inline void scratch_open(struct scratch *s)
{
	struct tracer_options options = { .path = s->path };
	int fd;

	memset(s, 0, sizeof(*s));
	snprintf(s->path, sizeof(s->path), "/tmp/egpu-test-XXXXXX");
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	close(fd);
	unlink(s->path);
	assert_int_equal(tracer_open(&options, &s->tracer, s->error), 0);
	tracer_meta(s->tracer, TRACE_META_PROVENANCE, "modelled");
	s->ring = tracer_ring(s->tracer);
	assert_non_null(s->ring);
	s->t_ns = 1000;
	s->limits = dart_models[0];
	s->options.threads = 2;
}

/* each event comes a microsecond after the one before */
static inline void scratch_event(struct scratch *s, u16 kind, u16 device, s32 status, u64 a0, u64 a1, u64 a2, u64 a3)
{
	struct trace_event e = { .t_ns = s->t_ns += 1000, .kind = kind, .device = device, .status = status, .arg = { a0, a1, a2, a3 } };

	tracer_emit(s->ring, &e);
}

static inline void scratch_map(struct scratch *s, u16 device, u64 gpa, u64 len, u8 rec_flags)
{
	scratch_event(s, TRACE_REQ_MAP, device, 0, gpa, len, gpa, TRACE_REQ_MAKE_FLAGS(COMPANION_DIR_BOTH, 0, rec_flags));
}

static inline void scratch_unmap(struct scratch *s, u16 device, u64 gpa, u64 len, u8 rec_flags)
{
	scratch_event(s, TRACE_REQ_UNMAP, device, 0, gpa, len, gpa, TRACE_REQ_MAKE_FLAGS(COMPANION_DIR_BOTH, 0, rec_flags));
}

static inline void scratch_policy(struct scratch *s, const char *spec)
{
	assert_int_equal(coalesce_parse(spec, &s->cells[s->cells_n++].config), 0);
}

static inline int scratch_replay(struct scratch *s)
{
	u32 i;
	int rc;

	for (i = 0; i < s->cells_n; i++)
		s->cells[i].limits = s->limits;
	if (s->tracer) {
		assert_int_equal(tracer_close(s->tracer, s->error), 0);
		s->tracer = NULL;
		assert_int_equal(trace_open(s->path, &s->trace, s->error), 0);
	}
	engine_destroy(&s->engine);
	rc = engine_open(&s->engine, s->trace, &s->options, s->error);
	return rc ? rc : engine_replay(&s->engine, s->cells, s->cells_n, s->error);
}

static inline void scratch_close(struct scratch *s)
{
	engine_destroy(&s->engine);
	trace_close(s->trace);
	unlink(s->path);
}

static inline const struct row *scratch_row(const struct scratch *s, u32 i)
{
	assert_true(i < s->engine.lab.cells_n);
	return &s->engine.lab.cells[i].row;
}

#endif
