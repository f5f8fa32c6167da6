/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/qemu.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 512
#define QEMU_NAME "qemu-system-x86_64"

/* the directory egpu-run lies in: in a checkout the guest and a private QEMU lie beside it */
static int own_dir(char *dir, size_t n)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len < 0)
		return -errno;
	path[len] = 0;
	return (size_t)snprintf(dir, n, "%s", dirname(path)) < n ? 0 : -ENAMETOOLONG;
}

/* first @n bytes that a program prints; Return: bytes, or negative errno */
static ssize_t output_of(char *const argv[], char *out, size_t n)
{
	size_t got = 0;
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fd[1], 1);
		dup2(pipe_fd[1], 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(pipe_fd[1]);
	if (pid > 0) {
		ssize_t r;

		while ((r = read(pipe_fd[0], out + got, n - 1 - got)) > 0)
			got += (size_t)r;
		while (r > 0 || read(pipe_fd[0], &(char){ 0 }, 1) > 0)
			;
		waitpid(pid, NULL, 0);
	}
	close(pipe_fd[0]);
	out[got] = 0;
	return pid < 0 ? -EAGAIN : (ssize_t)got;
}

static int find_program(const struct run_options *o, struct qemu *q, char *error, size_t n)
{
	char dir[PATH_MAX], *text;
	int err = 0;

	snprintf(q->program, sizeof(q->program), "%s", o->qemu ? o->qemu : QEMU_NAME);
	if (!o->qemu && !own_dir(dir, sizeof(dir))) {
		char beside[PATH_MAX + sizeof(QEMU_NAME) + 1];

		snprintf(beside, sizeof(beside), "%s/" QEMU_NAME, dir);
		if (!access(beside, X_OK) && strlen(beside) < sizeof(q->program))
			strcpy(q->program, beside);
	}
	text = malloc(1 << 20);
	if (!text)
		return -ENOMEM;
	if (output_of((char *[]){ q->program, "--version", NULL }, text, 1 << 20) <= 0 || !strstr(text, "QEMU")) {
		snprintf(error, n, "cannot run %s; install QEMU >= 10.1 or name it with --qemu", q->program);
		err = -ENOENT;
	} else {
		snprintf(q->version, sizeof(q->version), "%.*s", (int)strcspn(text, "\n"), text);
		output_of((char *[]){ q->program, "-device", "help", NULL }, text, 1 << 20);
		if (!strstr(text, "vfio-user-pci")) {
			snprintf(error, n, "%s (%s) has no vfio-user-pci; QEMU >= 10.1 is needed, name one with --qemu", q->program, q->version);
			err = -ENOTSUP;
		}
	}
	free(text);
	return err;
}

static bool guest_in(struct qemu *q, const char *dir, const char *below)
{
	snprintf(q->kernel, sizeof(q->kernel), "%s%s/vmlinuz", dir, below);
	snprintf(q->initrd, sizeof(q->initrd), "%s%s/initrd.img", dir, below);
	return !access(q->kernel, R_OK) && !access(q->initrd, R_OK);
}

/* the built-in guest: where the user says, beside egpu-run in a checkout, or where make install put it */
static int find_guest(const struct run_options *o, struct qemu *q, char *error, size_t n)
{
	char dir[PATH_MAX - 32] = "";

	own_dir(dir, sizeof(dir));
	if (o->guest ? guest_in(q, o->guest, "") : guest_in(q, dir, "/guest") || guest_in(q, dir, "/../share/egpu/guest"))
		return 0;
	if (o->guest)
		snprintf(error, n, "no vmlinuz and initrd.img in %s; \"make guest\" makes them", o->guest);
	else
		snprintf(error, n, "the built-in guest is not there (looked in %s/guest and %s/../share/egpu/guest); run \"make guest\", or give --kernel or --disk",
			 dir, dir);
	return -ENOENT;
}

/* a /dev/kvm without VMX or SVM is a paravirtual one that hangs stock kernels: see README */
static bool cpu_has_virtualisation(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (f && !found && getline(&line, &room, f) > 0)
		found = !strncmp(line, "flags", 5) && (strstr(line, " vmx") || strstr(line, " svm"));
	free(line);
	if (f)
		fclose(f);
	return found;
}

int qemu_find(const struct run_options *o, struct qemu *q, char *error, size_t n)
{
	int err = find_program(o, q, error, n);

	if (err)
		return err;
	q->kvm = o->accel == RUN_ACCEL_KVM || (o->accel == RUN_ACCEL_AUTO && cpu_has_virtualisation() && !access("/dev/kvm", R_OK | W_OK));
	q->kernel[0] = q->initrd[0] = 0;
	q->builtin = !o->kernel && !o->disk;
	if (q->builtin)
		return find_guest(o, q, error, n);
	snprintf(q->kernel, sizeof(q->kernel), "%s", o->kernel ? o->kernel : "");
	snprintf(q->initrd, sizeof(q->initrd), "%s", o->initrd ? o->initrd : "");
	return 0;
}

void qemu_device_json(char *text, size_t n, const char *dir, const char *socket_name)
{
	snprintf(text, n, "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s/%s\"}}", dir, socket_name);
}

struct args {
	char *argv[ARGS_MAX];
	int n;
	bool full;
};

__attribute__((format(printf, 2, 3))) static void add(struct args *a, const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	if (a->n == ARGS_MAX - 1 || vasprintf(&text, format, list) < 0)
		a->full = true;
	else
		a->argv[a->n++] = text;
	va_end(list);
}

static void add_pair(struct args *a, const char *option, const char *value)
{
	add(a, "%s", option);
	add(a, "%s", value);
}

/* "key=value" where the value is a path: QEMU wants its commas doubled */
static void add_path(struct args *a, const char *before, const char *path, const char *after)
{
	char doubled[2 * PATH_MAX];
	size_t n = 0;

	for (; *path && n < sizeof(doubled) - 2; path++) {
		doubled[n++] = *path;
		if (*path == ',')
			doubled[n++] = ',';
	}
	doubled[n] = 0;
	add(a, "%s%s%s", before, doubled, after);
}

static void add_guest(struct args *a, const struct run_options *o, const struct qemu *q)
{
	if (q->kernel[0]) {
		add_pair(a, "-kernel", q->kernel);
		if (q->initrd[0])
			add_pair(a, "-initrd", q->initrd);
		add(a, "-append");
		if (q->builtin)
			add(a, "console=ttyS0 quiet panic=-1%s egpu.policy=%s egpu.align=%s%s%s", o->dma == MAPPER_VIOMMU ? " intel_iommu=on" : "",
			    o->policy, o->align, o->append ? " " : "", o->append ? o->append : "");
		else
			add(a, "%s", o->append ? o->append : "");
	}
	if (q->builtin) {
		add(a, "-no-reboot");
		add_pair(a, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04");
	}
	if (o->workload) {
		add(a, "-fw_cfg");
		add_path(a, "name=opt/egpu/workload,file=", o->workload, "");
	}
	if (o->disk) {
		add(a, "-drive");
		add_path(a, "file=", o->disk, ",if=virtio");
	}
}

/* QEMU wants the IOMMU before what lies behind it */
static void add_viommu(struct args *a, const struct run_options *o)
{
	if (o->dma != MAPPER_VIOMMU)
		return;
	add_pair(a, "-device", o->viommu == RUN_VIOMMU_VIRTIO ? "virtio-iommu-pci" : "intel-iommu,caching-mode=on");
}

static void build(struct args *a, const struct run_options *o, const struct qemu *q, const char *dir, const char *const *sockets, const char *console)
{
	char device[PATH_MAX + 128];

	add(a, "%s", q->program);
	add_pair(a, "-name", "egpu");
	add_pair(a, "-machine", "q35,memory-backend=ram");
	add(a, "-object");
	add(a, "memory-backend-memfd,id=ram,size=%uM,share=on", o->memory_mib);
	add(a, "-m");
	add(a, "%uM", o->memory_mib);
	add(a, "-smp");
	add(a, "%u", o->cpus);
	add_pair(a, "-accel", q->kvm ? "kvm" : "tcg");
	if (q->kvm)
		add_pair(a, "-cpu", "host");
	add(a, "-nodefaults");
	add_pair(a, "-display", "none");
	add(a, "-qmp");
	add(a, "unix:%s/qmp.sock,server=on,wait=off", dir);
	add(a, "-serial");
	if (console)
		add(a, "file:%s", console);
	else
		add(a, "stdio");
	add_viommu(a, o);
	for (int i = 0; sockets[i]; i++) {
		qemu_device_json(device, sizeof(device), dir, sockets[i]);
		add_pair(a, "-device", device);
	}
	add_guest(a, o, q);
	for (char **extra = o->qemu_args; *extra; extra++)
		add(a, "%s", *extra);
}

/* QEMU's q35: from 2.75 GiB on only 2 GiB lie below the PCI hole */
u64 qemu_low_ram_bytes(const struct run_options *o)
{
	u64 bytes = (u64)o->memory_mib << 20;

	return bytes >= 0xb0000000u ? 0x80000000u : 0;
}

pid_t qemu_start(const struct run_options *o, const struct qemu *q, const char *dir, const char *const *sockets, const char *console)
{
	struct args a = { .n = 0 };
	sigset_t none;
	pid_t pid = -E2BIG;

	build(&a, o, q, dir, sockets, console);
	if (a.full)
		goto out;
	pid = fork();
	if (pid == 0) {
		/* it must not outlive us, and a Ctrl-C is ours to handle unless it shares the terminal */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (console)
			setpgid(0, 0);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(a.argv[0], a.argv);
		fprintf(stderr, "egpu-run: cannot run %s: %s\n", a.argv[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		pid = -errno;
out:
	for (int i = 0; i < a.n; i++)
		free(a.argv[i]);
	return pid;
}
