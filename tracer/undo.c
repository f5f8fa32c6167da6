/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/undo.h"

#include <string.h>

bool undo_kind(unsigned int kind)
{
	return kind == TRACE_REQ_UNMAP || kind == TRACE_UNMAP;
}

bool undo_arg(unsigned int kind, unsigned int arg)
{
	return arg < UNDO_KEYS || (kind == TRACE_REQ_UNMAP && arg == TRACE_REQ_FLAGS);
}

/* ---- find ---- */

static uint32_t bucket_of(const uint64_t *const args[UNDO_KEYS], uint32_t row)
{
	uint64_t h = 0;

	for (unsigned int a = 0; a < UNDO_KEYS; a++)
		h = (h ^ h >> 32 ^ args[a][row]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 48) % UNDO_BUCKETS;
}

static bool same(const uint64_t *const a[UNDO_KEYS], uint32_t i, const uint64_t *const b[UNDO_KEYS], uint32_t j)
{
	return a[0][i] == b[0][j] && a[1][i] == b[1][j] && a[2][i] == b[2][j];
}

/* take the newest that is the same out. Return: its row + 1; 0 if there is none */
static uint32_t take(struct undo *u, uint32_t *at, const uint64_t *const maps[UNDO_KEYS], const uint64_t *const unmaps[UNDO_KEYS], uint32_t unmap)
{
	uint32_t found;

	while (*at && !same(maps, *at - 1, unmaps, unmap))
		at = &u->next[*at - 1];
	found = *at;
	if (found)
		*at = u->next[found - 1];
	return found;
}

uint32_t undo_find(struct undo *u, unsigned int kind, const uint64_t *kinds, uint32_t n, const uint64_t *const maps[UNDO_KEYS],
		   const uint64_t *const unmaps[UNDO_KEYS], uint64_t *refs)
{
	uint32_t n_maps = 0, n_unmaps = 0, found = 0;

	memset(u->bucket, 0, sizeof(u->bucket));
	for (uint32_t i = 0; i < n; i++) {
		if (kinds[i] == kind - 1) {
			uint32_t *bucket = &u->bucket[bucket_of(maps, n_maps)];

			u->next[n_maps++] = *bucket;
			*bucket = n_maps;
		} else if (kinds[i] == kind) {
			uint32_t map = take(u, &u->bucket[bucket_of(unmaps, n_unmaps)], maps, unmaps, n_unmaps);

			refs[n_unmaps++] = map ? n_maps - map + 1 : 0;
			found += map != 0;
		}
	}
	return found;
}

bool undo_resolve(unsigned int kind, const uint64_t *kinds, uint32_t n, uint64_t *refs)
{
	uint64_t n_maps = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (kinds[i] == kind - 1)
			n_maps++;
		if (kinds[i] != kind)
			continue;
		if (*refs > n_maps)
			return false;
		*refs = *refs ? n_maps - *refs + 1 : 0;
		refs++;
	}
	return true;
}

/* ---- values ---- */

uint32_t undo_gather(const uint64_t *rows, uint32_t n, const uint64_t *values, const uint64_t *undone, uint64_t *out)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!rows[i])
			out[first++] = values[i];
	}
	out += first;
	for (uint32_t i = 0; undone && i < n; i++) {
		if (rows[i])
			*out++ = values[i] - undone[rows[i] - 1];
	}
	return first;
}

void undo_scatter(const uint64_t *rows, uint32_t n, const uint64_t *gathered, uint32_t first, const uint64_t *undone, uint64_t *values)
{
	const uint64_t *other = gathered + first;

	for (uint32_t i = 0; i < n; i++)
		values[i] = rows[i] ? *other++ + undone[rows[i] - 1] : *gathered++;
}
