/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * coalesce.h - the coalescer: groups a driver's small DMA requests into fewer, larger IOMMU mappings.
 *
 * Purpose:  a driver asks for thousands of small buffers; the host's IOMMU allows few mappings. A *policy* says which span of guest
 *           memory to map for a request; the engine shares one mapping among all requests that fall to the same span, counts
 *           references, and asks the host only when a span is new or no longer used.
 * Compiled: guest kernel module, egpu-run, egpu-replay; the live run and the replay make the very same calls, so that predicted
 *           equals measured.
 * Owner:    the caller gives all memory (coalesce_state_bytes, coalesce_init) and serialises all calls on one struct coalesce;
 *           nothing here allocates, sleeps or locks, so a map may run in atomic context.
 * Cost:     map and unmap are O(1) per request beside the host's answer; under an ordered policy a map takes O(log n) of n mappings.
 * Rights:   a mapping is shared by requests of any direction, so the host is always asked for COMPANION_DIR_BOTH.
 */
#ifndef EGPU_CORE_COALESCE_H
#define EGPU_CORE_COALESCE_H

#include "runtime/core/align.h"
#include "runtime/core/companion.h"
#include "runtime/core/span.h"

#define COALESCE_PARAMS_MAX 6
#define COALESCE_SPEC_BYTES 80 /* longest text of a policy with its parameters, NUL included */
#define COALESCE_NONE ((u32)~0u)

/**
 * struct coalesce_param - one typed, ranged parameter of a policy; whole numbers.
 */
struct coalesce_param {
	const char *name;
	u32 min, max, def;
	const char *help;
};

struct coalesce_order;

/**
 * struct coalesce_view - what a policy sees when it chooses.
 * @param:        values, in the order of its params
 * @granule_log2: of the host's IOMMU
 * @max_bytes:    that the host lets be mapped at once; 0 = not known
 * @max_mappings: that the host lets be made at once; 0 = not known
 * @mapped_bytes: now, and what has been asked for; @mappings likewise
 * @run_gpa:      the request, and those behind it in the driver's call that begin where the one before ends
 * @order:        the mappings around (coalesce_order.h); NULL unless the policy is ordered
 * @lab:          as in the config
 */
struct coalesce_view {
	const u32 *param;
	u32 granule_log2;
	u64 max_bytes, max_mappings;
	u64 mapped_bytes, mappings;
	struct span run_gpa;
	const struct coalesce_order *order;
	const void *lab;
};

/**
 * struct coalesce_policy - what distinguishes one policy from another.
 * @name:    as in "window:log2=18"
 * @summary: one line for --list-policies
 * @params:  @nparams of them, at most COALESCE_PARAMS_MAX
 * @exclusive: a mapping is never shared, not even by equal requests
 * @ordered: a request shares any mapping that holds it, and is put to the policy only if there is none
 * @keep:    1 + number of the parameter that says how many MiB of mappings may be kept when their last request has ended, for requests to
 *           come; those kept longest end first, and all of them if the host refuses a mapping, which is asked for again then. 0 = none
 * @choose:  function of the view alone: the span to map for @request_gpa. Return 0 and a span that is granular and holds the request, or
 *           -EINVAL if the request is empty or wraps.
 */
struct coalesce_policy {
	const char *name;
	const char *summary;
	const struct coalesce_param *params;
	u32 nparams;
	bool exclusive;
	bool ordered;
	u32 keep;
	int (*choose)(const struct coalesce_view *view, const struct span *request_gpa, struct span *out_gpa);
};

#define COALESCE_KEEP_HELP "MiB of mappings without requests that may be kept for requests to come"

/** coalesce_policies - every shipped policy, NULL-terminated. To ship another: one file, one line in coalesce.c. */
extern const struct coalesce_policy *const coalesce_policies[];

/**
 * struct coalesce_config - a policy with its parameters, and sizes.
 * @policy:       one of coalesce_policies (or a laboratory policy)
 * @param:        values, in the order of @policy->params
 * @shim:         enum align_shim
 * @granule_log2: of the host's IOMMU
 * @max_bytes:    that the host lets be mapped at once, for policies that mind; 0 = not known; @host_mappings likewise
 * @max_mappings: most live mappings this state can hold beside kept ones; the host's own limit may be lower
 * @max_requests: most distinct live DMA addresses this state can hold
 * @batch_max:    most entries per host call, 1..COMPANION_BATCH_MAX
 * @lab:          what a laboratory policy knows beside, e.g. what is to come; NULL for those that ship
 */
struct coalesce_config {
	const struct coalesce_policy *policy;
	u32 param[COALESCE_PARAMS_MAX];
	u32 shim;
	u32 granule_log2;
	u64 max_bytes, host_mappings;
	u32 max_mappings;
	u32 max_requests;
	u32 batch_max;
	const void *lab;
};

/**
 * coalesce_parse() - read "NAME[:PARAM=VALUE[,PARAM=VALUE…]]" into a config.
 * @spec:  NUL-terminated; "window" alone means window with its defaults
 * @cfg:   policy and param are set, the rest left alone
 *
 * Return: 0; -ENOENT unknown policy; -ESRCH unknown parameter; -ERANGE value out of its range; -EINVAL malformed. On error *@cfg is
 * unchanged.
 */
int coalesce_parse(const char *spec, struct coalesce_config *cfg);

/** coalesce_parse_in() - likewise, with the policies of another NULL-terminated list. */
int coalesce_parse_in(const struct coalesce_policy *const *list, const char *spec, struct coalesce_config *cfg);

/**
 * coalesce_format() - the inverse of coalesce_parse(), every parameter spelled out ("window:log2=18").
 * @text: receives a NUL-terminated string, cut at @text_bytes
 */
void coalesce_format(const struct coalesce_config *cfg, char *text, size_t text_bytes);

/**
 * struct coalesce_host - the way to the IOMMU: the companion's doorbell in the guest, the simulated DART in the replayer.
 * @submit: execute @n entries in order (@op is COMPANION_OP_MAP or _UNMAP), filling status and iova of each. Return 0, or a negative
 *          errno if the host could not be asked at all; then every entry counts as failed with it.
 */
struct coalesce_host {
	int (*submit)(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n);
	void *ctx;
};

/**
 * struct coalesce_request - one element of a batch.
 * @gpa:        map: in, what the driver wants mapped. unmap: len in (what the driver says), start out
 * @iova:       map: out. unmap: in
 * @status:     out: 0 or negative errno; -ENOENT for an unmap of an address that is not live; -ENOMEM if this state is full;
 *              else what the policy or the host said
 * @dir:        in, COMPANION_DIR_…
 * @align_log2: map: in, alignment the driver wants, 0 = none
 * @flags:      out, COMPANION_REC_HIT | _DOWNGRADED | _MISALIGNED
 * @mapping:    internal
 */
struct coalesce_request {
	struct span gpa;
	u64 iova;
	s32 status;
	u8 dir;
	u8 align_log2;
	u8 flags;
	u32 mapping;
};

/**
 * struct coalesce_stats - exact counters; "live" and "peak" are of now and of the highest moment.
 * Mappings are what the host granted; requests are what the driver asked.
 */
struct coalesce_stats {
	u64 map_requests, unmap_requests, failed_requests, unknown_unmaps;
	u64 hits;                    /* map requests that needed no host call */
	u64 host_maps, host_unmaps;  /* entries sent to the host, failed ones included */
	u64 host_batches;            /* submit calls */
	u64 host_failures;           /* entries the host refused */
	u64 live_requests, live_request_bytes, peak_requests, peak_request_bytes;
	u64 live_mappings, live_mapped_bytes, peak_mappings, peak_mapped_bytes;
	u64 align_wanted, align_downgraded, align_missed;
};

struct coalesce; /* opaque; lives in the caller's memory */

/**
 * coalesce_state_bytes() - memory one coalescer needs.
 * Return: bytes; 0 if @cfg is unusable (a size of 0 or above 2^30, a granule or batch out of range, no policy).
 */
size_t coalesce_state_bytes(const struct coalesce_config *cfg);

/**
 * coalesce_init() - make a coalescer in the caller's memory.
 * @mem:       at least coalesce_state_bytes(@cfg), aligned to 8; owned by the caller, who frees it when done
 * @entries:   room for @cfg->batch_max entries, handed to @host->submit (the guest puts it in the command block)
 *
 * Return: the coalescer; NULL if @cfg is unusable.
 */
struct coalesce *coalesce_init(void *mem, const struct coalesce_config *cfg, const struct coalesce_host *host,
			       struct companion_entry *entries);

/**
 * coalesce_map() - map a batch (a scatter-gather list, or one request).
 * @reqs, @n: elements are handled in order; those that share a span share a mapping, also within the batch; one host call carries all
 *            new spans of up to batch_max requests. A failed element fails alone: the caller undoes the others if it must.
 *
 * Return: number of elements whose status is not 0.
 */
u32 coalesce_map(struct coalesce *c, struct coalesce_request *reqs, u32 n);

/**
 * coalesce_unmap() - end a batch of requests by DMA address.
 *
 * Return: number of elements whose status is not 0. A mapping whose unmap the host refuses is forgotten all the same (the host said
 * that it does not have it) and counted in host_failures.
 */
u32 coalesce_unmap(struct coalesce *c, struct coalesce_request *reqs, u32 n);

/**
 * struct coalesce_ahead - a request to come.
 * @gpa:  what will be mapped; empty for an unmap
 * @iova: unmap: the address, as far as it is known
 * @at:   internal
 */
struct coalesce_ahead {
	struct span gpa;
	u64 iova;
	u32 at;
};

/**
 * coalesce_look_ahead() - fetch into the cache what @n requests to come will touch; nothing changes, and wrong guesses only cost time.
 * Worth while for some tens at a time whose tables do not fit into the cache.
 */
void coalesce_look_ahead(const struct coalesce *c, struct coalesce_ahead *ahead, u32 n);

/**
 * coalesce_find() - the mapping behind a live DMA address (for sync and translation).
 * Return: true, and *@gpa the guest-physical address, if @iova is the address of a live request.
 */
bool coalesce_find(const struct coalesce *c, u64 iova, u64 *gpa);

/**
 * coalesce_release_all() - ask the host to unmap everything that is live or kept, and forget it; for unloading.
 * Return: how many mappings some request still used.
 */
u32 coalesce_release_all(struct coalesce *c);

/** coalesce_stats() - counters; valid as long as the coalescer. */
const struct coalesce_stats *coalesce_stats(const struct coalesce *c);

/** coalesce_kept_bytes() - of live mappings that no request uses now, which a device still reaches. */
u64 coalesce_kept_bytes(const struct coalesce *c);

/** coalesce_config() - what it was made with. */
const struct coalesce_config *coalesce_config(const struct coalesce *c);

#endif
