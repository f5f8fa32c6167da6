/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/wireshark/recordings.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/tracer.h"

#define LOCK_SUFFIX "-lock"

static bool is_number(const char *name)
{
	return isdigit((unsigned char)name[0]) != 0;
}

static int add(struct recordings *r, const char *path)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->path[i], path) == 0)
			return 0;
	}
	if (r->n == RECORDINGS_MAX || !trace_recording(path))
		return 0;
	r->path[r->n] = strdup(path);
	return r->path[r->n] ? (r->n++, 0) : -ENOMEM;
}

static int look_at_file(struct recordings *r, int folder, const char *name)
{
	char path[RECORDINGS_PATH_BYTES];
	ssize_t n = readlinkat(folder, name, path, sizeof(path) - 1);
	size_t suffix = strlen(LOCK_SUFFIX);

	if (n <= (ssize_t)suffix || path[0] != '/')
		return 0;
	path[n] = 0;
	if (strcmp(path + n - suffix, LOCK_SUFFIX) != 0)
		return 0;
	path[(size_t)n - suffix] = 0;
	return add(r, path);
}

static int look_at_process(struct recordings *r, const char *pid)
{
	char name[300];
	struct dirent *entry;
	DIR *files;
	int err = 0;

	snprintf(name, sizeof(name), "/proc/%s/fd", pid);
	files = opendir(name);
	/* it ended, or is another user's */
	if (!files)
		return 0;
	while (!err && (entry = readdir(files)) != NULL) {
		if (is_number(entry->d_name))
			err = look_at_file(r, dirfd(files), entry->d_name);
	}
	closedir(files);
	return err;
}

int recordings_find(struct recordings *r)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	r->n = 0;
	if (!processes)
		return -errno;
	while (!err && (entry = readdir(processes)) != NULL) {
		if (is_number(entry->d_name))
			err = look_at_process(r, entry->d_name);
	}
	closedir(processes);
	if (err)
		recordings_free(r);
	return err;
}

void recordings_free(struct recordings *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->path[i]);
	r->n = 0;
}
