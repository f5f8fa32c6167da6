/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/import/unpack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define WINDOW_LOG2_MAX 27
#define XZ_MEMORY_MAX (136ull << 20) /* a dictionary of 128 MiB and the decoder's own tables */

/* ---- gzip ---- */

static void *gzip_begin(void)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (z && inflateInit2(z, 15 + 16) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static unsigned int clamp(size_t len)
{
	return len > UINT_MAX ? UINT_MAX : (unsigned int)len;
}

static int gzip_run(void *state, struct unpack_io *io)
{
	z_stream *z = state;
	unsigned int in_len = clamp(io->in_len), out_len = clamp(io->out_len);
	int code;

	if (!io->inside)
		inflateReset(z);
	io->inside = true;
	z->next_in = (uint8_t *)io->in;
	z->avail_in = in_len;
	z->next_out = io->out;
	z->avail_out = out_len;
	code = inflate(z, Z_NO_FLUSH);
	io->in += in_len - z->avail_in;
	io->in_len -= in_len - z->avail_in;
	io->out += out_len - z->avail_out;
	io->out_len -= out_len - z->avail_out;
	if (code == Z_STREAM_END)
		io->inside = false;
	else if (code != Z_OK && code != Z_BUF_ERROR)
		return code == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
	return 0;
}

static void gzip_end(void *state)
{
	inflateEnd(state);
	free(state);
}

/* ---- xz ---- */

static void *xz_begin(void)
{
	return calloc(1, sizeof(lzma_stream));
}

static int xz_run(void *state, struct unpack_io *io)
{
	lzma_stream *x = state;
	lzma_ret code;

	/* padding between streams: zeros */
	while (!io->inside && io->in_len && *io->in == 0) {
		io->in++;
		io->in_len--;
	}
	if (!io->in_len && !io->inside)
		return 0;
	if (!io->inside && lzma_stream_decoder(x, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	io->inside = true;
	x->next_in = io->in;
	x->avail_in = io->in_len;
	x->next_out = io->out;
	x->avail_out = io->out_len;
	code = lzma_code(x, LZMA_RUN);
	io->in = x->next_in;
	io->in_len = x->avail_in;
	io->out = x->next_out;
	io->out_len = x->avail_out;
	if (code == LZMA_STREAM_END)
		io->inside = false;
	else if (code != LZMA_OK && code != LZMA_BUF_ERROR)
		return code == LZMA_MEM_ERROR || code == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
	return 0;
}

static void xz_end(void *state)
{
	lzma_end(state);
	free(state);
}

/* ---- zstd ---- */

static void *zstd_begin(void)
{
	ZSTD_DStream *z = ZSTD_createDStream();

	if (z && ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG2_MAX))) {
		ZSTD_freeDStream(z);
		return NULL;
	}
	return z;
}

static int zstd_run(void *state, struct unpack_io *io)
{
	ZSTD_inBuffer in = { io->in, io->in_len, 0 };
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };
	size_t code = ZSTD_decompressStream(state, &out, &in);

	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	if (ZSTD_isError(code))
		return -EBADMSG;
	io->inside = code != 0;
	return 0;
}

static void zstd_end(void *state)
{
	ZSTD_freeDStream(state);
}

static const struct unpack_format formats[] = {
	{ "gzip", { 0x1f, 0x8b }, 2, gzip_begin, gzip_run, gzip_end },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz_begin, xz_run, xz_end },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd_begin, zstd_run, zstd_end },
};

const struct unpack_format *unpack_find(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (len >= formats[i].magic_len && memcmp(data, formats[i].magic, formats[i].magic_len) == 0)
			return &formats[i];
	}
	return NULL;
}
