/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/core/coalesce_kept.h"

void coalesce_kept_init(struct coalesce_kept *k, struct coalesce_mapping *items)
{
	k->items = items;
	k->oldest = k->newest = COALESCE_NONE;
	k->n = 0;
	k->bytes = 0;
}

void coalesce_kept_add(struct coalesce_kept *k, u32 i)
{
	struct coalesce_mapping *m = &k->items[i];

	m->older = k->newest;
	m->link = COALESCE_NONE;
	if (k->newest != COALESCE_NONE)
		k->items[k->newest].link = i;
	else
		k->oldest = i;
	k->newest = i;
	k->n++;
	k->bytes += m->gpa.len;
}

void coalesce_kept_take(struct coalesce_kept *k, u32 i)
{
	const struct coalesce_mapping *m = &k->items[i];

	if (m->older != COALESCE_NONE)
		k->items[m->older].link = m->link;
	else
		k->oldest = m->link;
	if (m->link != COALESCE_NONE)
		k->items[m->link].older = m->older;
	else
		k->newest = m->older;
	k->n--;
	k->bytes -= m->gpa.len;
}
