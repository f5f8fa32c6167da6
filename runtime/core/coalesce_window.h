/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce_window.h - the fixed window, for the policies that use it; not for use outside core.
 */
#ifndef EGPU_CORE_COALESCE_WINDOW_H
#define EGPU_CORE_COALESCE_WINDOW_H

#include "runtime/core/coalesce.h"

#define COALESCE_WINDOW_LOG2 \
	{ .name = "log2", .min = 14, .max = 30, .def = 18, .help = "log2 of the window in bytes; not below the granule of the IOMMU" }

/** coalesce_window_choose() - the window of 2^@log2 bytes that holds the request; its granules if none does. Return: as choose(). */
int coalesce_window_choose(const struct coalesce_view *view, u32 log2, const struct span *request_gpa, struct span *out_gpa);

#endif
