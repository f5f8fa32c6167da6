/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/textin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/error.h"
#include "tracer/import/unpack.h"

#define RAW_BYTES 65536
#define TEXT_BYTES (TEXTIN_LINE_MAX + 1 + 65536)

/**
 * struct textin - @raw is what was read from the file, @text what was made of it.
 * @raw_at, @raw_len: part of @raw that was not used yet
 * @from, @to: part of @text that was not handed out yet
 * @packed:    how the file is compressed; NULL if it is not
 * @inside:    @packed is in the middle of a member
 * @skipping:  the rest of a line that is too long is still to come
 */
struct textin {
	const char *name;
	int fd;
	uint64_t total_bytes;
	struct sha256 sum;
	const struct unpack_format *packed;
	void *unpack;
	bool inside, raw_end, end, skipping, started;
	size_t raw_at, raw_len;
	size_t from, to;
	uint8_t raw[RAW_BYTES];
	char text[TEXT_BYTES + 1];
};

int textin_open(const char *path, struct textin **out, char *error)
{
	struct textin *in = calloc(1, sizeof(*in));
	struct stat st;

	if (!in)
		return trace_fail(error, -ENOMEM, "no memory to read %s", path);
	in->name = strcmp(path, "-") == 0 ? "standard input" : path;
	in->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0) {
		int err = -errno;

		free(in);
		return trace_fail(error, err, "%s: %s", path, strerror(-err));
	}
	if (fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode))
		in->total_bytes = (uint64_t)st.st_size;
	sha256_init(&in->sum);
	*out = in;
	return 0;
}

void textin_close(struct textin *in)
{
	if (!in)
		return;
	if (in->unpack)
		in->packed->end(in->unpack);
	if (in->fd != STDIN_FILENO)
		close(in->fd);
	free(in);
}

static int read_raw(struct textin *in, char *error)
{
	ssize_t n;

	/* a magic may be cut in two by a pipe */
	memmove(in->raw, in->raw + in->raw_at, in->raw_len);
	in->raw_at = 0;
	do {
		n = read(in->fd, in->raw + in->raw_len, RAW_BYTES - in->raw_len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return trace_fail(error, -errno, "%s: %s", in->name, strerror(errno));
	in->raw_end = n == 0;
	sha256_update(&in->sum, in->raw + in->raw_len, (size_t)n);
	in->raw_len += (size_t)n;
	return 0;
}

static int start(struct textin *in, char *error)
{
	int err = 0;

	while (!err && !in->raw_end && in->raw_len < UNPACK_MAGIC_BYTES)
		err = read_raw(in, error);
	if (err)
		return err;
	in->started = true;
	in->packed = unpack_find(in->raw, in->raw_len);
	if (!in->packed)
		return 0;
	in->unpack = in->packed->begin();
	return in->unpack ? 0 : trace_fail(error, -ENOMEM, "no memory to unpack %s", in->name);
}

static int unpack(struct textin *in, char *error)
{
	struct unpack_io io = { in->raw + in->raw_at, in->raw_len, (uint8_t *)in->text + in->to, TEXT_BYTES - in->to, in->inside };
	int err = in->packed->run(in->unpack, &io);

	in->raw_at += in->raw_len - io.in_len;
	in->raw_len = io.in_len;
	in->to = TEXT_BYTES - io.out_len;
	in->inside = io.inside;
	if (err == -ENOMEM)
		return trace_fail(error, err, "%s: unpacking it takes more memory than there is, or than is allowed (128 MiB)", in->name);
	return err ? trace_fail(error, err, "%s: the %s data are damaged", in->name, in->packed->name) : 0;
}

static void copy(struct textin *in)
{
	size_t room = TEXT_BYTES - in->to, n = in->raw_len < room ? in->raw_len : room;

	memcpy(in->text + in->to, in->raw + in->raw_at, n);
	in->to += n;
	in->raw_at += n;
	in->raw_len -= n;
}

/* more text behind in->to, or in->end */
static int fill(struct textin *in, char *error)
{
	size_t before;
	int err = in->started ? 0 : start(in, error);

	memmove(in->text, in->text + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	before = in->to;
	/* a decoder may still hold text when it has taken all its input */
	if (!err && in->packed && in->inside)
		err = unpack(in, error);
	while (!err && in->to == before) {
		if (!in->raw_len && in->raw_end) {
			in->end = true;
			if (in->inside)
				return trace_fail(error, -EBADMSG, "%s: the %s data end early", in->name, in->packed->name);
			return 0;
		}
		if (!in->raw_len)
			err = read_raw(in, error);
		else if (in->packed)
			err = unpack(in, error);
		else
			copy(in);
	}
	return err;
}

/* cut the text at @end into a line */
static int hand_out(struct textin *in, size_t end, char **line)
{
	bool skipped = in->skipping || end - in->from > TEXTIN_LINE_MAX;

	*line = in->text + in->from;
	in->text[end] = '\0';
	if (end > in->from && in->text[end - 1] == '\r')
		in->text[end - 1] = '\0';
	in->from = end < in->to ? end + 1 : end;
	in->skipping = false;
	return skipped ? -E2BIG : 1;
}

int textin_line(struct textin *in, char **line, char *error)
{
	size_t looked = 0;

	for (;;) {
		char *nl = memchr(in->text + in->from + looked, '\n', in->to - in->from - looked);
		int err;

		if (nl)
			return hand_out(in, (size_t)(nl - in->text), line);
		if (in->end)
			return in->from < in->to || in->skipping ? hand_out(in, in->to, line) : 0;
		looked = in->to - in->from;
		if (looked > TEXTIN_LINE_MAX) {
			in->skipping = true;
			in->from = in->to;
			looked = 0;
		}
		err = fill(in, error);
		if (err)
			return err;
	}
}

int textin_read(struct textin *in, void *to, size_t len, size_t *got, char *error)
{
	*got = 0;
	while (*got < len) {
		size_t n = in->to - in->from;
		int err;

		if (n > len - *got)
			n = len - *got;
		memcpy((char *)to + *got, in->text + in->from, n);
		in->from += n;
		*got += n;
		if (*got == len || in->end)
			return 0;
		err = fill(in, error);
		if (err)
			return err;
	}
	return 0;
}

void textin_sha256(struct textin *in, char hex[SHA256_HEX_BYTES])
{
	sha256_hex(&in->sum, hex);
}

uint64_t textin_bytes(const struct textin *in)
{
	return in->sum.bytes;
}

uint64_t textin_total_bytes(const struct textin *in)
{
	return in->total_bytes;
}
