/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/device/companion.h"
#include "runtime/device/sim_gpu.h"
#include "runtime/device/vfio.h"

static const char *way_name(const struct run_options *o)
{
	if (o->dma == MAPPER_VIOMMU)
		return o->viommu == RUN_VIOMMU_VIRTIO ? "viommu:virtio" : "viommu:intel";
	return o->dma == MAPPER_PREMAP ? "premap" : "companion";
}

static int open_trace(struct session *s, char *error)
{
	const struct run_options *o = s->o;
	struct tracer_options options = {
		.path = o->trace, .overwrite = o->force, .ring_events = o->ring_events, .flush_ms = o->flush_ms, .tick_ns = o->tick_ns, .drop = o->drop,
	};
	char text[PATH_MAX + 128];
	int err = tracer_open(&options, &s->tracer, error);

	if (err)
		return err;
	tracer_meta(s->tracer, TRACE_META_PROVENANCE, o->workload ? "modelled" : "recorded");
	snprintf(text, sizeof(text), "%s", o->workload ? o->workload : "");
	if (o->workload)
		tracer_meta(s->tracer, TRACE_META_WORKLOAD, basename(text));
	tracer_meta(s->tracer, TRACE_META_ORIGIN,
		    o->workload ? "workload model, played in a real guest on the simulated GPU" :
		    o->vfio ? "a guest on a real device, passed through with VFIO" : "a guest on the simulated GPU");
	if (s->qemu.version[0])
		tracer_meta(s->tracer, TRACE_META_QEMU, s->qemu.version);
	/* with a companion, the guest's module says what it does */
	if (o->dma != MAPPER_COMPANION)
		tracer_meta(s->tracer, TRACE_META_POLICY, "each");
	tracer_meta(s->tracer, TRACE_META_DMA, way_name(o));
	if (s->iommu) {
		snprintf(text, sizeof(text), "%s, %llu mappings left at the start", s->iommu->name, (unsigned long long)s->iommu->avail);
		tracer_meta(s->tracer, TRACE_META_IOMMU, text);
	}
	dart_format(&s->limits, text, sizeof(text));
	return tracer_meta(s->tracer, TRACE_META_LIMITS, text);
}

/* what would take the whole machine is refused before anything starts; QEMU's own -smp may still change the count */
static int check_sched(const struct run_options *o, char *error, size_t n)
{
	struct sched_machine machine;
	struct sched_spec spec;

	if (o->serve_dir)
		return 0;
	sched_machine(&machine);
	return sched_resolve(&o->sched, &machine, o->cpus, &spec, error, n);
}

static u16 register_device(struct session *s, const char *name, u16 vendor, u16 device)
{
	char identity[32];

	snprintf(identity, sizeof(identity), "%04x:%04x", vendor, device);
	return s->tracer ? tracer_device(s->tracer, name, identity) : 0;
}

static int attach_trace(struct session *s, struct device *d, u16 trace_id)
{
	if (!d)
		return -ENOMEM;
	if (!s->tracer)
		return 0;
	d->tracer = s->tracer;
	d->trace_id = trace_id;
	d->ring = tracer_ring(s->tracer);
	return d->ring ? 0 : -ENOMEM;
}

/* what the device reaches without a companion, it reaches because the client announced it */
static int make_mapper(struct session *s, u16 trace_id)
{
	const struct run_options *o = s->o;
	const struct mapper_options options = {
		.limits = &s->limits, .way = o->dma, .real = s->iommu, .device = trace_id, .low_ram_bytes = o->serve_dir ? 0 : qemu_low_ram_bytes(o),
	};

	s->mapper = mapper_new(&options);
	return s->mapper ? 0 : -ENOMEM;
}

static int make_devices(struct session *s, char *error, size_t n)
{
	const struct vfio_identity *real = s->o->vfio ? vfio_identity(s->device[0]) : NULL;
	u16 vendor = real ? real->vendor : SIM_GPU_VENDOR_ID, device = real ? real->device : SIM_GPU_DEVICE_ID;
	u16 id = register_device(s, real ? real->bdf : "sim-gpu", vendor, device), companion_id;
	int err = make_mapper(s, id);

	if (err)
		return err;
	if (!real)
		s->device[0] = sim_gpu_new(s->mapper);
	err = attach_trace(s, s->device[0], id);
	if (err)
		return err;
	s->devices = 1;
	err = areas_trap(s->device[0], &s->o->traps, (u64)sysconf(_SC_PAGESIZE));
	if (err) {
		snprintf(error, n, err == -E2BIG ? "--trace-bars cuts the BARs into more than %u pieces; name fewer ranges" :
			 "--trace-bars names a BAR or a range that the device does not have", DEVICE_AREAS_MAX);
		return err;
	}
	if (s->o->dma != MAPPER_COMPANION) {
		s->device[0]->dma = s->mapper;
		return 0;
	}
	companion_id = register_device(s, "companion", COMPANION_VENDOR_ID, COMPANION_DEVICE_ID);
	s->device[1] = companion_new(s->mapper, vendor | (u32)device << 16, id);
	err = attach_trace(s, s->device[1], companion_id);
	s->devices = 2;
	return err;
}

/* a real device that was given no limits meets those of the machine */
static int open_device(struct session *s, char *error)
{
	const struct run_options *o = s->o;
	int err;

	s->limits = o->dart;
	if (!o->vfio)
		return 0;
	err = vfio_device_open(o->vfio, &s->device[0], &s->iommu, error);
	if (err || o->dart.name)
		return err;
	s->limits = *dart_model(s->iommu->avail ? "vfio-type1" : "unlimited");
	s->limits.granule_log2 = (u32)__builtin_ctzll(s->iommu->page_bytes);
	if (s->iommu->avail)
		s->limits.max_mappings = s->iommu->avail;
	return 0;
}

static int make_dir(struct session *s, char *error, size_t n)
{
	const char *tmp = getenv("TMPDIR");

	if (s->o->serve_dir) {
		snprintf(s->dir, sizeof(s->dir), "%s", s->o->serve_dir);
		if (!mkdir(s->dir, 0700) || errno == EEXIST)
			return 0;
	} else {
		snprintf(s->dir, sizeof(s->dir), "%s/egpu-XXXXXX", tmp && strlen(tmp) < 64 ? tmp : "/tmp");
		s->own_dir = mkdtemp(s->dir);
		if (s->own_dir)
			return 0;
	}
	snprintf(error, n, "cannot make the directory %s for the sockets: %s", s->dir, strerror(errno));
	return -EACCES;
}

const char *const *session_sockets(const struct run_options *o)
{
	static const char *const both[] = { "gpu.sock", "companion.sock", NULL }, *const one[] = { "gpu.sock", NULL };

	return o->dma == MAPPER_COMPANION ? both : one;
}

static int start_servers(struct session *s, char *error)
{
	for (u32 i = 0; i < s->devices; i++) {
		char path[PATH_MAX];
		int err;

		snprintf(path, sizeof(path), "%s/%s", s->dir, session_sockets(s->o)[i]);
		err = server_start(path, s->device[i], &s->server[i], error);
		if (err)
			return err;
	}
	return 0;
}

static int catch_signals(struct session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	return s->signal_fd < 0 ? -errno : guest_memory_protect();
}

int session_open(struct session *s, const struct run_options *o, char *error, size_t n)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->o = o;
	s->pid_fd = s->signal_fd = s->fault_log.fd = -1;
	qmp_init(&s->qmp);
	error[0] = 0;
	/* threads inherit the signal mask: block before any starts */
	err = catch_signals(s);
	snprintf(s->sched_text, sizeof(s->sched_text), "off");
	if (!err)
		err = check_sched(o, error, n);
	if (!err && !o->serve_dir)
		err = qemu_find(o, &s->qemu, error, n);
	if (!err)
		err = open_device(s, error);
	if (!err)
		err = session_check(s, error, n);
	if (!err)
		err = make_dir(s, error, n);
	if (!err && o->trace)
		err = open_trace(s, error);
	if (!err)
		err = make_devices(s, error, n);
	if (!err)
		err = session_watch_faults(s);
	if (!err)
		err = start_servers(s, error);
	if (err && !error[0])
		snprintf(error, n, "cannot start: %s", strerror(-err));
	if (!o->serve_dir && o->console && strcmp(o->console, "-"))
		snprintf(s->console, sizeof(s->console), "%s", o->console);
	else if (!o->serve_dir && !o->console)
		snprintf(s->console, sizeof(s->console), "%s/console.log", s->dir);
	s->started_ns = tracer_now_ns();
	return err;
}

int session_close(struct session *s, char *error)
{
	int err;

	sched_undo(&s->sched);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	for (int i = 0; i < SESSION_DEVICES; i++)
		server_stop(s->server[i], NULL);
	for (int i = 0; i < SESSION_DEVICES; i++)
		if (s->device[i])
			s->device[i]->ops->free(s->device[i]);
	fault_log_close(&s->fault_log);
	mapper_free(s->mapper);
	if (s->iommu)
		s->iommu->ops->free(s->iommu);
	error[0] = 0;
	err = tracer_close(s->tracer, error);
	qmp_close(&s->qmp);
	if (s->own_dir) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/console.log", s->dir);
		unlink(path);
		snprintf(path, sizeof(path), "%s/qmp.sock", s->dir);
		unlink(path);
		rmdir(s->dir);
	}
	if (s->pid_fd >= 0)
		close(s->pid_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	return err;
}
