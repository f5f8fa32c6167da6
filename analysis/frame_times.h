/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * frame_times.h - percentiles of the time from frame to frame.
 *
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_FRAME_TIMES_H
#define EGPU_ANALYSIS_FRAME_TIMES_H

#include "analysis/facts.h"

/**
 * struct frame_times - of @frames times between neighbouring frames; all zero if there are fewer than two frames.
 * @low_fps: the "1 % low": frames per second over the slowest hundredth of the frames, at least one
 */
struct frame_times {
	uint32_t frames;
	double mean_fps, low_fps;
	double median_ms, p95_ms, p99_ms, longest_ms;
};

/** frame_times_of() - Return: 0 or -ENOMEM. */
int frame_times_of(const struct facts *f, struct frame_times *out);

#endif
