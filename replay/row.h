/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * row.h - one line of the result: a policy replayed, or what a live run measured, in the same terms.
 */
#ifndef EGPU_REPLAY_ROW_H
#define EGPU_REPLAY_ROW_H

#include "runtime/core/coalesce.h"

#define ROW_REASONS_MAX 16
#define ROW_TEXT_BYTES 96

/** struct row_failure - the first map request that failed. */
struct row_failure {
	u64 request; /* number of the map request, from 1 */
	u64 t_ns;
	s32 status;
	char phase[ROW_TEXT_BYTES]; /* text of the last mark before it; empty if there was none */
};

/**
 * struct row - the line.
 * @policy:             as in coalesce_parse()
 * @measured:           true if it comes from the trace's own mapping events
 * @requests:           map requests, failed ones included; @failures of them failed
 * @peak_requests:      most requests live at once as the driver saw it when the trace was made, the same for every policy
 * @peak_granted_bytes: most bytes of requests live at once that this policy could serve
 * @host_maps:          entries sent to the host, refused ones included
 * @lifetime_unknown:   requests that had failed when recorded and succeeded now; released at once
 * @skipped_unmaps:     of requests that failed now
 * @unmatched_unmaps:   of what was not live
 * @reason:             failures by status, @reasons of them
 * @end_mappings:       still live at the end
 * @copied_bytes:       by a policy that copies, at the least
 * @exposure_byte_s:    memory without requests that the policy kept mapped, by how long a device could reach it; to the last request
 */
struct row {
	char policy[ROW_TEXT_BYTES];
	bool measured;
	u64 requests, hits, failures;
	u64 peak_requests, peak_request_bytes, peak_granted_bytes;
	u64 peak_mappings, peak_mapped_bytes;
	u64 host_maps, host_unmaps, host_failures;
	u64 lifetime_unknown, skipped_unmaps, unmatched_unmaps;
	u64 align_wanted, align_downgraded, align_missed;
	u64 end_mappings;
	u64 copied_bytes;
	u64 exposure_byte_s;
	struct {
		s32 status;
		u64 count;
	} reason[ROW_REASONS_MAX];
	u32 reasons;
	struct row_failure first;
};

/** row_reason() - "mapping limit", "pool full", … for the status of a request that failed. */
const char *row_reason(s32 status);

/** row_fail() - count a failed request; @request is its number, @phase may be NULL. */
void row_fail(struct row *row, u64 request, u64 t_ns, s32 status, const char *phase);

#endif
