/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/sweep.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * @todo:   numbers of the cells that are not known yet, @todo_n of them
 * @cells:  of one pass; @found: its results
 */
struct sweep {
	const struct sweep_options *options;
	const struct cell_spec *all;
	u32 all_n;
	struct result *list;
	bool *measured;
	u64 fingerprint;
	u32 *todo;
	u32 todo_n;
	struct cell_spec *cells;
	struct result *found;
	struct engine engine;
};

static void describe(const struct sweep *s, struct trace *trace, const char *path, const struct cell_spec *spec, struct result *out)
{
	*out = (struct result){ .trace = path, .provenance = result_provenance(trace), .device = s->options->engine.device,
				.shim = spec->config.shim, .limits = spec->limits };
	coalesce_format(&spec->config, out->row.policy, sizeof(out->row.policy));
}

/* fill in what is known, and list the rest */
static int look_up(struct sweep *s, struct trace *trace, const char *path, char *error)
{
	struct results *results = s->options->results;
	struct result *last = &s->list[s->all_n];
	int rc = 0;
	u32 i;

	for (i = 0; i < s->all_n; i++) {
		describe(s, trace, path, &s->all[i], &s->list[i]);
		rc = results ? results_find(results, s->fingerprint, &s->list[i]) : 0;
		if (rc < 0)
			break;
		if (rc == 0)
			s->todo[s->todo_n++] = i;
	}
	if (rc >= 0 && results && s->todo_n == 0) {
		describe(s, trace, path, &s->all[0], last);
		last->row.measured = true;
		rc = results_find(results, s->fingerprint, last);
		*s->measured = rc == 1;
	}
	if (rc < 0)
		snprintf(error, TRACE_ERROR_BYTES, "cannot read the results file: %s", strerror(-rc));
	return rc < 0 ? rc : 0;
}

/* how many of the cells from @todo on go into one pass; at least one */
static u32 share(const struct sweep *s, const u32 *todo, u32 n)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		bytes += cell_bytes(&s->all[todo[i]], s->engine.slots);
		if (i && bytes > s->options->memory_bytes)
			break;
	}
	return i;
}

static int keep(struct sweep *s, const char *path, const u32 *todo, u32 n, char *error)
{
	int rc = 0;
	u32 i;

	*s->measured = result_measured(&s->engine);
	for (i = 0; i < n + *s->measured; i++) {
		struct result *to = &s->list[i < n ? todo[i] : s->all_n];

		result_of(&s->engine, i, path, to);
		s->found[i] = *to;
	}
	if (s->options->results)
		rc = results_put(s->options->results, s->fingerprint, s->found, n + *s->measured);
	if (rc)
		snprintf(error, TRACE_ERROR_BYTES, "cannot write the results file: %s", strerror(-rc));
	else if (s->options->ran)
		rc = s->options->ran(s->options->ran_ctx, &s->engine, error);
	return rc;
}

static int replay_todo(struct sweep *s, struct trace *trace, const char *path, char *error)
{
	u32 i, at, n;
	int rc = engine_open(&s->engine, trace, &s->options->engine, error);

	for (at = 0; at < s->todo_n && rc == 0; at += n) {
		n = share(s, s->todo + at, s->todo_n - at);
		for (i = 0; i < n; i++)
			s->cells[i] = s->all[s->todo[at + i]];
		rc = engine_replay(&s->engine, s->cells, n, error);
		rc = rc ? rc : keep(s, path, s->todo + at, n, error);
	}
	engine_destroy(&s->engine);
	return rc;
}

int sweep_trace(const struct sweep_options *o, struct trace *trace, const char *path, const struct cell_spec *cells, u32 n,
		struct result *list, bool *measured, char *error)
{
	struct sweep s = { .options = o, .all = cells, .all_n = n, .list = list, .measured = measured };
	struct trace_summary summary;
	int rc = -ENOMEM;

	*measured = false;
	error[0] = '\0';
	s.todo = malloc(n * sizeof(*s.todo));
	s.cells = malloc(n * sizeof(*s.cells));
	s.found = malloc((n + 1) * sizeof(*s.found));
	if (s.todo && s.cells && s.found) {
		rc = trace_summary(trace, &summary);
		s.fingerprint = summary.fingerprint;
		rc = rc ? rc : look_up(&s, trace, path, error);
		if (rc == 0 && s.todo_n)
			rc = replay_todo(&s, trace, path, error);
	}
	if (rc && !error[0])
		snprintf(error, TRACE_ERROR_BYTES, "%s", strerror(-rc));
	free(s.todo);
	free(s.cells);
	free(s.found);
	return rc;
}
