/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <string.h>

#include "tracer/vtab.h"

/* what reading one event costs against what SQLite reckons for a row of a table of its own: a share of a chunk's decoding */
#define EVENT_COST 0.2
#define CHUNK_COST 2000.0

/** struct plan - constraints by bound, -1 if there is none. An equality is two bounds. */
struct plan {
	int at[VTAB_BOUNDS];
};

static void take(struct plan *p, enum vtab_bound bound, int i)
{
	if (p->at[bound] < 0)
		p->at[bound] = i;
}

static void take_range(struct plan *p, enum vtab_bound from, unsigned char op, int i)
{
	if (op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE)
		take(p, from, i);
	if (op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE)
		take(p, from + 1, i);
}

static void take_constraint(struct plan *p, sqlite3_index_info *info, int i)
{
	const struct sqlite3_index_constraint *c = &info->aConstraint[i];

	if (!c->usable)
		return;
	switch (c->iColumn) {
	case -1:
	case VTAB_SEQ: take_range(p, VTAB_SEQ_FROM, c->op, i); break;
	case VTAB_T_NS: take_range(p, VTAB_T_FROM, c->op, i); break;
	case VTAB_T_S: take_range(p, VTAB_S_FROM, c->op, i); break;
	case VTAB_KIND:
		if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0)
			take(p, VTAB_KIND_IS, i);
	}
}

/*
 * Hand the constraints over in the order of enum vtab_bound. A constraint that serves as both bounds has one value only.
 */
static void hand_over(const struct plan *p, sqlite3_index_info *info)
{
	int next = 1;

	for (int b = 0; b < VTAB_BOUNDS; b++) {
		int i = p->at[b];

		if (i < 0)
			continue;
		info->idxNum |= 1 << b;
		if (info->aConstraintUsage[i].argvIndex) {
			info->idxNum |= VTAB_SAME(b);
			continue;
		}
		info->aConstraintUsage[i].argvIndex = next++;
		if (b == VTAB_KIND_IS && sqlite3_vtab_in(info, i, 1))
			info->idxNum |= VTAB_KIND_LIST;
	}
}

/* the value of a bound, if the statement has it as a constant */
static sqlite3_value *known(sqlite3_index_info *info, int constraint)
{
	sqlite3_value *v = NULL;

	if (constraint < 0 || sqlite3_vtab_rhs_value(info, constraint, &v) != SQLITE_OK)
		return NULL;
	return v && sqlite3_value_numeric_type(v) != SQLITE_NULL ? v : NULL;
}

/* events and chunks that a range of times leaves, by the chunk table */
static void count_events(struct vtab *v, double from_ns, double to_ns, double *events, double *chunks)
{
	sqlite3_stmt *stmt;

	*events = *chunks = 0;
	if (sql_prepare(v->db, "SELECT sum(events), count(*) FROM main.chunk WHERE t_max_ns >= ?1 AND t_min_ns <= ?2", &stmt))
		return;
	sqlite3_bind_double(stmt, 1, from_ns);
	sqlite3_bind_double(stmt, 2, to_ns);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		*events = sqlite3_column_double(stmt, 0);
		*chunks = sqlite3_column_double(stmt, 1);
	}
	sqlite3_finalize(stmt);
}

static double bound_ns(sqlite3_index_info *info, const struct plan *p, enum vtab_bound ns, enum vtab_bound s, double otherwise)
{
	sqlite3_value *v = known(info, p->at[ns]);

	if (v)
		return sqlite3_value_double(v);
	v = known(info, p->at[s]);
	return v ? sqlite3_value_double(v) * 1e9 : otherwise;
}

static void estimate(struct vtab *v, const struct plan *p, sqlite3_index_info *info)
{
	double events, chunks;

	count_events(v, bound_ns(info, p, VTAB_T_FROM, VTAB_S_FROM, -1e300), bound_ns(info, p, VTAB_T_TO, VTAB_S_TO, 1e300), &events, &chunks);
	for (int b = VTAB_SEQ_FROM; b <= VTAB_S_TO; b++) {
		if (p->at[b] < 0 || (b > VTAB_SEQ_TO && known(info, p->at[b])))
			continue;
		events /= 4;
		chunks /= 4;
	}
	if (p->at[VTAB_SEQ_FROM] >= 0 && p->at[VTAB_SEQ_FROM] == p->at[VTAB_SEQ_TO]) {
		events = events < 1 ? events : 1;
		chunks = chunks < 1 ? chunks : 1;
		info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	}
	info->estimatedRows = (sqlite3_int64)(p->at[VTAB_KIND_IS] >= 0 ? events / 4 : events) + 1;
	info->estimatedCost = chunks * CHUNK_COST + events * EVENT_COST + 10;
}

int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct plan plan;

	memset(&plan, -1, sizeof(plan));
	for (int i = 0; i < info->nConstraint; i++)
		take_constraint(&plan, info, i);
	hand_over(&plan, info);
	estimate((struct vtab *)base, &plan, info);
	info->orderByConsumed = info->nOrderBy == 1 && !info->aOrderBy[0].desc && info->aOrderBy[0].iColumn <= VTAB_SEQ;
	info->idxStr = sqlite3_mprintf("%llx%s%s%s%s", info->colUsed, info->idxNum & 3 << VTAB_SEQ_FROM ? " seq" : "",
				       info->idxNum & 15 << VTAB_T_FROM ? " time" : "", info->idxNum & 1 << VTAB_KIND_IS ? " kind" : "",
				       info->idxNum ? "" : " all");
	info->needToFreeIdxStr = info->idxStr != NULL;
	return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
