/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/tune.h"

#include <stdio.h>
#include <stdlib.h>

#include "replay/plan.h"
#include "replay/tune_rule.h"

#define GRID_VALUES 8  /* of a parameter, over its range */
#define PARENTS_MAX 6  /* whose neighbours are tried in a round */
#define ROUNDS_MAX 7   /* without a better choice; the steps are 1 then */
#define NO_FIT_KEPT 3  /* if nothing fits: those that fail least */

static u32 random_below(struct tune *t, u32 n)
{
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((t->random >> 32) * n >> 32);
}

static bool same_policy(const struct coalesce_config *a, const struct coalesce_config *b)
{
	return a->policy == b->policy && memcmp(a->param, b->param, a->policy->nparams * sizeof(a->param[0])) == 0;
}

/* not tried, not in @g, and fit for all granules */
static bool is_new(const struct tune *t, const struct grid *g, const struct coalesce_config *config)
{
	u32 i;

	for (i = 0; i < t->n; i++) {
		if (same_policy(&t->candidates[i].config, config))
			return false;
	}
	for (i = 0; i < g->n; i++) {
		if (same_policy(&g->configs[i], config))
			return false;
	}
	for (i = 0; i < t->traces_n; i++) {
		if (!plan_goes(config, t->traces[i].limits.granule_log2))
			return false;
	}
	return true;
}

static int propose_given(struct tune *t, struct grid *g, const struct coalesce_config *config)
{
	if (t->n + g->n >= t->options->cells_max || !is_new(t, g, config))
		return 0;
	return grid_add(g, config);
}

static int propose(struct tune *t, struct grid *g, const struct coalesce_config *config)
{
	u32 keep = config->policy->keep;

	if (keep && config->param[keep - 1] && !t->options->keep)
		return 0;
	return propose_given(t, g, config);
}

/* ---- trying ---- */

/* for @n candidates more; those that have results are counted by capacity */
static int make_room(struct tune *t, u32 n)
{
	struct tune_candidate *p = realloc(t->candidates, (t->n + n) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	t->candidates = p;
	for (; t->capacity < t->n + n; t->capacity++) {
		struct result *results = calloc(2 * (size_t)t->traces_n, sizeof(*results));

		if (!results)
			return -ENOMEM;
		p[t->capacity] = (struct tune_candidate){ .all.results = results, .less.results = results + t->traces_n };
	}
	return 0;
}

/* each of @g behind the limits, then each behind less */
static int try_on(struct tune *t, const struct grid *g, u32 trace, char *error)
{
	const struct tune_trace *on = &t->traces[trace];
	struct dart_limits less = tune_less(&on->limits, t->options->reserve_percent);
	u32 i, n = t->options->reserve_percent ? 2 * g->n : g->n;
	struct cell_spec *cells = calloc(n, sizeof(*cells));
	struct result *list = calloc((size_t)n + 1, sizeof(*list));
	int rc = cells && list ? 0 : -ENOMEM;
	bool measured;

	for (i = 0; i < n && rc == 0; i++) {
		cells[i] = (struct cell_spec){ g->configs[i % g->n], i < g->n ? on->limits : less };
		cells[i].config.shim = on->shim < 0 ? ALIGN_NONE : (u32)on->shim;
	}
	if (rc == 0)
		rc = sweep_trace(t->options->sweep, on->trace, on->path, cells, n, list, &measured, error);
	else
		snprintf(error, TRACE_ERROR_BYTES, "out of memory");
	for (i = 0; i < g->n && rc == 0; i++) {
		t->candidates[t->n + i].all.results[trace] = list[i];
		t->candidates[t->n + i].less.results[trace] = list[n - g->n + i];
	}
	free(cells);
	free(list);
	return rc;
}

static int try_all(struct tune *t, const struct grid *g, char *error)
{
	u32 i;
	int rc = make_room(t, g->n);

	if (rc) {
		snprintf(error, TRACE_ERROR_BYTES, "out of memory");
		return rc;
	}
	for (i = 0; i < t->traces_n && rc == 0; i++)
		rc = try_on(t, g, i, error);
	if (rc)
		return rc;
	for (i = 0; i < g->n; i++) {
		t->candidates[t->n].config = g->configs[i];
		tune_judge(t, t->n++);
	}
	return 0;
}

/* ---- what to try ---- */

/* one parameter at a time over its range, the others as in @config */
static int propose_axes(struct tune *t, struct grid *g, const struct coalesce_config *config)
{
	u32 i, k;
	int rc = propose(t, g, config);

	for (i = 0; i < config->policy->nparams; i++) {
		const struct coalesce_param *param = &config->policy->params[i];
		u32 range = param->max - param->min, values = range < 2 * GRID_VALUES ? range : GRID_VALUES;

		for (k = 0; k <= values && rc == 0; k++) {
			struct coalesce_config other = *config;

			other.param[i] = param->min + (values ? (u32)((u64)range * k / values) : 0);
			rc = propose(t, g, &other);
		}
	}
	return rc;
}

static int propose_start(struct tune *t, struct grid *g)
{
	const struct coalesce_policy *const *p;
	struct coalesce_config config;
	u32 i;
	int rc = 0;

	for (i = 0; i < t->options->start->n && rc == 0; i++)
		rc = propose_given(t, g, &t->options->start->configs[i]);
	for (p = coalesce_policies; *p && t->options->start->n == 0 && rc == 0; p++) {
		config = (struct coalesce_config){ 0 };
		rc = coalesce_parse((*p)->name, &config);
		rc = rc ? rc : propose_axes(t, g, &config);
	}
	return rc;
}

static u32 clamp(const struct coalesce_param *param, long long value)
{
	return value < param->min ? param->min : value > param->max ? param->max : (u32)value;
}

/* a step of a range/2^(@round+2), at least 1 */
static u32 step(const struct coalesce_param *param, u32 round)
{
	u32 s = (param->max - param->min) >> (round + 2 < 31 ? round + 2 : 31);

	return s ? s : 1;
}

static int propose_around(struct tune *t, struct grid *g, const struct coalesce_config *config, u32 round)
{
	struct coalesce_config aside = *config;
	u32 i;
	int rc = 0;

	for (i = 0; i < config->policy->nparams && rc == 0; i++) {
		const struct coalesce_param *param = &config->policy->params[i];
		long long by = step(param, round);
		struct coalesce_config other = *config;

		other.param[i] = clamp(param, (long long)config->param[i] + by);
		rc = propose(t, g, &other);
		other.param[i] = clamp(param, (long long)config->param[i] - by);
		rc = rc ? rc : propose(t, g, &other);
		aside.param[i] = clamp(param, (long long)config->param[i] + random_below(t, 2 * (u32)by + 1) - by);
	}
	return rc ? rc : propose(t, g, &aside);
}

/* numbers of the @n best: the choice, then the front by failures and mappings behind less; if nothing fits, those that fail least */
static u32 best(const struct tune *t, u32 *out)
{
	u32 i, k, n = 0, most = t->choice == TUNE_NONE ? NO_FIT_KEPT : PARENTS_MAX;

	if (t->choice != TUNE_NONE)
		out[n++] = t->choice;
	while (n < most) {
		u32 next = TUNE_NONE;

		for (i = 0; i < t->n; i++) {
			const struct tune_sum *c = &t->candidates[i].less, *b = next == TUNE_NONE ? NULL : &t->candidates[next].less;
			bool known = t->choice != TUNE_NONE && !t->candidates[i].front;

			for (k = 0; k < n; k++)
				known |= out[k] == i;
			if (!known && (!b || c->failures < b->failures || (c->failures == b->failures && c->log_mappings < b->log_mappings)))
				next = i;
		}
		if (next == TUNE_NONE)
			break;
		out[n++] = next;
	}
	return n;
}

static int propose_round(struct tune *t, struct grid *g, u32 round)
{
	u32 parents[PARENTS_MAX], i, n = best(t, parents);
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = propose_around(t, g, &t->candidates[parents[i]].config, round);
	return rc;
}

/* Return: as sweep_trace(); *@tried says how many there were */
static int run_round(struct tune *t, u32 round, bool first, u32 *tried, char *error)
{
	struct grid g = { 0 };
	int rc = first ? propose_start(t, &g) : propose_round(t, &g, round);

	*tried = g.n;
	if (rc)
		snprintf(error, TRACE_ERROR_BYTES, "out of memory");
	else if (g.n)
		rc = try_all(t, &g, error);
	grid_destroy(&g);
	if (rc == 0)
		tune_choose(t);
	return rc;
}

int tune_run(struct tune *t, const struct tune_options *options, const struct tune_trace *traces, u32 traces_n, char *error)
{
	u32 round, tried, before;
	int rc;

	*t = (struct tune){ .options = options, .traces = traces, .traces_n = traces_n, .choice = TUNE_NONE, .random = options->seed };
	rc = run_round(t, 0, true, &tried, error);
	if (rc == 0 && tried == 0) {
		snprintf(error, TRACE_ERROR_BYTES, "no policy goes with the granules of these traces");
		return -EINVAL;
	}
	for (round = 0; round < ROUNDS_MAX && rc == 0 && t->n < options->cells_max; round += t->choice == before) {
		before = t->choice;
		rc = run_round(t, round, false, &tried, error);
	}
	return rc;
}

void tune_destroy(struct tune *t)
{
	u32 i;

	for (i = 0; i < t->capacity; i++)
		free(t->candidates[i].all.results);
	free(t->candidates);
	*t = (struct tune){ 0 };
}
