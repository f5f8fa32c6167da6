/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The middle of a session: watch QEMU, signals and time until it is over, and say why. */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/session.h"

#define TICK_MS 250
#define QUIT_MS 5000 /* QEMU may take this long to end by itself */

enum ending { RUNNING, INTERRUPTED, TIMED_OUT };

__attribute__((format(printf, 2, 3))) static int because(struct session *s, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(s->reason, sizeof(s->reason), format, list);
	va_end(list);
	return 1;
}

/* what QEMU's exit means; Return: 0 good, 1 not */
static int judge(struct session *s, int status, enum ending ending)
{
	int code = WEXITSTATUS(status);

	if (ending == TIMED_OUT)
		return because(s, "the guest did not end within %u s", s->o->timeout_s);
	if (ending == INTERRUPTED) {
		because(s, "interrupted");
		return 0;
	}
	if (WIFSIGNALED(status))
		return because(s, "QEMU was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	/* isa-debug-exit ends QEMU with 2 * value + 1; our guest writes 1 or more when it failed */
	if (s->qemu.builtin && code >= 3 && (code & 1))
		return because(s, "the guest reported failure %d", code >> 1);
	if (code)
		return because(s, "QEMU ended with status %d; what it said stands above", code);
	if (s->qmp.panicked)
		return because(s, "the guest's kernel panicked");
	if (s->qemu.builtin && !strcmp(s->qmp.reason, "guest-reset"))
		return because(s, "the guest reset itself, as a kernel does after a panic");
	because(s, "the guest ended%s%s", s->qmp.reason[0] ? ": " : "", s->qmp.reason);
	return 0;
}

static void check_trace(struct session *s)
{
	struct tracer_status status;

	if (!s->tracer || s->trace_broken)
		return;
	tracer_status(s->tracer, &status);
	if (!status.error)
		return;
	s->trace_broken = true;
	fprintf(stderr, "\negpu-run: %s can no longer be written (%s): what happens from here on is counted as lost\n", s->o->trace,
		strerror(-status.error));
}

static bool signal_came(struct session *s)
{
	struct signalfd_siginfo info;

	return read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

/* first ask, then insist; what ends takes its turn like the rest */
static void end_qemu(struct session *s, bool insist)
{
	sched_undo(&s->sched);
	if (insist)
		kill(s->pid, SIGKILL);
	else if (qmp_quit(&s->qmp))
		kill(s->pid, SIGTERM);
}

/* as soon as QEMU has said which threads run the vCPUs, which may be more than --cpus */
static void schedule(struct session *s)
{
	struct sched_machine machine;
	struct sched_spec spec;
	char error[SESSION_REASON_BYTES] = "";
	int err;

	if (s->scheduled || !s->qmp.threads_n)
		return;
	s->scheduled = true;
	sched_machine(&machine);
	err = sched_resolve(&s->o->sched, &machine, s->qmp.threads_n, &spec, error, sizeof(error));
	if (!err && (spec.how != SCHED_HOW_OFF || spec.cores_given))
		err = sched_apply(&s->sched, &spec, s->qmp.threads, s->qmp.threads_n, error, sizeof(error));
	if (err && s->o->sched.given)
		fprintf(stderr, "%segpu-run: %s; the run goes on without\n", isatty(2) ? "\n" : "", error);
	sched_format(&s->sched.done, s->sched_text);
	if (s->tracer && s->sched.n)
		tracer_meta(s->tracer, TRACE_META_SCHED, s->sched_text);
}

static void watch_qmp(struct session *s)
{
	char path[PATH_MAX];

	if (s->qmp.fd >= 0)
		return;
	snprintf(path, sizeof(path), "%s/qmp.sock", s->dir);
	qmp_connect(&s->qmp, path);
}

static int run_qemu(struct session *s, void (*tick)(struct session *))
{
	enum ending ending = RUNNING;
	u64 asked_ns = 0;
	int status;

	s->pid = qemu_start(s->o, &s->qemu, s->dir, session_sockets(s->o), s->console[0] ? s->console : NULL);
	if (s->pid < 0)
		return because(s, "cannot start QEMU: %s", strerror((int)-s->pid));
	s->pid_fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	while (!waitid(P_PID, (id_t)s->pid, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT)) {
		struct pollfd p[3] = { { s->pid_fd, POLLIN, 0 }, { s->signal_fd, POLLIN, 0 }, { s->qmp.fd, POLLIN, 0 } };
		u64 now;

		poll(p, 3, TICK_MS);
		if (p[0].revents)
			break;
		now = tracer_now_ns();
		if (p[1].revents && signal_came(s)) {
			end_qemu(s, ending != RUNNING);
			ending = ending == RUNNING ? INTERRUPTED : ending;
			asked_ns = asked_ns ? asked_ns : now;
		}
		if (ending == RUNNING && s->o->timeout_s && now - s->started_ns > s->o->timeout_s * 1000000000ULL) {
			end_qemu(s, false);
			ending = TIMED_OUT;
			asked_ns = now;
		}
		if (asked_ns && now - asked_ns > QUIT_MS * 1000000ULL)
			end_qemu(s, true);
		if (p[2].revents && qmp_read(&s->qmp))
			qmp_close(&s->qmp);
		else
			watch_qmp(s);
		if (ending == RUNNING)
			schedule(s);
		check_trace(s);
		session_faults(s);
		if (tick)
			tick(s);
	}
	waitpid(s->pid, &status, 0);
	s->pid = 0;
	/* why it ended may still lie in the socket */
	while (s->qmp.fd >= 0 && !qmp_read(&s->qmp) && poll(&(struct pollfd){ s->qmp.fd, POLLIN, 0 }, 1, 0) > 0)
		;
	return judge(s, status, ending);
}

/* Return: true when every client that came has left */
static bool all_left(struct session *s)
{
	struct server_state state;
	bool any = false;

	for (u32 i = 0; i < s->devices; i++) {
		server_state(s->server[i], &state);
		if (state.connected)
			return false;
		any |= state.connections > 0;
	}
	return any;
}

static int run_serve(struct session *s, void (*tick)(struct session *))
{
	u64 end_ns = s->o->timeout_s ? s->started_ns + s->o->timeout_s * 1000000000ULL : ~0ULL;

	for (;;) {
		struct pollfd p = { s->signal_fd, POLLIN, 0 };

		poll(&p, 1, TICK_MS);
		if (p.revents && signal_came(s)) {
			because(s, "interrupted");
			return 0;
		}
		if (s->o->once && all_left(s)) {
			because(s, "the client left");
			return 0;
		}
		if (tracer_now_ns() > end_ns)
			return because(s, "no end within %u s", s->o->timeout_s);
		check_trace(s);
		session_faults(s);
		if (tick)
			tick(s);
	}
}

int session_run(struct session *s, void (*tick)(struct session *s))
{
	int result;

	s->started_ns = tracer_now_ns();
	result = s->o->serve_dir ? run_serve(s, tick) : run_qemu(s, tick);
	session_faults(s);
	s->ended_ns = tracer_now_ns();
	for (int i = 0; i < SESSION_DEVICES; i++) {
		server_stop(s->server[i], &s->served[i]);
		s->server[i] = NULL;
	}
	return result;
}
