/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * store.h - a trace file while it is written.
 *
 * Purpose:  makes the file, keeps other recorders away, writes rows. A file under its final name is a valid trace at any moment: it is
 *           made under another name and moved into place, then written through a write-ahead log (PATH-wal, PATH-shm) that
 *           readers follow and that survives a killed recorder. PATH-lock keeps other recorders away as long as its lock is held.
 * Compiled: the tracer; private to it.
 * Threads:  any; each call takes the store's lock.
 */
#ifndef EGPU_TRACER_STORE_H
#define EGPU_TRACER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/chunk.h"

struct store;

/* pages of the file: large for a recorder, which writes much at a time; small for a packed trace, in which each table ends with part of one */
#define STORE_PAGE_BYTES 4096u
#define STORE_PAGE_BYTES_PACKED 1024u

/** store_create() - make the file @path, of pages of @page_bytes; see tracer_open() for @overwrite, errors and @error. */
int store_create(const char *path, bool overwrite, unsigned int page_bytes, struct store **out, char *error);

/** store_meta() - set a key; @value NULL removes it. */
int store_meta(struct store *s, const char *key, const char *value);

/** store_device() - id of the device @name, which is added if it is new. Return: 1..TRACE_DEVICES_MAX or negative errno. */
int store_device(struct store *s, const char *name, const char *identity);

/** store_string() - id of @text, which is added if it is new. Return: 1..SQL_STRINGS_MAX or negative errno. */
int64_t store_string(struct store *s, const char *text);

/** store_put_device(), store_put_string() - add one under a number of its own, as it had in another trace; @more is the identity. */
int store_put_device(struct store *s, unsigned int id, const char *name, const char *more);
int store_put_string(struct store *s, unsigned int id, const char *text, const char *more);

int store_account(struct store *s, const char *what, uint64_t count, const char *note);

/** store_chunk() - add a chunk and set the account's events_dropped, both or neither. */
int store_chunk(struct store *s, const struct chunk_row *row, uint64_t dropped);

/**
 * store_checkpoint_begin() - then each store_checkpoint_part(), then store_checkpoint_end() with the first error: all parts are there or none.
 * @row: as of a chunk, with the id STORE_CHECKPOINT_ID(); @first_seq is the number of the first event that the checkpoint does not know of
 * @until_ns: highest time of all events before that one
 */
int store_checkpoint_begin(struct store *s);
int store_checkpoint_part(struct store *s, const struct chunk_row *row, uint64_t parts, uint64_t until_ns);
int store_checkpoint_end(struct store *s, int err);

#define STORE_CHECKPOINT_PARTS_LOG2 16
#define STORE_CHECKPOINT_ID(chunk, part) (((int64_t)(chunk) << STORE_CHECKPOINT_PARTS_LOG2) + (part))

/** store_bytes() - what the file takes on disk now, its log included. */
uint64_t store_bytes(struct store *s);

/**
 * store_close() - finish and free. NULL is allowed.
 * @complete: mark the trace complete
 *
 * Return: 0, or the first error of finishing; the file is readable in any case.
 */
int store_close(struct store *s, bool complete);

#endif
