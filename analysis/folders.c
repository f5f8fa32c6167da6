/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/folders.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folders_make(const char *path)
{
	char part[PATH_MAX];
	size_t i, len = strlen(path);
	struct stat st;

	if (len == 0)
		return -ENOENT;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST && (errno != EROFS || i == len))
			return -errno;
	}
	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return access(path, W_OK | X_OK) == 0 ? 0 : -errno;
}

/* name of the file without ".egt" */
static void stem(const char *path, char *name, size_t name_bytes)
{
	const char *slash = strrchr(path, '/');
	size_t len;

	snprintf(name, name_bytes, "%s", slash ? slash + 1 : path);
	len = strlen(name);
	if (len > 4 && strcmp(name + len - 4, ".egt") == 0)
		name[len - 4] = '\0';
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		snprintf(name, name_bytes, "trace");
}

void folders_name(char *const *traces, int index, char *name, size_t name_bytes)
{
	char other[NAME_MAX + 1];
	size_t len;
	int i, same = 1;

	stem(traces[index], name, name_bytes);
	for (i = 0; i < index; i++) {
		stem(traces[i], other, sizeof(other));
		same += strcmp(other, name) == 0;
	}
	len = strlen(name);
	if (same > 1)
		snprintf(name + len, name_bytes - len, "-%d", same);
}
