/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * salvage.h - what rows are left in a file that SQLite can no longer find its way through.
 *
 * Purpose:  with the header, the schema or the root of a table gone, the rows are still on their pages, each with a checksum that tells a row from
 *           anything else. Every page is looked at by itself, and the rows that are whole are put into a new trace.
 * Compiled: egpu-trace and tests; part of rewrite.c.
 */
#ifndef EGPU_TRACER_SALVAGE_H
#define EGPU_TRACER_SALVAGE_H

#include <stdint.h>

/**
 * salvage_rows() - make the trace @out of what is left in @in; of format 1.1 and later, for 1.0 has no checksums of rows.
 * @in:     is only read; a log beside it is not looked at
 * @out:    must not exist; is left on success only
 * @events: receives how many events the chunks that were found state
 * @chunks: receives their number
 *
 * Return: 0; -ENODATA if no chunk was found; other negative errno.
 */
int salvage_rows(const char *in, const char *out, uint64_t *events, uint64_t *chunks);

#endif
