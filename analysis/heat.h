/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * heat.h - guest memory over time: how much of each stretch of it is live, that is asked for and not yet given back.
 *
 * Compiled: egpu-report. Memory: bounded by the constants below; rows and columns become coarser as addresses and times come.
 */
#ifndef EGPU_ANALYSIS_HEAT_H
#define EGPU_ANALYSIS_HEAT_H

#include <stdbool.h>
#include <stdint.h>

#define HEAT_ROWS 192u
#define HEAT_COLUMNS 400u
#define HEAT_ROW_BYTES_MIN (64ull << 10)
#define HEAT_COLUMN_NS_MIN 1000ull
#define HEAT_GPA_END (1ull << 44)

/**
 * struct heat - the map.
 * @row_bytes: of guest memory in a row; row 0 begins at address 0
 * @rows:      up to the last that was ever touched
 * @column_ns: time in a column; column 0 begins at @start_ns
 * @column:    being filled; the ones before it are complete
 * @live:      bytes live now, by row. Requests that overlap count each
 * @cell:      the most of them within a column. Where rows became one, their peaks are added, though they need not have been at one moment
 * @outside:   requests that end above HEAT_GPA_END, which are left out
 */
struct heat {
	uint64_t row_bytes, start_ns, column_ns;
	unsigned int rows, column;
	uint64_t live[HEAT_ROWS];
	uint64_t cell[HEAT_COLUMNS][HEAT_ROWS];
	uint64_t outside;
};

/** heat_init() - an empty map from @start_ns on. */
void heat_init(struct heat *h, uint64_t start_ns);

/** heat_change() - at @t_ns [@gpa, @gpa + @len_bytes) begins, or ends to be live. A time before the last counts as the last. */
void heat_change(struct heat *h, uint64_t t_ns, uint64_t gpa, uint64_t len_bytes, bool begins);

/** heat_clear() - at @t_ns nothing is live any more. */
void heat_clear(struct heat *h, uint64_t t_ns);

/** heat_finish() - nothing changes until @end_ns. */
void heat_finish(struct heat *h, uint64_t end_ns);

#endif
