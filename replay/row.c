/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/row.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/dart/dart.h"

void row_fail(struct row *row, u64 request, u64 t_ns, s32 status, const char *phase)
{
	u32 i;

	if (row->failures++ == 0) {
		row->first = (struct row_failure){ .request = request, .t_ns = t_ns, .status = status };
		snprintf(row->first.phase, sizeof(row->first.phase), "%s", phase ? phase : "");
	}
	for (i = 0; i < row->reasons && row->reason[i].status != status; i++)
		;
	/* a trace can hold any number as status; what does not fit is counted with the last */
	if (i == ROW_REASONS_MAX)
		i--;
	else if (i == row->reasons)
		row->reason[row->reasons++].status = status;
	row->reason[i].count++;
}

const char *row_reason(s32 status)
{
	return status == -ENOBUFS ? "pool full" : dart_reason(status);
}
