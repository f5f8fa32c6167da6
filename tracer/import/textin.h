/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * textin.h - a file that may be compressed (gzip, xz, zstd), line by line or byte by byte, with the SHA-256 of the file as it lies on disk.
 *
 * Compiled: the importers. One thread per reader. Memory is bounded whatever the input is.
 */
#ifndef EGPU_TRACER_IMPORT_TEXTIN_H
#define EGPU_TRACER_IMPORT_TEXTIN_H

#include <stddef.h>
#include <stdint.h>

#include "tracer/import/sha256.h"

#define TEXTIN_LINE_MAX (1u << 20) /* longest line, bytes; a longer one is skipped and said so */

struct textin;

/** textin_open() - @path "-" is standard input. Return: 0 or negative errno with @error filled. */
int textin_open(const char *path, struct textin **out, char *error);
void textin_close(struct textin *in); /* NULL is allowed */

/**
 * textin_line() - the next line.
 * @line: receives it, NUL-terminated, without its end; valid until the next call; the caller may write into it
 *
 * Return: 1; 0 at the end; -E2BIG a line was too long and is left out (go on); -EBADMSG the compressed data are damaged or end early; other
 * negative errno. @error filled but for -E2BIG.
 */
int textin_line(struct textin *in, char **line, char *error);

/**
 * textin_read() - the next @len bytes, of binary data.
 * @got: receives how many there were; fewer than @len only at the end
 *
 * Return: 0; errors as textin_line().
 */
int textin_read(struct textin *in, void *to, size_t len, size_t *got, char *error);

/** textin_sha256() - of all bytes of the input, once; after the end only. */
void textin_sha256(struct textin *in, char hex[SHA256_HEX_BYTES]);

uint64_t textin_bytes(const struct textin *in);       /* read so far, as on disk */
uint64_t textin_total_bytes(const struct textin *in); /* size of the file; 0 if not known */

#endif
