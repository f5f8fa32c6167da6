/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * fps_model.h - frame times: what is published, what the model is calibrated on, what it predicts.
 *
 * Model:    a frame ends when the slower of two is done: the CPU, which does the PC's work at a fraction of the PC's speed, and the GPU, which does
 *           it behind a link. So a frame takes max(pc * cpu_times, gpu * link_times), pc being the published frame time of the PC with the
 *           same GPU in a slot. How a PC's frame divides is not published: a game is taken to be bound by the CPU, a GPU benchmark by the GPU;
 *           of a game's GPU time it is only known that it is at most pc.
 *           Calibrated: cpu_times of the two Macs on Cyberpunk 2077 at 720p Low, link_times on GravityMark on the PC. Predicted: the rest.
 * Source:   Scott J. Goldman, "RTX 5090 + M4 MacBook Air: Can it Game?" (May 2026); see README, "Sources".
 * Compiled: egpu-replay.
 */
#ifndef EGPU_REPLAY_FPS_MODEL_H
#define EGPU_REPLAY_FPS_MODEL_H

#include <stdbool.h>

/* published: FEX, which lets ARM run x86 code, costs about half of the CPU's speed */
#define FPS_EMULATION_TIMES 2.0

enum fps_machine { FPS_PC_SLOT, FPS_PC_LINK, FPS_M5_MAX, FPS_M4_AIR, FPS_MACHINES };

/** fps_machines - names, all of them with an RTX 5090. */
extern const char *const fps_machines[FPS_MACHINES];

/**
 * struct fps_row - published frames per second; 0 = not published.
 * @gpu_bound: all of the PC's frame is the GPU's
 * @relative:  in percent of the PC's, not in frames
 * @about:     the PC's is published as "about" so many times another
 */
struct fps_row {
	const char *game, *setting;
	bool gpu_bound, relative, about;
	double fps[FPS_MACHINES];
};

/** fps_rows - ends with a NULL game. */
extern const struct fps_row fps_rows[];

/** struct fps_params - how many times the PC's time the CPU and the GPU take. */
struct fps_params {
	double cpu_times[FPS_MACHINES], link_times[FPS_MACHINES];
};

/**
 * struct fps_change - what if; all 1 changes nothing.
 * @emulation: times that emulation costs, in place of FPS_EMULATION_TIMES as a share of it: 0.5 is none
 * @cpu, @gpu: times faster
 * @slot:      no link
 */
struct fps_change {
	double emulation, cpu, gpu;
	bool slot;
};

extern const struct fps_change fps_unchanged;

/** fps_calibrate() - from the rows it is calibrated on. */
struct fps_params fps_calibrate(void);

/** fps_calibrated() - whether @row on @machine went into that. */
bool fps_calibrated(const struct fps_row *row, enum fps_machine machine);

/** struct fps_answer - @least if the GPU takes the PC's whole frame, @most if next to none of it; equal if nothing hangs on it. */
struct fps_answer {
	double least, most;
};

/** fps_predict() - 0 and 0 if the PC's is not published. */
struct fps_answer fps_predict(const struct fps_params *params, const struct fps_row *row, enum fps_machine machine, const struct fps_change *change);

/**
 * fps_change_parse() - read "emulation=TIMES" (1 = none), "cpu=TIMES", "gpu=TIMES" or "link=slot" into @out.
 * Return: false if it is none of these, or a number is not within 0.01 to 100 (emulation: 1 to 100).
 */
bool fps_change_parse(const char *text, struct fps_change *out);

#endif
