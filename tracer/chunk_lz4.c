/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/chunk_lz4.h"

#include <lz4.h>
#include <lz4hc.h>

size_t chunk_lz4_pack(const uint8_t *in, size_t bytes, uint8_t *out, size_t room, bool thorough)
{
	int packed;

	if (thorough)
		packed = LZ4_compress_HC((const char *)in, (char *)out, (int)bytes, (int)room, LZ4HC_CLEVEL_MAX);
	else
		packed = LZ4_compress_default((const char *)in, (char *)out, (int)bytes, (int)room);
	return packed > 0 ? (size_t)packed : SIZE_MAX;
}

bool chunk_lz4_unpack(const uint8_t *in, size_t bytes, uint8_t *out, size_t out_bytes)
{
	return LZ4_decompress_safe((const char *)in, (char *)out, (int)bytes, (int)out_bytes) == (int)out_bytes;
}
