/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * chunk_head.h - the list of columns in front of a chunk's data, and that of classes in front of a column: what there is, how it is encoded, where it is.
 *
 * Purpose:  reads what nobody vouches for; all of a head is checked before the first entry is given out.
 * Compiled: the tracer; private to it. No state.
 */
#ifndef EGPU_TRACER_CHUNK_HEAD_H
#define EGPU_TRACER_CHUNK_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct head_entry - a column, or a class of one, which has no number; @body: its @bytes. */
struct head_entry {
	uint64_t column, bytes;
	uint8_t encoding;
	const uint8_t *body;
};

/** struct chunk_head - a walk over the entries in order of their numbers; @entry is the next one, its column UINT64_MAX at the end. */
struct chunk_head {
	const uint8_t *raw, *body;
	size_t bytes, at;
	uint64_t left;
	struct head_entry entry;
};

/** head_begin() - Return: 0; -EBADMSG if @bytes bytes at @raw are no head and as many bytes of bodies as it says. */
int head_begin(struct chunk_head *h, const uint8_t *raw, size_t bytes);

void head_next(struct chunk_head *h);

/**
 * head_class() - the entry at *@at of the body of @column, and move on; its body is not looked for.
 * Return: false if there is none, or it is larger than that body.
 */
bool head_class(const struct head_entry *column, size_t *at, struct head_entry *entry);

#endif
