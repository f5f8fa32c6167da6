/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * areas.h - which parts of a device's BARs are trapped, so that each access is seen, and which the client may map.
 *
 * Spec:     "all" (the default when a trace is recorded), "none", or a list of BARs and ranges of them: "0,2:0x1000-0x1fff". What it names is
 *           trapped, grown to whole pages; the rest of what the device lets be mapped is mapped. Config space and ROM are always trapped.
 */
#ifndef EGPU_RUNTIME_DEVICE_AREAS_H
#define EGPU_RUNTIME_DEVICE_AREAS_H

#include "runtime/device/device.h"

#define AREAS_TRAPS_MAX 32u

/** struct areas - what is to be trapped: @all, or @n ranges, of which one of ~0 bytes is a whole BAR. */
struct areas {
	bool all;
	struct device_area trap[AREAS_TRAPS_MAX];
	u32 n;
};

/** areas_parse() - Return: 0; -EINVAL malformed, no such BAR, an empty range; -E2BIG more than AREAS_TRAPS_MAX. On error *@out is unchanged. */
int areas_parse(const char *spec, struct areas *out);

/**
 * areas_trap() - take what @traps names out of the areas that @d lets the client map.
 * @page_bytes: of the machine
 *
 * Return: 0; -ERANGE a range begins behind the end of its BAR, or the device has no such BAR; -E2BIG more than DEVICE_AREAS_MAX would be left. On error
 * @d is unchanged.
 */
int areas_trap(struct device *d, const struct areas *traps, u64 page_bytes);

#endif
