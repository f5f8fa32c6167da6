/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * session.h - one run from start to end: trace, devices, sockets, QEMU.
 */
#ifndef EGPU_RUNTIME_SESSION_H
#define EGPU_RUNTIME_SESSION_H

#include "runtime/fault_log.h"
#include "runtime/mapper.h"
#include "runtime/qemu.h"
#include "runtime/qmp.h"
#include "runtime/sched.h"
#include "runtime/serve.h"

#define SESSION_DEVICES 2 /* what is passed through, and its companion */
#define SESSION_REASON_BYTES 512

/**
 * struct session - everything a run owns.
 * @limits:  of the simulated DART
 * @iommu:   the machine's, of a real device; NULL else
 * @device:  @devices of them; the companion is only there with --dma companion
 * @dir:     of the sockets; made by us unless --serve
 * @console: where QEMU writes the serial console; empty = terminal
 * @served:  after session_run(): what each server did
 * @reason:  after session_run(): why it ended, one line
 * @sched:   what QEMU's vCPU threads were given; @scheduled: that was tried
 * @sched_text: of it, for the summary; "off" if nothing
 * @fault_log: where the machine's IOMMU complains of a real device; @fault_ring: for these events; @real_faults: so far
 * @trace_broken: the trace can no longer be written; said once
 */
struct session {
	const struct run_options *o;
	struct qemu qemu;
	struct qmp qmp;
	struct tracer *tracer;
	struct dart_limits limits;
	struct mapper *mapper;
	struct iommu *iommu;
	struct device *device[SESSION_DEVICES];
	u32 devices;
	struct server *server[SESSION_DEVICES];
	struct server_state served[SESSION_DEVICES];
	char dir[PATH_MAX - 64], console[PATH_MAX];
	bool own_dir;
	pid_t pid;
	int pid_fd, signal_fd;
	u64 started_ns, ended_ns;
	char reason[SESSION_REASON_BYTES];
	struct sched sched;
	bool scheduled;
	char sched_text[SCHED_TEXT_BYTES];
	bool trace_broken;
	struct fault_log fault_log;
	struct tracer_ring *fault_ring;
	u64 real_faults;
};

/** session_sockets() - names of the sockets in @dir, in the order of @device. */
const char *const *session_sockets(const struct run_options *o);

/** session_open() - make everything up to QEMU. Return: 0; negative errno with @error; session_close() is to be called either way. */
int session_open(struct session *s, const struct run_options *o, char *error, size_t error_bytes);

/**
 * session_run() - start QEMU (or serve), watch, and return when it is over.
 * @tick: called four times a second with @s, for a status line; may be NULL
 * Return: 0 the guest ended well; 1 it did not; @reason says why. QEMU has ended and nobody is served any more.
 */
int session_run(struct session *s, void (*tick)(struct session *s));

/** session_check() - can this run work at all? Return: 0; negative errno with one line in @error. */
int session_check(const struct session *s, char *error, size_t error_bytes);

/** session_watch_faults() - from now on; does nothing for a simulated device. Return: 0 or -ENOMEM. */
int session_watch_faults(struct session *s);

/** session_faults() - record what the machine's IOMMU refused since the last call. */
void session_faults(struct session *s);

/** session_close() - end QEMU if it runs, stop the servers, finish the trace. @error: TRACE_ERROR_BYTES. Return: 0; negative errno of the trace. */
int session_close(struct session *s, char *error);


#endif
