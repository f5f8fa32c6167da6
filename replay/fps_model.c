/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/fps_model.h"

#include <stdlib.h>
#include <string.h>

const char *const fps_machines[FPS_MACHINES] = { "PC, slot", "PC, Thunderbolt", "M5 Max, VM", "M4 Air, VM" };

/* without frame generation */
const struct fps_row fps_rows[] = {
	{ .game = "Cyberpunk 2077", .setting = "720p Low", .fps = { 180, 0, 73, 49 } },
	{ .game = "Cyberpunk 2077", .setting = "1080p High", .fps = { 161, 0, 68, 0 } },
	{ .game = "Cyberpunk 2077", .setting = "1080p RT Ultra", .fps = { 105, 0, 0, 30 } },
	{ .game = "Cyberpunk 2077", .setting = "4K RT Ultra", .fps = { 100, 0, 47, 27 } },
	{ .game = "Shadow of the Tomb Raider", .setting = "1080p", .about = true, .fps = { 2.5 * 42, 0, 0, 42 } },
	{ .game = "Shadow of the Tomb Raider", .setting = "4K", .about = true, .fps = { 2.5 * 40, 0, 0, 40 } },
	{ .game = "Crysis Remastered", .setting = "1080p, Can it run Crysis?", .about = true, .fps = { 4.0 * 23, 0, 0, 23 } },
	{ .game = "GravityMark", .setting = "% of the slot", .gpu_bound = true, .relative = true, .fps = { 100, 80, 0, 69 } },
	{ .game = NULL },
};

#define ROW_CPU (&fps_rows[0])
#define ROW_LINK (&fps_rows[7])

const struct fps_change fps_unchanged = { .emulation = 1, .cpu = 1, .gpu = 1 };

bool fps_calibrated(const struct fps_row *row, enum fps_machine machine)
{
	return (row == ROW_CPU && (machine == FPS_M5_MAX || machine == FPS_M4_AIR)) || (row == ROW_LINK && machine == FPS_PC_LINK);
}

struct fps_params fps_calibrate(void)
{
	double link = ROW_LINK->fps[FPS_PC_SLOT] / ROW_LINK->fps[FPS_PC_LINK];

	return (struct fps_params){
		.cpu_times = { 1, 1, ROW_CPU->fps[FPS_PC_SLOT] / ROW_CPU->fps[FPS_M5_MAX], ROW_CPU->fps[FPS_PC_SLOT] / ROW_CPU->fps[FPS_M4_AIR] },
		.link_times = { 1, link, link, link },
	};
}

struct fps_answer fps_predict(const struct fps_params *params, const struct fps_row *row, enum fps_machine machine, const struct fps_change *change)
{
	bool emulated = machine == FPS_M5_MAX || machine == FPS_M4_AIR;
	double pc_s, cpu_s, gpu_s;

	if (row->fps[FPS_PC_SLOT] == 0)
		return (struct fps_answer){ 0, 0 };
	pc_s = 1 / row->fps[FPS_PC_SLOT];
	cpu_s = row->gpu_bound ? 0 : pc_s * params->cpu_times[machine] * (emulated ? change->emulation : 1) / change->cpu;
	gpu_s = pc_s * (change->slot ? 1 : params->link_times[machine]) / change->gpu;
	if (row->gpu_bound)
		return (struct fps_answer){ 1 / gpu_s, 1 / gpu_s };
	return (struct fps_answer){ 1 / (cpu_s > gpu_s ? cpu_s : gpu_s), 1 / cpu_s };
}

static bool parse_times(const char *text, double min, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && *out >= min && *out <= 100;
}

bool fps_change_parse(const char *text, struct fps_change *out)
{
	double times;

	*out = fps_unchanged;
	if (strcmp(text, "link=slot") == 0) {
		out->slot = true;
		return true;
	}
	if (strncmp(text, "cpu=", 4) == 0)
		return parse_times(text + 4, 0.01, &out->cpu);
	if (strncmp(text, "gpu=", 4) == 0)
		return parse_times(text + 4, 0.01, &out->gpu);
	if (strncmp(text, "emulation=", 10) != 0 || !parse_times(text + 10, 1, &times))
		return false;
	out->emulation = times / FPS_EMULATION_TIMES;
	return true;
}
