/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tracer/vtab.h"

static uint64_t clamp(double x)
{
	if (!(x > 0))
		return 0;
	return x >= 18446744073709549568.0 ? UINT64_MAX : (uint64_t)x;
}

/*
 * A bound may be too wide but never too narrow: SQLite checks each event again. @unit: ns or events in one of the column's
 */
static void narrow(struct vtab_wanted *w, sqlite3_value *v, double unit, uint64_t *from, uint64_t *to)
{
	double x, slack;
	int type = sqlite3_value_type(v);

	w->nothing |= type == SQLITE_NULL;
	if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
		return;
	x = sqlite3_value_double(v) * unit;
	slack = type == SQLITE_INTEGER && unit == 1 && fabs(x) < 9e15 ? 0 : 1 + fabs(x) * 1e-15;
	if (from && clamp(floor(x - slack)) > *from)
		*from = clamp(floor(x - slack));
	if (!to)
		return;
	w->nothing |= x + slack < 0;
	if (clamp(ceil(x + slack)) < *to)
		*to = clamp(ceil(x + slack));
}

static void add_kind(struct vtab_wanted *w, sqlite3_value *v)
{
	const char *name = sqlite3_value_type(v) == SQLITE_TEXT ? (const char *)sqlite3_value_text(v) : NULL;
	unsigned int kind = name ? trace_event_kind(name) : 0;

	/* as a kind of a later version is called */
	if (name && !kind && sscanf(name, "kind%u", &kind) != 1)
		kind = 0;
	if (kind > 0)
		w->kinds |= TRACE_KIND_BIT(kind);
}

static int add_kinds(struct vtab_wanted *w, sqlite3_value *list, bool is_list)
{
	sqlite3_value *v = list;
	int code = SQLITE_OK;

	w->kinds = 0;
	if (!is_list) {
		add_kind(w, v);
		return SQLITE_OK;
	}
	for (code = sqlite3_vtab_in_first(list, &v); code == SQLITE_OK && v; code = sqlite3_vtab_in_next(list, &v))
		add_kind(w, v);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

int vtab_wanted(int plan, sqlite3_value **argv, struct vtab_wanted *w)
{
	sqlite3_value *v = NULL;
	int code = SQLITE_OK;

	memset(w, 0, sizeof(*w));
	w->seq_to = w->to_ns = UINT64_MAX;
	w->kinds = TRACE_KINDS_ALL;
	for (int b = 0; b < VTAB_BOUNDS; b++) {
		if (!(plan & 1 << b))
			continue;
		if (!(plan & VTAB_SAME(b)))
			v = *argv++;
		switch (b) {
		case VTAB_SEQ_FROM: narrow(w, v, 1, &w->seq_from, NULL); break;
		case VTAB_SEQ_TO: narrow(w, v, 1, NULL, &w->seq_to); break;
		case VTAB_T_FROM: narrow(w, v, 1, &w->from_ns, NULL); break;
		case VTAB_T_TO: narrow(w, v, 1, NULL, &w->to_ns); break;
		case VTAB_S_FROM: narrow(w, v, 1e9, &w->from_ns, NULL); break;
		case VTAB_S_TO: narrow(w, v, 1e9, NULL, &w->to_ns); break;
		case VTAB_KIND_IS: code = add_kinds(w, v, (plan & VTAB_KIND_LIST) != 0); break;
		}
	}
	return code;
}
