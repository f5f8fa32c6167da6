/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * cmd_stats_print.h - the sums of a trace, and their print.
 *
 * Compiled: egpu-trace.
 */
#ifndef EGPU_TRACER_CMD_STATS_PRINT_H
#define EGPU_TRACER_CMD_STATS_PRINT_H

#include "tracer/pairing.h"
#include "tracer/tracer.h"

#define STATS_KINDS_MAX 256
#define STATS_SIZES 65
#define STATS_LIFETIMES 8
#define STATS_LIFETIME_FIRST_NS 10000ull /* below this, then ten times as long, and so on; the last has no end */
#define STATS_FRAMES_MAX (16u << 20)
#define STATS_FRAME_DEVICES_MAX 64
#define STATS_ROWS_MAX 65536u
#define STATS_ROWS_ROOM 131072u

struct stats_size {
	uint64_t requests, failed, bytes;
};

/** struct stats_row - counts by a key of three numbers; interrupts nobody listened to are its writes. */
struct stats_row {
	uint64_t key[3], reads, writes;
};

/** struct stats_table - open addressing, until stats_sort() moves the @n rows to its front. @others: did not fit. */
struct stats_table {
	struct stats_row row[STATS_ROWS_ROOM];
	uint32_t n;
	uint64_t others;
};

struct stats_frame_device {
	unsigned int id;
	uint64_t last_ns;
};

/** struct stats_frames - times from frame to frame of a device, of all devices together. */
struct stats_frames {
	uint64_t *ns;
	size_t times, room;
	struct stats_frame_device device[STATS_FRAME_DEVICES_MAX];
	unsigned int devices;
};

/**
 * struct stats - all sums.
 * @kind:     events by kind; 0 is not used
 * @size:     requests by the log2 of their length, rounded up
 * @lifetime: by class and length of life, of what ended
 * @lost:     events that gaps tell of
 */
struct stats {
	struct trace *t;
	struct pairing *live;
	uint64_t events, first_ns, last_ns, damaged, lost;
	uint64_t kind[STATS_KINDS_MAX], kind_failed[STATS_KINDS_MAX];
	struct stats_size size[STATS_SIZES];
	uint64_t lifetime[PAIRING_CLASSES][STATS_LIFETIMES];
	struct stats_table registers, irqs;
	struct stats_frames frames;
};

/** stats_sort() - order what is to be printed in order, once all is counted. */
void stats_sort(struct stats *s);
void stats_print_text(const struct stats *s);
void stats_print_json(const struct stats *s);

#endif
