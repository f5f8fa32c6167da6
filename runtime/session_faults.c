/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* DMA faults of a real device, from the kernel's log into the trace. */
#include <stdio.h>

#include "runtime/device/vfio.h"
#include "runtime/session.h"

/* without the log everything goes on, but nobody can say what the IOMMU refused */
int session_watch_faults(struct session *s)
{
	int err = s->iommu ? fault_log_open(&s->fault_log, vfio_identity(s->device[0])->bdf) : 0;

	if (err)
		fprintf(stderr, "egpu-run: the kernel's log cannot be read (%s), so DMA faults are not recorded; that takes CAP_SYSLOG\n", strerror(-err));
	if (s->fault_log.fd < 0 || !s->tracer)
		return 0;
	s->fault_ring = tracer_ring(s->tracer);
	return s->fault_ring ? 0 : -ENOMEM;
}

void session_faults(struct session *s)
{
	struct fault f;

	while (fault_log_next(&s->fault_log, &f)) {
		struct trace_event e = {
			.t_ns = tracer_now_ns(), .kind = TRACE_FAULT, .device = s->device[0]->trace_id, .arg = { f.iova, 0, 0, f.write },
		};

		s->real_faults++;
		if (s->fault_ring)
			tracer_emit(s->fault_ring, &e);
	}
}
