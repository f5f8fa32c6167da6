/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/workload_memory.h"

#include <stdio.h>

#define LINE_BYTES 512
#define MIB_MAX (1u << 20)

/* "1536M" or "4G" */
static u32 to_mib(const char *text)
{
	unsigned long long value;
	char suffix;

	if (sscanf(text, " memory %7llu%c", &value, &suffix) != 2)
		return 0;
	if (suffix == 'G')
		value *= 1024;
	return (suffix == 'G' || suffix == 'M') && value <= MIB_MAX ? (u32)value : 0;
}

u32 workload_memory_mib(const char *path)
{
	FILE *in = fopen(path, "r");
	char line[LINE_BYTES];
	u32 mib = 0;

	if (!in)
		return 0;
	while (fgets(line, sizeof(line), in)) {
		size_t at = strspn(line, " \t\r\n");

		if (line[at] == '\0' || line[at] == '#')
			continue;
		mib = to_mib(line + at);
		break;
	}
	fclose(in);
	return mib;
}
