/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/grid.h"

#include <stdio.h>
#include <stdlib.h>

#include "replay/policies.h"

#define START 16u
#define SPEC_BYTES 256

int grid_add(struct grid *g, const struct coalesce_config *config)
{
	u32 capacity = g->capacity ? g->capacity * 2 : START;
	void *p;

	if (g->n == GRID_MAX)
		return -E2BIG;
	if (g->n == g->capacity) {
		p = realloc(g->configs, capacity * sizeof(*g->configs));
		if (!p)
			return -ENOMEM;
		g->configs = p;
		g->capacity = capacity;
	}
	g->configs[g->n++] = *config;
	return 0;
}

/* digits at *@at, which moves behind them; a value that no parameter can have stays one */
static bool take_number(const char **at, u64 *value)
{
	const char *start = *at;

	for (*value = 0; **at >= '0' && **at <= '9'; (*at)++) {
		if (*value <= ~(u32)0)
			*value = *value * 10 + (u64)(**at - '0');
	}
	return *at != start;
}

struct range {
	u64 first, last, step;
	const char *start, *end; /* of its text */
};

/* the first range in @spec. Return: 1; 0 if there is none; -EINVAL */
static int find_range(const char *spec, struct range *r)
{
	const char *dots = strstr(spec, ".."), *at = dots;

	if (!dots)
		return 0;
	while (at > spec && at[-1] >= '0' && at[-1] <= '9')
		at--;
	r->start = at;
	if (!take_number(&at, &r->first) || at != dots)
		return -EINVAL;
	at = dots + 2;
	r->step = 1;
	if (!take_number(&at, &r->last))
		return -EINVAL;
	if (*at == '/') {
		at++;
		if (!take_number(&at, &r->step))
			return -EINVAL;
	}
	r->end = at;
	return r->first <= r->last && r->step ? 1 : -EINVAL;
}

static int add_spec(struct grid *g, const char *spec)
{
	struct coalesce_config config = { 0 };
	int rc = policies_parse(spec, &config);

	return rc ? rc : grid_add(g, &config);
}

int grid_expand(struct grid *g, const char *spec)
{
	char text[SPEC_BYTES];
	struct range r;
	u64 value;
	int rc = find_range(spec, &r);

	if (rc <= 0)
		return rc ? rc : add_spec(g, spec);
	for (value = r.first; value <= r.last && rc >= 0; value += r.step) {
		int n = snprintf(text, sizeof(text), "%.*s%llu%s", (int)(r.start - spec), spec, (unsigned long long)value, r.end);

		if (n < 0 || (size_t)n >= sizeof(text))
			return -EINVAL;
		rc = grid_expand(g, text);
	}
	return rc < 0 ? rc : 0;
}

void grid_destroy(struct grid *g)
{
	free(g->configs);
	memset(g, 0, sizeof(*g));
}
