/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/error.h"
#include "tracer/sql.h"
#include "tracer/tracer.h"

#define SUFFIX_BYTES_MAX 16
#define LOCK_TRIES 100

void store_file_sibling(const struct store_file *f, const char *suffix, char *out)
{
	size_t n = strlen(f->path), m = strlen(suffix);

	memcpy(out, f->path, n);
	memcpy(out + n, suffix, m + 1);
}

static int set_path(struct store_file *f, const char *path, char *error)
{
	int n = snprintf(f->path, sizeof(f->path), "%s%s", path[0] == '/' ? "" : "./", path);

	if (path[0] == '\0')
		return trace_fail(error, -EINVAL, "no file name given for the trace");
	if (n < 0 || (size_t)n + SUFFIX_BYTES_MAX >= sizeof(f->path))
		return trace_fail(error, -ENAMETOOLONG, "the trace's file name is too long");
	return 0;
}

/* true if @fd is the file that @name names now: another recorder may have ended and removed it between our open and our lock */
static bool still_named(int fd, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(name, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int store_file_lock(struct store_file *f, const char *path, char *error)
{
	char name[STORE_PATH_BYTES];
	int err = set_path(f, path, error);

	f->lock_fd = -1;
	if (err)
		return err;
	store_file_sibling(f, "-lock", name);
	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

		if (fd < 0)
			return trace_fail(error, -errno, "cannot make %s: %s", name, strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			err = errno == EWOULDBLOCK ? -EBUSY : -errno;
			close(fd);
			return trace_fail(error, err, "%s: %s", path, err == -EBUSY ? "another recorder is writing it" : strerror(-err));
		}
		if (still_named(fd, name)) {
			f->lock_fd = fd;
			return 0;
		}
		close(fd);
	}
	return trace_fail(error, -EBUSY, "%s: other recorders keep taking its lock", path);
}

void store_file_unlock(struct store_file *f)
{
	char name[STORE_PATH_BYTES];

	if (f->lock_fd < 0)
		return;
	store_file_sibling(f, "-lock", name);
	unlink(name);
	close(f->lock_fd);
	f->lock_fd = -1;
}

bool trace_recording(const char *path)
{
	char name[STORE_PATH_BYTES];
	bool held;
	int fd;

	snprintf(name, sizeof(name), "%s-lock", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

bool store_file_is_trace(const char *path)
{
	uint8_t head[SQL_APPLICATION_ID_OFFSET + 4];
	const uint8_t *id = head + SQL_APPLICATION_ID_OFFSET;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)sizeof(head) || memcmp(head, "SQLite format 3", 16) != 0)
		return false;
	return ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) == SQL_APPLICATION_ID;
}

int store_file_may_replace(const struct store_file *f, bool overwrite, char *error)
{
	struct stat st;

	if (lstat(f->path, &st) != 0)
		return errno == ENOENT ? 0 : trace_fail(error, -errno, "%s: %s", f->path, strerror(errno));
	if (!overwrite)
		return trace_fail(error, -EEXIST, "%s exists; choose another name, or give --force if it is a trace that may go", f->path);
	if (!S_ISREG(st.st_mode) || !store_file_is_trace(f->path))
		return trace_fail(error, -EEXIST, "%s is not an egpu trace and will not be replaced", f->path);
	return 0;
}

int store_file_install(const struct store_file *f, bool overwrite)
{
	static const char *const old[] = { "-wal", "-shm", "-journal" };
	char name[STORE_PATH_BYTES];

	/* a log that an older trace of this name left would be taken for the new one's */
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		store_file_sibling(f, old[i], name);
		if (unlink(name) != 0 && errno != ENOENT)
			return -errno;
	}
	store_file_sibling(f, "-new", name);
	if (overwrite)
		return rename(name, f->path) == 0 ? 0 : -errno;
	if (renameat2(AT_FDCWD, name, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* a file system without RENAME_NOREPLACE; that nothing is there has just been checked */
	return rename(name, f->path) == 0 ? 0 : -errno;
}
