/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * facts.h - what the figures need from a trace itself: where it came from, sizes, lives and places of requests, phases, frames.
 *
 * Compiled: egpu-report. Memory: bounded by the constants below and PAIRING_MAX, whatever the file says.
 */
#ifndef EGPU_ANALYSIS_FACTS_H
#define EGPU_ANALYSIS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/heat.h"

#define FACTS_TEXT_BYTES 256
#define FACTS_MARK_BYTES 64
#define FACTS_SIZES 64
#define FACTS_LIFETIMES 34
#define FACTS_LIFETIME_MS 10 /* the last class below 1,024 µs */
#define FACTS_MARKS_MAX 64u
#define FACTS_FRAMES_MAX (1u << 22)

struct facts_mark {
	double t_s;
	char text[FACTS_MARK_BYTES];
};

/**
 * struct facts - of one trace.
 * @provenance, @origin, @workload, @limits: as in its meta table, empty if absent
 * @complete:      false if the recorder died or still runs
 * @duration_s:    from the first event to the last
 * @requests:      map requests, failed ones included; @request_bytes of them in all
 * @size_requests: map requests of 2^i up to 2^(i+1) - 1 bytes; @size_bytes is their sum
 * @served:        requests that succeeded, @served_bytes of them in all
 * @life_requests: of those, what lived 2^(i-1) up to 2^i µs, the first class less, the last longer; @life_bytes is their sum
 * @alive:         of those, what the trace does not end; @alive_bytes is their sum
 * @heat:          guest memory by live requests over time
 * @lives_untold:  too much was alive at once to be paired: the six above say nothing
 * @marks:         the first @nmarks phases; @more_marks were left out
 * @frame_s:       times of the first @nframes frames, never decreasing; @more_frames were left out
 * @lost_events:   by the recorder's own account
 * @damaged:       chunks that were skipped
 */
struct facts {
	char provenance[FACTS_TEXT_BYTES], origin[FACTS_TEXT_BYTES], workload[FACTS_TEXT_BYTES], limits[FACTS_TEXT_BYTES];
	bool complete;
	double duration_s;
	uint64_t requests, request_bytes;
	uint64_t size_requests[FACTS_SIZES], size_bytes[FACTS_SIZES];
	uint64_t served, served_bytes, alive, alive_bytes;
	uint64_t life_requests[FACTS_LIFETIMES], life_bytes[FACTS_LIFETIMES];
	struct heat *heat;
	bool lives_untold;
	struct facts_mark marks[FACTS_MARKS_MAX];
	uint32_t nmarks;
	uint64_t more_marks;
	double *frame_s;
	uint32_t nframes;
	uint64_t more_frames;
	uint64_t lost_events, damaged;
};

/**
 * facts_read() - read the trace @path once.
 * @device:       count only this device's requests and frames; NULL = all
 * @skip_damaged: go on behind a damaged chunk
 * @error:        receives one line, TRACE_ERROR_BYTES
 *
 * Return: 0; -ENODEV no such device; -ENOMEM; what the tracer said. Ends with facts_destroy() in any case.
 */
int facts_read(struct facts *f, const char *path, const char *device, bool skip_damaged, char *error);
void facts_destroy(struct facts *f);

#endif
