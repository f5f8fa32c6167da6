/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * player.h - a workload: what the player reads and plays.
 *
 * Purpose:  the statements of a workload description (see workload(5)) as data. The parser depends on nothing but libc, so that a description
 *           can be checked anywhere; playing needs /dev/egpu0.
 * Compiled: the player, statically.
 */
#ifndef EGPU_GUEST_PLAYER_H
#define EGPU_GUEST_PLAYER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define WORKLOAD_STEPS_MAX 256
#define WORKLOAD_LINE_BYTES 512
#define WORKLOAD_TEXT_BYTES 48
#define WORKLOAD_MIX_MAX 16
#define WORKLOAD_BUFFERS_MAX 1000000u
#define WORKLOAD_ERROR_BYTES 256

enum workload_kind { WORKLOAD_MEMORY, WORKLOAD_SEED, WORKLOAD_MARK, WORKLOAD_FRAGMENT, WORKLOAD_LOAD, WORKLOAD_FRAMES, WORKLOAD_LEVEL,
		     WORKLOAD_POKE, WORKLOAD_SLEEP, WORKLOAD_KINDS };

/** struct workload_mix - sizes of buffers and how often each occurs. */
struct workload_mix {
	uint32_t n;
	uint64_t len_bytes[WORKLOAD_MIX_MAX];
	uint32_t weight[WORKLOAD_MIX_MAX];
	uint32_t weights; /* their sum */
};

/**
 * struct workload_step - one statement; only the fields of its kind have a meaning, as workload(5) says.
 */
struct workload_step {
	enum workload_kind kind;
	unsigned int line;
	char text[WORKLOAD_TEXT_BYTES];
	uint64_t value;                     /* memory, seed; poke n, sleep ms */
	uint64_t keep_bytes, blocks_bytes;  /* fragment … */
	uint64_t touched_percent, pages_min, pages_max, cluster_bytes;
	uint64_t buffers;                   /* load; level load= */
	uint64_t contiguous_percent, large_percent;
	struct workload_mix mix;
	uint64_t frames, uploads, limit_bytes, verify, churn, pace;
	uint64_t free_percent;              /* level */
};

struct workload {
	unsigned int n;
	uint64_t memory_bytes;
	struct workload_step step[WORKLOAD_STEPS_MAX];
};

/**
 * workload_read() - read and check a description.
 * @error: receives one line, "NAME:LINE: what is wrong"; WORKLOAD_ERROR_BYTES
 * Return: 0 or -1 with @error.
 */
int workload_read(FILE *in, const char *name, struct workload *out, char *error);

/** workload_kind_name() - the word that begins such a statement. */
const char *workload_kind_name(enum workload_kind kind);

/**
 * workload_play() - play it on /dev/egpu0; prints one line per phase.
 * Return: 0; 1 if anything failed, after one line on stderr that says what.
 */
int workload_play(const struct workload *w);

#endif
