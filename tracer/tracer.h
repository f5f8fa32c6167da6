/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * tracer.h - the door to traces: open, emit, close, read.
 *
 * Purpose:  record events from any number of threads into one .egt file (SQLite, LZ4 chunks; see trace(5)) and read them back.
 * Compiled: egpu-run, egpu-trace, egpu-replay, egpu-report. Depends on nothing else of egpu.
 * Errors:   negative errno. A function that can say more than errno takes a char error[TRACE_ERROR_BYTES] and fills one line.
 */
#ifndef EGPU_TRACER_TRACER_H
#define EGPU_TRACER_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracer/event.h"

#define TRACE_ERROR_BYTES 256
#define TRACE_DEVICES_MAX 65535
#define TRACE_FORMAT_VERSION 1
#define TRACE_TICK_NS_MAX 1024

/* ---- what a trace says about itself: keys of its meta table (values are text; see trace(5)) ---- */
#define TRACE_META_PROVENANCE "provenance"   /* "recorded" | "imported" | "modelled"; always there */
#define TRACE_META_ORIGIN "origin"           /* from what: command line, file and its sha256, model and seed */
#define TRACE_META_CLOCK "clock"             /* name of the clock of t_ns, e.g. "CLOCK_MONOTONIC" */
#define TRACE_META_TICK "tick_ns"            /* all times are multiples of so many ns, a power of two; absent if 1 */
#define TRACE_META_STARTED "started"         /* wall-clock time of the start, ISO 8601 UTC; absent if unknown */
#define TRACE_META_HOST "host"               /* uname of the recorder */
#define TRACE_META_QEMU "qemu"               /* version */
#define TRACE_META_GUEST "guest"             /* kernel release, if known */
#define TRACE_META_POLICY "policy"           /* policy that ran live, as in coalesce_parse(); absent if none */
#define TRACE_META_ALIGN "align"             /* alignment shim that ran live */
#define TRACE_META_DMA "dma"                 /* how DMA was mapped live: "companion", "premap", "viommu:intel", "viommu:virtio"; absent if not live */
#define TRACE_META_IOMMU "iommu"             /* the machine's IOMMU behind a real device, and how much it had left; absent if there was none */
#define TRACE_META_SCHED "sched"             /* what QEMU's vCPU threads were given, as egpu-run takes it; absent if nothing */
#define TRACE_META_LIMITS "limits"           /* DART model and its limits, as in dart_parse(); absent if none */
#define TRACE_META_ASSUMED "assumed"         /* importers: what was assumed, one per line */
#define TRACE_META_WORKLOAD "workload"       /* name of the workload */
#define TRACE_META_COMPLETE "complete"       /* "yes" once closed in order; else the recorder died or still runs */

/* ---- writing ---- */
struct tracer;      /* one file being written */
struct tracer_ring; /* one emitting thread's way into it */

/**
 * struct tracer_options - how to record.
 * @path:        file to make; must not exist unless @overwrite
 * @overwrite:   replace an existing egpu trace (never any other file)
 * @ring_events: capacity of each thread's ring, a power of two; 0 = 65,536
 * @flush_ms:    an event is on disk after at most this long; 0 = 1,000
 * @tick_ns:     times are told to so many ns, a power of two, at most TRACE_TICK_NS_MAX; 0 = 1. Times of a guest's clock move with those of the events
 * @drop:        a full ring counts and drops (each gap becomes an event) instead of making the producer wait
 */
struct tracer_options {
	const char *path;
	bool overwrite;
	uint32_t ring_events;
	uint32_t flush_ms;
	uint32_t tick_ns;
	bool drop;
};

/**
 * tracer_open() - make a trace file and start its writer thread. It says "recorded", host, clock and time of start by itself.
 * Return: 0; -EEXIST, -EBUSY (another recorder has it), -ENOSPC, -EACCES, … with @error filled.
 */
int tracer_open(const struct tracer_options *options, struct tracer **out, char *error);

/**
 * tracer_ring() - a ring for the calling thread (one producer each); lives until tracer_close(). Any thread.
 * Return: NULL only without memory.
 */
struct tracer_ring *tracer_ring(struct tracer *t);

/**
 * tracer_emit() - record one event. Wait-free while the ring has room; else waits for the writer, or drops if the user chose that.
 * If the file can no longer be written (full disk) events are counted as lost and the error is kept for tracer_status().
 * Order: events of one ring keep their order in the file for ever; rings are merged by t_ns.
 */
void tracer_emit(struct tracer_ring *ring, const struct trace_event *event);

/** tracer_now_ns() - CLOCK_MONOTONIC, the clock of t_ns, to well under a microsecond; never goes back. Any thread. */
uint64_t tracer_now_ns(void);

/** tracer_meta() - set a key of the meta table; @value NULL removes it. Any thread; takes a lock. Return: 0 or -errno. */
int tracer_meta(struct tracer *t, const char *key, const char *value);

/**
 * tracer_device() - register a device by its name ("sim-gpu", "0000:01:00.0"). Any thread; takes a lock.
 * @identity: "vendor:device class" or any text; may be NULL
 * Return: its id, 1..TRACE_DEVICES_MAX (the same for the same name); 0 if the table is full or memory ran out.
 */
uint16_t tracer_device(struct tracer *t, const char *name, const char *identity);

/** tracer_string() - id of a text in the string table, for TRACE_STRING arguments; the same text has the same id. Takes a lock. */
uint32_t tracer_string(struct tracer *t, const char *text);

/**
 * tracer_account() - set a line of the loss account (what was lost, assumed, collapsed, unmatched), always stored, zero or not.
 * @what: e.g. "events_dropped", "unmap_unmatched"
 * @note: one sentence for people; may be NULL
 */
int tracer_account(struct tracer *t, const char *what, uint64_t count, const char *note);

/** struct tracer_status - for a status line. */
struct tracer_status {
	uint64_t events, dropped, file_bytes;
	int error; /* 0 or the negative errno that stopped writing */
};
void tracer_status(struct tracer *t, struct tracer_status *out);

/**
 * tracer_close() - drain all rings, finish and close the file: a single file remains. No thread may emit any more. NULL is allowed.
 * Return: 0, or the first error of the whole recording, with @error filled (may be NULL).
 */
int tracer_close(struct tracer *t, char *error);

/* ---- reading ---- */
struct trace;        /* one open file; read-only; one thread at a time */
struct trace_cursor; /* a position in it; several may be open */

/**
 * trace_open() - open a trace for reading, also while it is being recorded, also if its recorder died.
 * Return: 0; -ENOENT, -EINVAL (not an egpu trace, or a newer major version), -EIO; @error filled.
 */
int trace_open(const char *path, struct trace **out, char *error);
void trace_close(struct trace *t); /* NULL is allowed */

/** trace_recording() - true if a recorder is writing the trace @path right now. */
bool trace_recording(const char *path);

/** trace_meta() - value of a key, NULL if absent; valid until trace_close(). */
const char *trace_meta(struct trace *t, const char *key);
const char *trace_device_name(struct trace *t, unsigned int device); /* NULL if there is none */
const char *trace_device_identity(struct trace *t, unsigned int device);
unsigned int trace_devices(struct trace *t); /* highest id */
const char *trace_string(struct trace *t, uint64_t id); /* NULL if there is none */

/** trace_account_next() - walk the loss account; start with *@row = 0. Return: false at the end. */
bool trace_account_next(struct trace *t, unsigned int *row, const char **what, uint64_t *count, const char **note);

/** trace_meta_next() - walk all meta keys; start with *@row = 0. Return: false at the end. */
bool trace_meta_next(struct trace *t, unsigned int *row, const char **key, const char **value);

/** struct trace_summary - from the chunk table alone, no chunk is decoded. */
struct trace_summary {
	uint64_t events, chunks, stored_bytes, t_first_ns, t_last_ns;
	uint64_t kind_events[TRACE_KINDS];
	uint64_t fingerprint; /* of all chunks, from their checksums: tells traces apart, but a packed one differs from what it was made of */
};
int trace_summary(struct trace *t, struct trace_summary *out);

/**
 * trace_cursor_open() - start reading at the first event.
 * @skip_damaged: a chunk whose checksum fails is counted and skipped; otherwise it ends the reading with -EBADMSG
 */
int trace_cursor_open(struct trace *t, bool skip_damaged, struct trace_cursor **out);

/**
 * trace_next() - the next event, in file order.
 * Return: 1 and *@event; 0 at the end; -EBADMSG damaged chunk; other -errno. @error filled if not NULL.
 */
int trace_next(struct trace_cursor *c, struct trace_event *event, char *error);
uint64_t trace_cursor_damaged(const struct trace_cursor *c); /* chunks skipped so far */
uint64_t trace_cursor_decoded(const struct trace_cursor *c); /* chunks unpacked so far, damaged ones included */
uint64_t trace_cursor_looked(const struct trace_cursor *c);  /* rows of chunks read so far without unpacking them */

/**
 * trace_cursor_seek_time() - go on with the first event in file order whose time is in from_ns <= t_ns < to_ns, and return only such.
 * @to_ns: UINT64_MAX means no end, an event at that very time included
 *
 * Chunks that hold no time of the range are neither decoded nor checked. Chunks of several threads may overlap in time, so that t_ns may
 * step back within the range as it may in the file. Seeking by sequence number lifts the range.
 * Return: 0 or -errno.
 */
int trace_cursor_seek_time(struct trace_cursor *c, uint64_t from_ns, uint64_t to_ns);

/** trace_cursor_seek_seq() - go on with event number @seq (0 is the first), or the next there is. Return: 0 or -errno. */
int trace_cursor_seek_seq(struct trace_cursor *c, uint64_t seq);

/** trace_cursor_seq() - the number of the event that trace_next() returned last: its place in the whole trace, from 0. */
uint64_t trace_cursor_seq(const struct trace_cursor *c);

#define TRACE_KIND_BIT(kind) ((kind) < 64 ? 1ull << (kind) : 1ull)
#define TRACE_KINDS_ALL UINT64_MAX

/**
 * trace_cursor_filter() - from now on return only events of some kinds.
 * @kind_mask: TRACE_KIND_BIT() of each; bit 0 stands for all kinds from 64 on
 *
 * Chunks without such kinds are passed by, in the others only the columns of these kinds are decoded.
 */
void trace_cursor_filter(struct trace_cursor *c, uint64_t kind_mask);

#define TRACE_COLUMN_DEVICE (1u << 16)
#define TRACE_COLUMN_STATUS (1u << 17)
#define TRACE_COLUMN_ARG(a) (1u << (a))
#define TRACE_COLUMNS_ALL UINT32_MAX

/**
 * trace_cursor_project() - from the next chunk on decode only some columns; what is left out reads as 0. Kind and time are always there.
 * @columns: TRACE_COLUMN_… bits; TRACE_COLUMN_ARG(a) is argument a of every kind
 */
void trace_cursor_project(struct trace_cursor *c, uint32_t columns);
void trace_cursor_close(struct trace_cursor *c);             /* NULL is allowed */

/* ---- the live set: which requests and mappings there are at some time ---- */

/**
 * struct trace_live - a set of live requests and mappings.
 * @seq:    number of the first event that is not taken into account
 * @events: the req_map and map events of what is live, in the order of the file; trace_live_free() frees it
 */
struct trace_live {
	uint64_t seq;
	struct trace_event *events;
	uint64_t n;
};

/**
 * trace_checkpoint_before() - the newest stored set of which every event is older than @t_ns; to go on from it, seek to @seq.
 * Return: 1; 0 if there is none (start with an empty set at event 0; *@out is that); negative errno.
 */
int trace_checkpoint_before(struct trace *t, uint64_t t_ns, struct trace_live *out);

/**
 * trace_live_at() - what is live after all events older than @t_ns: a checkpoint, and the events from there on.
 * @skip_damaged: as trace_cursor_open(); what a damaged chunk mapped is then missing
 * Return: 0; -E2BIG if more than 262,144 are live; -EBADMSG, other negative errno; @error filled if not NULL.
 */
int trace_live_at(struct trace *t, uint64_t t_ns, bool skip_damaged, struct trace_live *out, char *error);
void trace_live_free(struct trace_live *live);

/**
 * trace_verify() - check every chunk: checksum, decode, counts and time range against its row.
 * @report: called once per damaged chunk with one line; may be NULL
 * Return: number of damaged chunks, or -errno.
 */
int64_t trace_verify(struct trace *t, void (*report)(void *ctx, int64_t chunk, const char *why), void *ctx);

/** trace_on_verified() - have trace_verify() call @fn after each chunk that is sound, with the number of the event behind it. */
void trace_on_verified(struct trace *t, void (*fn)(uint64_t seq));

/**
 * trace_verify_rows() - check what is not events: rows of meta, device, string and account, the checkpoints, and the file's structure.
 * @report: called once per damaged row with the table, the row's key or id as text, and what is wrong; for the structure, at most 10 times, with
 *          "file" and "structure"; may be NULL
 * Return: number of damaged places, or -errno. Rows of format 1.0 have no checksums there and pass.
 */
int64_t trace_verify_rows(struct trace *t, void (*report)(void *ctx, const char *table, const char *key, const char *why), void *ctx);

#endif
