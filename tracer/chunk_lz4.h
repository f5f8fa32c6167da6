/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * chunk_lz4.h - the compressor of chunks.
 *
 * Compiled: the tracer; private to it. The only file that knows LZ4.
 */
#ifndef EGPU_TRACER_CHUNK_LZ4_H
#define EGPU_TRACER_CHUNK_LZ4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* room that any @bytes fit in once packed */
#define CHUNK_LZ4_BOUND(bytes) ((bytes) + (bytes) / 255 + 16)

/** chunk_lz4_pack() - one LZ4 block. @thorough: slowly and as small as it gets. Return: its bytes; SIZE_MAX if @room is too small. */
size_t chunk_lz4_pack(const uint8_t *in, size_t bytes, uint8_t *out, size_t room, bool thorough);

/** chunk_lz4_unpack() - Return: true if @in unpacks to exactly @out_bytes. */
bool chunk_lz4_unpack(const uint8_t *in, size_t bytes, uint8_t *out, size_t out_bytes);

#endif
