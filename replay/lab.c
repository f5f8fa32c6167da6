/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/lab.h"

#include <stdlib.h>

static int add_cell(struct lab *l, const struct cell_spec *spec, u32 slots, const struct foreseen *foreseen)
{
	struct cell *cell = &l->cells[l->cells_n];
	int rc = cell_init(cell, spec, slots, foreseen);
	u32 i;

	if (rc)
		return rc;
	l->cells_n++;
	for (i = 0; i < l->bounds_n; i++) {
		if (bound_serves(&l->bounds[i].limits, &spec->limits))
			break;
	}
	cell->bound = &l->bounds[i];
	if (i < l->bounds_n)
		return 0;
	rc = bound_init(&l->bounds[i], &spec->limits);
	l->bounds_n += rc == 0;
	return rc;
}

int lab_init(struct lab *l, const struct cell_spec *specs, u32 n, u32 threads, u32 slots, const struct foreseen *foreseen)
{
	u32 i;
	int rc;

	memset(l, 0, sizeof(*l));
	l->cells = calloc(n, sizeof(*l->cells));
	l->bounds = calloc(n, sizeof(*l->bounds));
	l->bound_rc = calloc(n, sizeof(*l->bound_rc));
	if (!l->cells || !l->bounds || !l->bound_rc)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		rc = add_cell(l, &specs[i], slots, foreseen);
		if (rc)
			return rc;
	}
	rc = block_init(&l->block[0]);
	rc = rc ? rc : block_init(&l->block[1]);
	return rc ? rc : crew_new(threads, &l->crew);
}

void lab_destroy(struct lab *l)
{
	u32 i;

	crew_free(l->crew);
	for (i = 0; i < l->cells_n; i++)
		cell_destroy(&l->cells[i]);
	for (i = 0; i < l->bounds_n; i++)
		bound_destroy(&l->bounds[i]);
	free(l->cells);
	free(l->bounds);
	free(l->bound_rc);
	block_destroy(&l->block[0]);
	block_destroy(&l->block[1]);
	memset(l, 0, sizeof(*l));
}

/* task @i on the block that is not being filled; bounds first, they take longest */
static void run_task(void *ctx, u32 i)
{
	struct lab *l = ctx;
	const struct block *block = &l->block[!l->filling];

	if (i >= l->bounds_n)
		cell_run(&l->cells[i - l->bounds_n], block);
	else if (l->bound_rc[i] == 0)
		l->bound_rc[i] = bound_run(&l->bounds[i], block);
}

static int bounds_rc(const struct lab *l)
{
	u32 i;

	for (i = 0; i < l->bounds_n; i++) {
		if (l->bound_rc[i])
			return l->bound_rc[i];
	}
	return 0;
}

/* hand over the block that was filled */
static int turn(struct lab *l)
{
	int rc;

	crew_wait(l->crew);
	rc = bounds_rc(l);
	l->filling = !l->filling;
	block_clear(&l->block[l->filling]);
	crew_start(l->crew, l->bounds_n + l->cells_n, run_task, l);
	return rc;
}

int lab_add(struct lab *l, const struct batch *batch, const char *phase)
{
	int rc;

	if (block_add(&l->block[l->filling], batch, phase))
		return 0;
	rc = turn(l);
	block_add(&l->block[l->filling], batch, phase);
	return rc;
}

int lab_reset(struct lab *l, u64 t_ns)
{
	int rc;

	if (block_reset(&l->block[l->filling], t_ns))
		return 0;
	rc = turn(l);
	block_reset(&l->block[l->filling], t_ns);
	return rc;
}

int lab_finish(struct lab *l)
{
	u32 i;
	int rc;

	turn(l);
	crew_wait(l->crew);
	rc = bounds_rc(l);
	for (i = 0; i < l->bounds_n; i++)
		bound_look(&l->bounds[i]);
	for (i = 0; i < l->cells_n; i++)
		cell_finish(&l->cells[i]);
	return rc;
}
