/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * unpack.h - gzip, xz and zstd data, piece by piece.
 *
 * Purpose:  one table of compressions, recognised by their magic. Several members or frames in a row are one text. Output is bounded by the
 *           room that the caller gives, memory by the compression's window (at most 128 MiB), whatever the data claim.
 * Compiled: the importers; the only file with zlib.h, lzma.h and zstd.h. One thread per state.
 */
#ifndef EGPU_TRACER_IMPORT_UNPACK_H
#define EGPU_TRACER_IMPORT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNPACK_MAGIC_BYTES 6 /* of the longest magic */

/**
 * struct unpack_io - a step.
 * @in, @in_len:   packed data; moved behind what was used
 * @out, @out_len: room for the text; moved behind what was written
 * @inside:        the data are in the middle of a member: they must not end here
 */
struct unpack_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	bool inside;
};

/**
 * struct unpack_format - a compression.
 * @begin: Return: a state, or NULL without memory
 * @run:   Return: 0, also if nothing could be done for want of input or room; -EBADMSG damaged; -ENOMEM
 */
struct unpack_format {
	const char *name;
	uint8_t magic[UNPACK_MAGIC_BYTES];
	size_t magic_len;
	void *(*begin)(void);
	int (*run)(void *state, struct unpack_io *io);
	void (*end)(void *state);
};

/** unpack_find() - Return: the compression whose magic @data begin with; NULL if they are plain. */
const struct unpack_format *unpack_find(const uint8_t *data, size_t len);

#endif
