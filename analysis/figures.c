/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"

const struct figure *const figures[] = {
	&figure_mappings, &figure_policies, &figure_pareto, &figure_fragmentation, &figure_sizes, &figure_lifetimes, &figure_heat, &figure_fps,
	NULL,
};
