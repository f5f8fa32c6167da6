/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/device/areas.h"

#include <ctype.h>
#include <stdlib.h>

#define BARS 6u
#define WHOLE_BYTES (~(u64)0)

static int parse_number(const char **at, u64 *out)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	errno = 0;
	*out = strtoull(*at, &end, 0);
	*at = end;
	return errno ? -EINVAL : 0;
}

/* "BAR" or "BAR:FIRST-LAST" */
static int parse_one(const char **at, struct device_area *out)
{
	u64 bar, first, last;

	if (parse_number(at, &bar) || bar >= BARS)
		return -EINVAL;
	*out = (struct device_area){ (u32)bar, { 0, WHOLE_BYTES } };
	if (**at != ':')
		return 0;
	(*at)++;
	if (parse_number(at, &first) || *(*at)++ != '-' || parse_number(at, &last) || last < first || last - first == WHOLE_BYTES)
		return -EINVAL;
	out->span = (struct span){ first, last - first + 1 };
	return 0;
}

int areas_parse(const char *spec, struct areas *out)
{
	struct areas a = { .n = 0 };

	a.all = !strcmp(spec, "all");
	if (a.all || !strcmp(spec, "none")) {
		*out = a;
		return 0;
	}
	for (;;) {
		if (a.n == AREAS_TRAPS_MAX)
			return -E2BIG;
		if (parse_one(&spec, &a.trap[a.n++]))
			return -EINVAL;
		if (!*spec)
			break;
		if (*spec++ != ',')
			return -EINVAL;
	}
	*out = a;
	return 0;
}

/* @trap in whole pages, cut at the end of its region */
static struct span pages_of(const struct device_area *trap, u64 region_bytes, u64 page_bytes)
{
	u64 first = trap->span.start & ~(page_bytes - 1), end = region_bytes;

	if (trap->span.len != WHOLE_BYTES && trap->span.len < region_bytes - trap->span.start)
		end = (trap->span.start + trap->span.len + page_bytes - 1) & ~(page_bytes - 1);
	return (struct span){ first, end - first };
}

static int put(struct device_area *list, u32 *n, u32 region, u64 start, u64 end)
{
	if (start >= end)
		return 0;
	if (*n == DEVICE_AREAS_MAX)
		return -E2BIG;
	list[(*n)++] = (struct device_area){ region, { start, end - start } };
	return 0;
}

/* take @gone of @region out of @list */
static int subtract(struct device_area *list, u32 *n, u32 region, struct span gone)
{
	struct device_area left[DEVICE_AREAS_MAX];
	u64 gone_end = gone.start + gone.len;
	u32 m = 0;
	int err = 0;

	for (u32 i = 0; i < *n && !err; i++) {
		u64 start = list[i].span.start, end = start + list[i].span.len;

		if (list[i].region != region || end <= gone.start || start >= gone_end) {
			err = put(left, &m, list[i].region, start, end);
			continue;
		}
		err = put(left, &m, region, start, gone.start);
		if (!err)
			err = put(left, &m, region, gone_end, end);
	}
	if (err)
		return err;
	memcpy(list, left, m * sizeof(*left));
	*n = m;
	return 0;
}

int areas_trap(struct device *d, const struct areas *traps, u64 page_bytes)
{
	struct device_area list[DEVICE_AREAS_MAX];
	u32 n = d->nareas;
	int err = 0;

	memcpy(list, d->areas, n * sizeof(*list));
	for (u32 i = 0; i < traps->n && !err; i++) {
		const struct device_area *t = &traps->trap[i];
		u64 bytes = d->region_bytes[t->region];

		err = t->span.start >= bytes ? -ERANGE : subtract(list, &n, t->region, pages_of(t, bytes, page_bytes));
	}
	if (traps->all)
		n = 0;
	if (err)
		return err;
	memcpy(d->areas, list, n * sizeof(*list));
	d->nareas = n;
	return 0;
}
