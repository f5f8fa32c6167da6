/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * sched.h - how the host runs QEMU's vCPU threads: scheduling class, priority, cores.
 *
 * Purpose:  a vCPU thread that waits for its turn among everything else on the host makes a guest's frame times swing (published: up to half of
 *           a score on macOS, until the vCPUs got a real-time class; README, "Sources").
 * Safety:   a real-time thread that never sleeps keeps its core from all others, and egpu-run's server and QEMU's main thread must run for a
 *           vCPU to get on. So one core is always left unless the user names the cores; "auto" leaves two, and does nothing with less than
 *           four. Linux' throttling of real-time threads (kernel.sched_rt_runtime_us) is required where no core is left.
 * Undo:     what threads had before is kept in struct sched; sched_undo() gives it back to those that are still there.
 * Threads:  no state but the caller's.
 */
#ifndef EGPU_RUNTIME_SCHED_H
#define EGPU_RUNTIME_SCHED_H

#include <sched.h>
#include <sys/types.h>

#include "runtime/core/env.h"

enum sched_how { SCHED_HOW_OFF, SCHED_HOW_AUTO, SCHED_HOW_RR, SCHED_HOW_FIFO, SCHED_HOW_NICE };

#define SCHED_PRIORITY_DEFAULT 10 /* below that of Linux' interrupt threads, 50 */
#define SCHED_TEXT_BYTES 512
#define SCHED_THREADS_MAX 1024

/**
 * struct sched_spec - what is wanted, or what was done.
 * @level: SCHED_HOW_RR, _FIFO: priority 1..99; SCHED_HOW_NICE: -20..19
 * @cores: if @cores_given: as many as there are threads: one for each, in order; else all for all
 * @given: it was asked for, not the default
 */
struct sched_spec {
	enum sched_how how;
	int level;
	bool cores_given, given;
	cpu_set_t cores;
};

/** sched_parse() - "auto", "off", "rr[:PRIORITY]", "fifo[:PRIORITY]", "nice:N". Return: 0; -EINVAL and *@spec unchanged. */
int sched_parse(const char *text, struct sched_spec *spec);

/** sched_parse_cores() - "2,3", "2-5", "0,4-6". Return: 0; -EINVAL and *@spec unchanged. */
int sched_parse_cores(const char *text, struct sched_spec *spec);

/** sched_format() - as the two parsers take it: "rr:10", "rr:10 cores=2-3", "off". @text: SCHED_TEXT_BYTES. */
void sched_format(const struct sched_spec *spec, char *text);

/**
 * struct sched_machine - what there is to share.
 * @cores:     that this process may use
 * @throttled: the kernel leaves time to others where real-time threads never sleep
 */
struct sched_machine {
	cpu_set_t cores;
	bool throttled;
};

void sched_machine(struct sched_machine *m);

/**
 * sched_resolve() - what to do with @threads vCPU threads on machine @m.
 * @out: like @want, "auto" decided
 *
 * Return: 0; -EINVAL a core that is not there; -EBUSY it would take the whole machine. @error receives one line.
 */
int sched_resolve(const struct sched_spec *want, const struct sched_machine *m, u32 threads, struct sched_spec *out, char *error, size_t error_bytes);

/** struct sched_thread - what a thread had before. @started: clock ticks, tells it from a later thread of the same number. */
struct sched_thread {
	pid_t tid;
	u64 started;
	int policy, nice;
	struct sched_param param;
	cpu_set_t cores;
};

/**
 * struct sched - what was done to whom. All zero: nothing.
 * @done: what holds, SCHED_HOW_OFF and no cores if nothing does
 */
struct sched {
	struct sched_spec done;
	u32 n;
	struct sched_thread *threads;
};

/**
 * sched_apply() - give the @n threads @tid what @spec (resolved) says. Threads that ended meanwhile are passed over.
 *
 * Return: 0; -EPERM and the like with one line in @error that names the right that lacks; then the class is as it was.
 */
int sched_apply(struct sched *s, const struct sched_spec *spec, const pid_t *tid, u32 n, char *error, size_t error_bytes);

/** sched_undo() - threads that are still there get back what they had; frees. Fine if nothing was done, and twice. */
void sched_undo(struct sched *s);

#endif
