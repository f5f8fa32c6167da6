/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/textin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "tracer/error.h"

#define RAW_BYTES 65536
#define TEXT_BYTES (TEXTIN_LINE_MAX + 1 + 65536)

/**
 * struct textin - @raw is what was read from the file, @text what was made of it.
 * @from, @to: part of @text that was not handed out yet
 * @inside:    inflate is in the middle of a gzip member
 * @skipping:  the rest of a line that is too long is still to come
 */
struct textin {
	const char *name;
	int fd;
	uint64_t total_bytes;
	struct sha256 sum;
	z_stream z;
	bool gzip, inside, raw_end, end, skipping, started;
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
	if (in->gzip)
		inflateEnd(&in->z);
	if (in->fd != STDIN_FILENO)
		close(in->fd);
	free(in);
}

static int read_raw(struct textin *in, char *error)
{
	ssize_t n;

	/* keep what inflate has not used; a gzip magic may be cut in two by a pipe */
	memmove(in->raw, in->z.next_in ? in->z.next_in : in->raw, in->z.avail_in);
	in->z.next_in = in->raw;
	do {
		n = read(in->fd, in->raw + in->z.avail_in, RAW_BYTES - in->z.avail_in);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return trace_fail(error, -errno, "%s: %s", in->name, strerror(errno));
	in->raw_end = n == 0;
	sha256_update(&in->sum, in->raw + in->z.avail_in, (size_t)n);
	in->z.avail_in += (unsigned int)n;
	return 0;
}

static int start(struct textin *in, char *error)
{
	int err = 0;

	while (!err && !in->raw_end && in->z.avail_in < 2)
		err = read_raw(in, error);
	if (err)
		return err;
	in->started = true;
	if (in->z.avail_in < 2 || in->raw[0] != 0x1f || in->raw[1] != 0x8b)
		return 0;
	if (inflateInit2(&in->z, 15 + 16) != Z_OK)
		return trace_fail(error, -ENOMEM, "no memory to unpack %s", in->name);
	in->gzip = in->inside = true;
	return 0;
}

static int unpack(struct textin *in, char *error)
{
	size_t room = TEXT_BYTES - in->to;
	int code;

	if (!in->inside && in->z.avail_in) {
		inflateReset(&in->z);
		in->inside = true;
	}
	in->z.next_out = (uint8_t *)in->text + in->to;
	in->z.avail_out = (unsigned int)room;
	code = inflate(&in->z, Z_NO_FLUSH);
	in->to += room - in->z.avail_out;
	if (code == Z_STREAM_END)
		in->inside = false;
	else if (code != Z_OK && code != Z_BUF_ERROR)
		return trace_fail(error, -EBADMSG, "%s: the gzip data are damaged", in->name);
	return 0;
}

static void copy(struct textin *in)
{
	size_t room = TEXT_BYTES - in->to, n = in->z.avail_in < room ? in->z.avail_in : room;

	memcpy(in->text + in->to, in->z.next_in, n);
	in->to += n;
	in->z.next_in += n;
	in->z.avail_in -= (unsigned int)n;
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
	while (!err && in->to == before) {
		if (!in->z.avail_in && in->raw_end) {
			in->end = true;
			if (in->gzip && in->inside)
				return trace_fail(error, -EBADMSG, "%s: the gzip data end early", in->name);
			return 0;
		}
		if (!in->z.avail_in)
			err = read_raw(in, error);
		else if (in->gzip)
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
