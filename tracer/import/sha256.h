/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sha256.h - SHA-256 (FIPS 180-4), so that an imported trace can say exactly what it was made from.
 *
 * Compiled: the importers. One thread per struct.
 */
#ifndef EGPU_TRACER_IMPORT_SHA256_H
#define EGPU_TRACER_IMPORT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_HEX_BYTES 65 /* NUL included */

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t bytes);

/** sha256_hex() - the sum so far; @s is used up. */
void sha256_hex(struct sha256 *s, char hex[SHA256_HEX_BYTES]);

#endif
