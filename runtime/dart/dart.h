/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dart.h - the simulated DART: an IOMMU with limits, whose host picks the IOVA; also IOMMUs where the guest picks it.
 *
 * Purpose:  answers map, unmap and translate as Apple's IOMMU does for a Thunderbolt device, with its limits, so that a workload meets
 *           the Mac's errors at the same request. The runtime serves the guest from it, the replayer serves recorded requests.
 * Compiled: egpu-run, egpu-replay. Depends on runtime/core/span.h only; the caller serialises all calls on one struct dart.
 * Errors:   exact, and distinct per cause:
 *             -ENOSPC         the mapping count is at its limit
 *             -EDQUOT         the mapped bytes would pass their limit
 *             -EADDRNOTAVAIL  enough bytes are left, but no hole in the aperture is large enough (fragmentation)
 *             -E2BIG          one mapping would need more segments than a DMA command has
 *             -EINVAL         empty, wrapping, or not whole granules
 *             -EEXIST         the IOVA that was asked for is mapped already, or lies outside the aperture
 *             -ENOENT         unmap of an address that is not the start of a mapping
 *             -EFAULT         translation of an address that is not mapped
 *             -ENOMEM         this process ran out of memory
 */
#ifndef EGPU_RUNTIME_DART_DART_H
#define EGPU_RUNTIME_DART_DART_H

#include "runtime/core/span.h"

/** enum dart_fit - which hole of the aperture a mapping goes to. */
enum dart_fit {
	DART_FIT_FIRST, /* the lowest */
	DART_FIT_NEXT,  /* the lowest at or behind the end of the last mapping made, then the lowest */
	DART_FIT_BEST,  /* the shortest, the lowest of those */
	DART_FIT_TOP,   /* the highest, aligned to its length rounded up to a power of two: Linux's, without its per-CPU caches */
	DART_FIT_BUDDY, /* the lowest block of 2^n bytes that lies at a multiple of its length; the block is reserved whole */
	DART_FITS,
};

/** dart_fits - names of enum dart_fit: first, next, best, top, buddy. */
extern const char *const dart_fits[DART_FITS];

/**
 * struct dart_limits - a model of an IOMMU.
 * @name:          as in --dart
 * @max_mappings:  mappings at once
 * @max_bytes:     mapped bytes at once
 * @granule_log2:  everything is a multiple of this
 * @aperture_iova: IOVAs handed out lie in here
 * @guest_iova:    a guest may pick the IOVA (premap, vIOMMU); else only the host does, as on a Mac
 * @fit:           how the host picks it
 * @segment_bytes: a DMA command maps guest memory in segments of at most this; 0 = of any length
 * @segments:      that one command has at most, and a mapping is one command
 */
struct dart_limits {
	const char *name;
	u64 max_mappings;
	u64 max_bytes;
	u32 granule_log2;
	struct span aperture_iova;
	bool guest_iova;
	enum dart_fit fit;
	u64 segment_bytes;
	u32 segments;
};

/** dart_models - "apple-tb4" (first), "vfio-type1", "unlimited"; ends with a NULL name. Sources in dart_models.c. */
extern const struct dart_limits dart_models[];

/** dart_model() - the model called @name; NULL if there is none. */
const struct dart_limits *dart_model(const char *name);

/**
 * dart_parse() - read "MODEL[:KEY=VALUE[,…]]" with keys mappings, bytes, aperture, segment, segments (K, M, G suffixes), granule_log2,
 *                iova (host or guest), fit (one of dart_fits).
 * Return: 0; -ENOENT unknown model; -ESRCH unknown key; -ERANGE value out of range; -EINVAL malformed. On error *@out is unchanged.
 */
int dart_parse(const char *spec, struct dart_limits *out);

#define DART_TEXT_BYTES 256

/** dart_format() - the inverse: mappings, bytes and granule_log2 always, other keys where they are not the model's. DART_TEXT_BYTES suffice. */
void dart_format(const struct dart_limits *limits, char *text, size_t text_bytes);

/** struct dart_stats - exact account. */
struct dart_stats {
	u64 live_mappings, live_bytes, peak_mappings, peak_bytes;
	u64 map_calls, unmap_calls; /* failed ones included */
	u64 refused_count, refused_bytes, refused_space, refused_invalid, refused_overlap, refused_segments, unmap_unknown;
};

/** struct dart_space - what of the aperture is free: @free_bytes in @holes, the longest of @longest_bytes. */
struct dart_space {
	u64 free_bytes, longest_bytes;
	u32 holes;
};

struct dart;

/** dart_new() - Return: a DART with nothing mapped; NULL if @limits make no sense (granule 12..30, aperture granular) or no memory. */
struct dart *dart_new(const struct dart_limits *limits);
void dart_free(struct dart *d); /* NULL is allowed */

/**
 * dart_map() - map a span of guest memory at an IOVA the DART picks.
 * @gpa:  whole granules. Spans may overlap or repeat: each call makes a mapping of its own
 * @iova: receives the first address
 */
int dart_map(struct dart *d, struct span gpa, u64 *iova);

/** dart_map_at() - likewise, at the IOVA the guest picked. */
int dart_map_at(struct dart *d, struct span gpa, u64 iova);

/** dart_undo() - take back the map that was just made at @iova, as if it had not been asked; @before: dart_stats() of then. */
void dart_undo(struct dart *d, u64 iova, const struct dart_stats *before);

/** dart_tag() - a number that the caller keeps with the mapping that starts at @iova, 0 at first; there is one. */
u32 *dart_tag(struct dart *d, u64 iova);

/** dart_next() - first mapping that ends at or after @from_iova. Return: false if there is none. */
bool dart_next(const struct dart *d, u64 from_iova, struct span *iova, u64 *gpa);

/** dart_unmap() - end the mapping that starts at @iova. @gpa: receives what it mapped; may be NULL. */
int dart_unmap(struct dart *d, u64 iova, struct span *gpa);

/**
 * dart_translate() - what a device's access reaches.
 * @len_bytes: in: bytes wanted, > 0. out: bytes that are contiguous from *@gpa, at most what was wanted
 */
int dart_translate(const struct dart *d, u64 iova, u64 *len_bytes, u64 *gpa);

const struct dart_stats *dart_stats(const struct dart *d);
const struct dart_limits *dart_limits(const struct dart *d);
struct dart_space dart_space(const struct dart *d);

/** dart_reason() - "mapping limit", "byte limit", "fragmented", … for an error of dart_map(). */
const char *dart_reason(int error);

#endif
