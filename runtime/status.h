/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * status.h - what egpu-run shows: a live line on a terminal, a summary at the end.
 */
#ifndef EGPU_RUNTIME_STATUS_H
#define EGPU_RUNTIME_STATUS_H

#include "runtime/session.h"

/** status_line() - redraw the line on stderr. */
void status_line(struct session *s);

/** status_line_end() - leave the line. */
void status_line_end(void);

/**
 * struct status_summary - figures of a whole run, taken before session_close() and completed after it.
 */
struct status_summary {
	double seconds;
	u64 frames, faults, requests, messages, refused, interrupts;
	struct mapper_stats map;
	const char *iommu; /* the machine's; NULL of a simulated device */
	u64 iommu_avail;
	struct dart_limits limits;
	const char *sched; /* what vCPU threads were given; NULL of a QEMU that is not ours */
	u64 events, dropped, file_bytes;
};

/** status_collect() - of a session that has ended but is not closed. */
void status_collect(struct session *s, struct status_summary *out);

/** status_print() - to stdout; @json: one object. @ok, @reason: how it ended; @trace: file name or NULL. */
void status_print(const struct status_summary *m, bool ok, const char *reason, const char *trace, bool json);

#endif
