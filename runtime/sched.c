/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define AUTO_CORES_MIN 4
#define AUTO_CORES_LEFT 2

static const char *const names[] = {
	[SCHED_HOW_OFF] = "off", [SCHED_HOW_AUTO] = "auto", [SCHED_HOW_RR] = "rr", [SCHED_HOW_FIFO] = "fifo", [SCHED_HOW_NICE] = "nice",
};

static bool real_time(const struct sched_spec *spec)
{
	return spec->how == SCHED_HOW_RR || spec->how == SCHED_HOW_FIFO;
}

/* ---- text ---- */

/* a whole number in @min..@max that ends at @end; Return: the next character, or NULL */
static const char *number(const char *text, long min, long max, long *out)
{
	char *end;

	if (*text != '-' && (*text < '0' || *text > '9'))
		return NULL;
	errno = 0;
	*out = strtol(text, &end, 10);
	return errno || end == text || *out < min || *out > max ? NULL : end;
}

int sched_parse(const char *text, struct sched_spec *spec)
{
	size_t n = strcspn(text, ":");
	const char *colon = text[n] ? text + n + 1 : NULL, *end;
	long level = SCHED_PRIORITY_DEFAULT;
	int how;

	for (how = SCHED_HOW_OFF; how <= SCHED_HOW_NICE; how++)
		if (strlen(names[how]) == n && !strncmp(names[how], text, n))
			break;
	if (how > SCHED_HOW_NICE || (how <= SCHED_HOW_AUTO && colon) || (how == SCHED_HOW_NICE && !colon))
		return -EINVAL;
	if (colon) {
		end = how == SCHED_HOW_NICE ? number(colon, -20, 19, &level) : number(colon, 1, 99, &level);
		if (!end || *end)
			return -EINVAL;
	}
	spec->how = (enum sched_how)how;
	spec->level = how <= SCHED_HOW_AUTO ? 0 : (int)level;
	spec->given = true;
	return 0;
}

int sched_parse_cores(const char *text, struct sched_spec *spec)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	for (;; text++) {
		long first, last;

		text = number(text, 0, CPU_SETSIZE - 1, &first);
		if (!text)
			return -EINVAL;
		last = first;
		if (*text == '-')
			text = number(text + 1, first, CPU_SETSIZE - 1, &last);
		if (!text || (*text && *text != ','))
			return -EINVAL;
		for (long i = first; i <= last; i++)
			CPU_SET((size_t)i, &cores);
		if (!*text)
			break;
	}
	spec->cores = cores;
	spec->cores_given = spec->given = true;
	return 0;
}

/* "0,2-5" */
static void format_cores(const cpu_set_t *cores, char *text, size_t n)
{
	size_t used = 0;

	text[0] = 0;
	for (size_t i = 0, last; i < CPU_SETSIZE && used < n; i = last + 1) {
		last = i;
		if (!CPU_ISSET(i, cores))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, cores))
			last++;
		used += (size_t)snprintf(text + used, n - used, last > i ? "%s%zu-%zu" : "%s%zu", used ? "," : "", i, last);
	}
}

void sched_format(const struct sched_spec *spec, char *text)
{
	int used = snprintf(text, SCHED_TEXT_BYTES, spec->how > SCHED_HOW_AUTO ? "%s:%d" : "%s", names[spec->how], spec->level);

	if (!spec->cores_given)
		return;
	used += snprintf(text + used, SCHED_TEXT_BYTES - (size_t)used, " cores=");
	format_cores(&spec->cores, text + used, SCHED_TEXT_BYTES - (size_t)used);
}

/* ---- what is wise ---- */

void sched_machine(struct sched_machine *m)
{
	FILE *f = fopen("/proc/sys/kernel/sched_rt_runtime_us", "re");
	long runtime_us = 0;

	m->throttled = f && fscanf(f, "%ld", &runtime_us) == 1 && runtime_us >= 0;
	if (f)
		fclose(f);
	CPU_ZERO(&m->cores);
	if (sched_getaffinity(0, sizeof(m->cores), &m->cores))
		CPU_ZERO(&m->cores);
}

static int check_cores(const struct sched_spec *want, const struct sched_machine *m, char *error, size_t n)
{
	char named[SCHED_TEXT_BYTES], there[SCHED_TEXT_BYTES];
	cpu_set_t both;

	CPU_AND(&both, &want->cores, &m->cores);
	if (!want->cores_given || CPU_EQUAL(&both, &want->cores))
		return 0;
	format_cores(&want->cores, named, sizeof(named));
	format_cores(&m->cores, there, sizeof(there));
	snprintf(error, n, "--cores %s: egpu-run may use %s here; name some of these", named, there);
	return -EINVAL;
}

int sched_resolve(const struct sched_spec *want, const struct sched_machine *m, u32 threads, struct sched_spec *out, char *error, size_t n)
{
	u32 there = (u32)CPU_COUNT(&m->cores), named = want->cores_given ? (u32)CPU_COUNT(&want->cores) : there;
	u32 taken = threads < named ? threads : named;
	int err = check_cores(want, m, error, n);

	if (err)
		return err;
	*out = *want;
	if (want->how == SCHED_HOW_AUTO) {
		bool wise = m->throttled && there >= AUTO_CORES_MIN && taken + AUTO_CORES_LEFT <= there;

		out->how = wise ? SCHED_HOW_RR : SCHED_HOW_OFF;
		out->level = wise ? SCHED_PRIORITY_DEFAULT : 0;
	}
	if (!real_time(out) || taken < there)
		return 0;
	if (!want->cores_given)
		snprintf(error, n,
			 "--sched %s: %u vCPUs in a real-time class would leave none of %u cores to egpu-run and the host: take fewer --cpus, or nice, or name --cores",
			 names[out->how], threads, there);
	else if (!m->throttled)
		snprintf(error, n, "--sched %s on all cores would stop this machine, where kernel.sched_rt_runtime_us is -1: leave a core out of --cores",
			 names[out->how]);
	else
		return 0;
	return -EBUSY;
}

/* ---- doing and undoing ---- */

static void explain(const struct sched_spec *spec, int err, char *error, size_t n)
{
	struct rlimit limit = { 0 };
	char text[SCHED_TEXT_BYTES];

	sched_format(spec, text);
	getrlimit(spec->how == SCHED_HOW_NICE ? RLIMIT_NICE : RLIMIT_RTPRIO, &limit);
	if (err != -EPERM && err != -EACCES)
		snprintf(error, n, "QEMU's vCPU threads cannot get %s: %s", text, strerror(-err));
	else if (spec->how == SCHED_HOW_NICE)
		snprintf(error, n,
			 "no right to give QEMU's vCPU threads %s: that takes CAP_SYS_NICE, or RLIMIT_NICE of %d (now %llu; \"nice\" in limits.conf(5))",
			 text, 20 - spec->level, (unsigned long long)limit.rlim_cur);
	else
		snprintf(error, n,
			 "no right to give QEMU's vCPU threads %s: that takes CAP_SYS_NICE, or RLIMIT_RTPRIO of %d (now %llu; \"rtprio\" in limits.conf(5))",
			 text, spec->level, (unsigned long long)limit.rlim_cur);
}

/* when a thread began: field 22 of proc_pid_stat(5), the 20th after the name; 0 if it has ended */
static u64 started_at(pid_t tid)
{
	char path[64], text[1024];
	u64 started = 0;
	char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (at)
		started = strtoull(at, NULL, 10);
	return started;
}

/* Return: 0; -ESRCH it has ended */
static int remember(struct sched_thread *t, pid_t tid)
{
	t->tid = tid;
	t->started = started_at(tid);
	t->policy = sched_getscheduler(tid);
	errno = 0;
	t->nice = getpriority(PRIO_PROCESS, (id_t)tid);
	if (t->policy < 0 || errno || sched_getparam(tid, &t->param) || sched_getaffinity(tid, sizeof(t->cores), &t->cores))
		return -errno;
	return 0;
}

static int set_class(const struct sched_spec *spec, pid_t tid)
{
	struct sched_param param = { .sched_priority = spec->level };
	int rc = 0;

	if (real_time(spec))
		rc = sched_setscheduler(tid, spec->how == SCHED_HOW_RR ? SCHED_RR : SCHED_FIFO, &param);
	else if (spec->how == SCHED_HOW_NICE)
		rc = setpriority(PRIO_PROCESS, (id_t)tid, spec->level);
	return rc ? -errno : 0;
}

static void restore_class(const struct sched_thread *t)
{
	sched_setscheduler(t->tid, t->policy, &t->param);
	setpriority(PRIO_PROCESS, (id_t)t->tid, t->nice);
}

/* the cores of thread number @i of @n */
static void set_cores(const struct sched_spec *spec, pid_t tid, u32 i, u32 n)
{
	cpu_set_t cores = spec->cores;

	if ((u32)CPU_COUNT(&cores) == n) {
		size_t core = 0;

		for (u32 skip = i; !CPU_ISSET(core, &spec->cores) || skip--; core++)
			;
		CPU_ZERO(&cores);
		CPU_SET(core, &cores);
	}
	sched_setaffinity(tid, sizeof(cores), &cores);
}

int sched_apply(struct sched *s, const struct sched_spec *spec, const pid_t *tid, u32 n, char *error, size_t error_bytes)
{
	int err = 0;

	sched_undo(s);
	s->threads = calloc(n ? n : 1, sizeof(*s->threads));
	if (!s->threads)
		return -ENOMEM;
	s->done = *spec;
	for (u32 i = 0; i < n; i++) {
		if (remember(&s->threads[s->n], tid[i]))
			continue;
		s->n++;
		if (spec->cores_given)
			set_cores(spec, tid[i], i, n);
	}
	for (u32 i = 0; i < s->n && (!err || err == -ESRCH); i++)
		err = set_class(spec, s->threads[i].tid);
	if (!err || err == -ESRCH)
		return 0;
	for (u32 i = 0; i < s->n; i++)
		restore_class(&s->threads[i]);
	explain(spec, err, error, error_bytes);
	s->done.how = SCHED_HOW_OFF;
	return err;
}

void sched_undo(struct sched *s)
{
	for (u32 i = 0; i < s->n; i++) {
		const struct sched_thread *t = &s->threads[i];
		if (!t->started || started_at(t->tid) != t->started)
			continue;
		restore_class(t);
		sched_setaffinity(t->tid, sizeof(t->cores), &t->cores);
	}
	free(s->threads);
	*s = (struct sched){ 0 };
}
