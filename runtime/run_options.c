/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/run_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/workload_memory.h"

#define MEMORY_DEFAULT_MIB 1536
#define TICK_DEFAULT_NS 32 /* an Apple CPU's clock ticks every 42 */

static const char help[] =
	"usage: egpu-run [OPTION]... [-- QEMU-ARGUMENT...]\n"
	"Pass a PCI device through to a guest under stock QEMU and record every BAR access, DMA request, mapping and interrupt.\n"
	"\n"
	"Trace:\n"
	"  --trace FILE        record into FILE (.egt); without it nothing is recorded\n"
	"  --force             replace FILE if it is an egpu trace\n"
	"  --on-full wait|drop what a full event ring does: make the device wait (default), or drop and count\n"
	"  --ring N            events each ring holds, a power of two (default 65536)\n"
	"  --flush MS          an event is on disk after at most this long (default 1000)\n"
	"  --tick NS           times are told to so many ns, a power of two (default 32; an Apple CPU's clock ticks every 42); 1: all digits\n"
	"\n"
	"Device and IOMMU:\n"
	"  --device sim|vfio:ADDRESS  the embedded simulated GPU (default), or a real PCI function bound to vfio-pci, e.g. vfio:0000:01:00.0\n"
	"  --dma companion     map what the guest's module asks, where the host picks (default for sim, and with a --dart that picks)\n"
	"        premap        map all guest RAM at the start, guest untouched (default for vfio)\n"
	"        viommu[:intel|:virtio]  map what a stock guest maps in QEMU's virtual IOMMU\n"
	"  --dart SPEC|none    limits to simulate: MODEL[:mappings=N,bytes=N,granule_log2=N,iova=host|guest]; default apple-tb4 for sim with a\n"
	"                      companion, else vfio-type1; none: a real device meets its own IOMMU's limits only (default for vfio)\n"
	"  --trace-bars all|none|LIST  BARs and ranges whose accesses are trapped and recorded, e.g. 0,2:0x1000-0x1fff; the rest is mapped into\n"
	"                      the guest (default all, or none without --trace)\n"
	"  --policy SPEC       coalescer the guest module runs (default window:log2=18; egpu-replay --list-policies),\n"
	"                      or @FILE as egpu-replay tune writes it\n"
	"  --align none|downgrade|rewrite|pad|retry  alignment shim of the guest module (default downgrade); rewrite also patches NVIDIA's\n"
	"                      driver, pad and retry ask the host for other addresses\n"
	"\n"
	"Guest:\n"
	"  --workload FILE     let the built-in guest play this workload (see workload(5))\n"
	"  --guest DIR         folder of the built-in guest to boot (vmlinuz, initrd.img), e.g. build/guest/6.12\n"
	"  --kernel FILE       boot this kernel instead of the built-in guest's\n"
	"  --initrd FILE       with this initial RAM disk\n"
	"  --disk FILE         boot from, or attach, this disk image\n"
	"  --append TEXT       more kernel command line\n"
	"  --memory MIB        guest RAM (default: what the workload is made for, else 1536)\n"
	"  --cpus N            (default 1)\n"
	"  --accel auto|kvm|tcg  auto takes KVM only where the CPU has VMX or SVM\n"
	"  --qemu PROGRAM      QEMU >= 10.1 with vfio-user-pci\n"
	"  --console FILE|-    guest's serial console to a file, or to this terminal\n"
	"  --timeout S         end the guest after S seconds\n"
	"  --sched auto|off|rr[:PRIORITY]|fifo[:PRIORITY]|nice:N  how the host schedules vCPU threads (auto: real time if two cores stay free)\n"
	"  --cores LIST        cores for vCPU threads, e.g. 2,3 or 2-5: one each if as many, else all for all\n"
	"\n"
	"  --serve DIR         start no QEMU: serve DIR/gpu.sock and DIR/companion.sock until interrupted\n"
	"  --once              with --serve: end when the first client has left\n"
	"  --json              print the summary as JSON\n"
	"  --quiet             no status line, no summary\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 the guest ended well; 1 it failed, or something else did; 2 misuse.\n"
	"Ctrl-C ends the guest and leaves a valid trace. See egpu-run(1).\n";

const char *run_options_help(void)
{
	return help;
}

enum {
	OPT_TRACE = 256, OPT_FORCE, OPT_ON_FULL, OPT_RING, OPT_FLUSH, OPT_TICK, OPT_DEVICE, OPT_DART, OPT_POLICY, OPT_ALIGN, OPT_WORKLOAD, OPT_GUEST, OPT_KERNEL,
	OPT_INITRD, OPT_DISK, OPT_APPEND, OPT_MEMORY, OPT_CPUS, OPT_ACCEL, OPT_QEMU, OPT_CONSOLE, OPT_TIMEOUT, OPT_SERVE, OPT_ONCE, OPT_JSON,
	OPT_QUIET, OPT_VERSION, OPT_DMA, OPT_TRACE_BARS, OPT_SCHED, OPT_CORES,
};

static const struct option options[] = {
	{ "trace", required_argument, NULL, OPT_TRACE }, { "force", no_argument, NULL, OPT_FORCE },
	{ "on-full", required_argument, NULL, OPT_ON_FULL }, { "ring", required_argument, NULL, OPT_RING },
	{ "flush", required_argument, NULL, OPT_FLUSH }, { "tick", required_argument, NULL, OPT_TICK }, { "device", required_argument, NULL, OPT_DEVICE },
	{ "dma", required_argument, NULL, OPT_DMA }, { "trace-bars", required_argument, NULL, OPT_TRACE_BARS },
	{ "dart", required_argument, NULL, OPT_DART }, { "policy", required_argument, NULL, OPT_POLICY },
	{ "align", required_argument, NULL, OPT_ALIGN }, { "workload", required_argument, NULL, OPT_WORKLOAD },
	{ "guest", required_argument, NULL, OPT_GUEST }, { "kernel", required_argument, NULL, OPT_KERNEL }, { "initrd", required_argument, NULL, OPT_INITRD },
	{ "disk", required_argument, NULL, OPT_DISK }, { "append", required_argument, NULL, OPT_APPEND },
	{ "memory", required_argument, NULL, OPT_MEMORY }, { "cpus", required_argument, NULL, OPT_CPUS },
	{ "sched", required_argument, NULL, OPT_SCHED }, { "cores", required_argument, NULL, OPT_CORES },
	{ "accel", required_argument, NULL, OPT_ACCEL }, { "qemu", required_argument, NULL, OPT_QEMU },
	{ "console", required_argument, NULL, OPT_CONSOLE }, { "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "serve", required_argument, NULL, OPT_SERVE }, { "once", no_argument, NULL, OPT_ONCE }, { "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET }, { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* where option values that are plain text go */
static const char **text_of(struct run_options *o, int option)
{
	switch (option) {
	case OPT_TRACE: return &o->trace;
	case OPT_WORKLOAD: return &o->workload;
	case OPT_GUEST: return &o->guest;
	case OPT_KERNEL: return &o->kernel;
	case OPT_INITRD: return &o->initrd;
	case OPT_DISK: return &o->disk;
	case OPT_APPEND: return &o->append;
	case OPT_QEMU: return &o->qemu;
	case OPT_CONSOLE: return &o->console;
	case OPT_SERVE: return &o->serve_dir;
	default: return NULL;
	}
}

static bool *flag_of(struct run_options *o, int option)
{
	switch (option) {
	case OPT_FORCE: return &o->force;
	case OPT_ONCE: return &o->once;
	case OPT_JSON: return &o->json;
	case OPT_QUIET: return &o->quiet;
	case OPT_VERSION: return &o->version;
	case 'h': return &o->help;
	default: return NULL;
	}
}

struct number_option {
	int option;
	const char *name;
	u32 min, max;
	size_t at;
	bool power_of_two;
};

static const struct number_option numbers[] = {
	{ OPT_RING, "--ring", 64, 1u << 24, offsetof(struct run_options, ring_events), true },
	{ OPT_FLUSH, "--flush", 10, 60000, offsetof(struct run_options, flush_ms), false },
	{ OPT_TICK, "--tick", 1, TRACE_TICK_NS_MAX, offsetof(struct run_options, tick_ns), true },
	{ OPT_MEMORY, "--memory", 64, 1u << 20, offsetof(struct run_options, memory_mib), false },
	{ OPT_CPUS, "--cpus", 1, 255, offsetof(struct run_options, cpus), false },
	{ OPT_TIMEOUT, "--timeout", 1, 1000000, offsetof(struct run_options, timeout_s), false },
};

/* Return: 0; -EINVAL with @error; -ENOENT if @option is no number */
static int take_number(struct run_options *o, int option, const char *text, char *error, size_t n)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number_option *w = &numbers[i];
		char *end;
		unsigned long v;

		if (w->option != option)
			continue;
		errno = 0;
		v = strtoul(text, &end, 10);
		if (errno || *end || end == text || *text == '-' || v < w->min || v > w->max || (w->power_of_two && (v & (v - 1)))) {
			snprintf(error, n, "%s wants a %s from %u to %u, not \"%s\"", w->name,
				 w->power_of_two ? "power of two" : "whole number", w->min, w->max, text);
			return -EINVAL;
		}
		*(u32 *)(void *)((char *)o + w->at) = (u32)v;
		return 0;
	}
	return -ENOENT;
}

static int take_policy(struct run_options *o, const char *text, char *error, size_t n)
{
	struct coalesce_config cfg = { 0 };
	char why[POLICY_FILE_ERROR_BYTES];

	if (text[0] == '@') {
		o->policy = o->policy_file.policy;
		if (policy_file_read(text + 1, &o->policy_file, why) == 0)
			return 0;
		snprintf(error, n, "--policy @%s", why);
		return -EINVAL;
	}
	if (coalesce_parse(text, &cfg)) {
		snprintf(error, n, "--policy: \"%s\" is no policy of the guest module; see egpu-replay --list-policies", text);
		return -EINVAL;
	}
	o->policy_file = (struct policy_file){ .shim = -1 };
	o->policy = text;
	return 0;
}

static int take_dart(struct run_options *o, const char *text, char *error, size_t n)
{
	o->dart = (struct dart_limits){ .name = NULL };
	if (!strcmp(text, "none") || !dart_parse(text, &o->dart))
		return 0;
	snprintf(error, n, "--dart: \"%s\" is no model; use for example apple-tb4 or apple-tb4:mappings=4096,bytes=256M", text);
	return -EINVAL;
}

static int take_word(const char *name, const char *text, const char *const *words, int *out, char *error, size_t n)
{
	size_t used;

	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], text)) {
			*out = i;
			return 0;
		}
	used = (size_t)snprintf(error, n, "%s wants", name);
	for (int i = 0; words[i] && used < n; i++)
		used += (size_t)snprintf(error + used, n - used, "%s %s", i ? " or" : "", words[i]);
	if (used < n)
		snprintf(error + used, n - used, ", not \"%s\"", text);
	return -EINVAL;
}

/* "0000:01:00.0", or without the domain */
static bool is_pci_address(const char *text)
{
	unsigned int domain, bus, slot, function;
	int used = 0;

	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &used) == 4 && !text[used])
		return true;
	used = 0;
	return sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &used) == 3 && !text[used];
}

static int take_device(struct run_options *o, const char *text, char *error, size_t n)
{
	o->vfio = NULL;
	if (!strcmp(text, "sim"))
		return 0;
	if (!strncmp(text, "vfio:", 5) && is_pci_address(text + 5)) {
		o->vfio = text + 5;
		return 0;
	}
	snprintf(error, n, "--device wants sim or vfio:ADDRESS with a PCI address like 0000:01:00.0, not \"%s\"", text);
	return -EINVAL;
}

static int take_sched(struct run_options *o, int option, const char *text, char *error, size_t n)
{
	if (!(option == OPT_SCHED ? sched_parse(text, &o->sched) : sched_parse_cores(text, &o->sched)))
		return 0;
	if (option == OPT_SCHED)
		snprintf(error, n, "--sched wants auto, off, rr or fifo with a priority from 1 to 99 (rr:10), or nice with -20 to 19 (nice:-5), not \"%s\"", text);
	else
		snprintf(error, n, "--cores wants numbers of cores from 0 to %d like 2,3 or 2-5, not \"%s\"", CPU_SETSIZE - 1, text);
	return -EINVAL;
}

static int take_align(struct run_options *o, const char *text, char *error, size_t n)
{
	o->align = text;
	if (align_shim_find(text) >= 0)
		return 0;
	snprintf(error, n, "--align wants " ALIGN_SHIM_NAMES ", not \"%s\"", text);
	return -EINVAL;
}

static int take_traps(struct run_options *o, const char *text, char *error, size_t n)
{
	o->traps_given = true;
	if (!areas_parse(text, &o->traps))
		return 0;
	snprintf(error, n, "--trace-bars wants all, none, or at most %u BARs and ranges of them like 0,2:0x1000-0x1fff, not \"%s\"", AREAS_TRAPS_MAX, text);
	return -EINVAL;
}

static int take_choice(struct run_options *o, int option, const char *text, char *error, size_t n)
{
	static const char *const full[] = { "wait", "drop", NULL }, *const accel[] = { "auto", "kvm", "tcg", NULL };
	static const char *const dma[] = { "companion", "premap", "viommu", "viommu:intel", "viommu:virtio", NULL };
	int i = 0, err = -ENOENT;

	if (option == OPT_ON_FULL) {
		err = take_word("--on-full", text, full, &i, error, n);
		o->drop = i == 1;
	} else if (option == OPT_ACCEL) {
		err = take_word("--accel", text, accel, &i, error, n);
		o->accel = (enum run_accel)i;
	} else if (option == OPT_DEVICE) {
		err = take_device(o, text, error, n);
	} else if (option == OPT_DMA) {
		err = take_word("--dma", text, dma, &i, error, n);
		o->dma_given = true;
		o->dma = i < 2 ? (enum mapper_way)i : MAPPER_VIOMMU;
		o->viommu = i == 4 ? RUN_VIOMMU_VIRTIO : RUN_VIOMMU_INTEL;
	} else if (option == OPT_TRACE_BARS) {
		err = take_traps(o, text, error, n);
	} else if (option == OPT_ALIGN) {
		err = take_align(o, text, error, n);
	} else if (option == OPT_SCHED || option == OPT_CORES) {
		err = take_sched(o, option, text, error, n);
	} else if (option == OPT_POLICY) {
		err = take_policy(o, text, error, n);
	} else if (option == OPT_DART) {
		err = take_dart(o, text, error, n);
		o->dart_given = true;
	}
	return err;
}

/* what was not said about the device */
static void resolve(struct run_options *o)
{
	bool host_picks = o->dart_given && o->dart.name && !o->dart.guest_iova;

	if (!o->dma_given && o->vfio && !host_picks)
		o->dma = MAPPER_PREMAP;
	if (!o->dart_given && !o->vfio)
		o->dart = *dart_model(o->dma == MAPPER_COMPANION ? "apple-tb4" : "vfio-type1");
	if (!o->memory_mib && o->workload)
		o->memory_mib = workload_memory_mib(o->workload);
	if (!o->memory_mib)
		o->memory_mib = MEMORY_DEFAULT_MIB;
	if (!o->tick_ns)
		o->tick_ns = TICK_DEFAULT_NS;
	if (!o->align)
		o->align = align_shim_name(o->policy_file.shim >= 0 ? (u32)o->policy_file.shim : ALIGN_DOWNGRADE);
	if (!o->traps_given)
		o->traps.all = o->trace != NULL;
}

static const char *check_device(const struct run_options *o)
{
	if (!o->vfio && !o->dart.name)
		return "--dart none is for a real device; a simulated one has no limits of its own, try --dart unlimited";
	if (o->dma != MAPPER_COMPANION && o->dart.name && !o->dart.guest_iova)
		return "this --dart picks the addresses itself, so the guest must ask it: use --dma companion, or add iova=guest to the model";
	if (o->vfio && o->workload)
		return "--workload plays on the simulated GPU: leave out --device";
	if (o->vfio && !o->serve_dir && !o->kernel && !o->disk && !o->guest)
		return "a real device needs a guest of yours: give --disk, --kernel or --guest";
	return NULL;
}

/* options that make no sense together */
static int check_together(const struct run_options *o, char *error, size_t n)
{
	const char *why = check_device(o);

	if (why)
		;
	else if (o->serve_dir && (o->guest || o->kernel || o->disk || o->workload || o->qemu || o->qemu_args[0]))
		why = "--serve starts no QEMU: give its options to your own QEMU";
	else if (o->serve_dir && o->sched.given)
		why = "--sched and --cores are about the QEMU that egpu-run starts: leave them out with --serve";
	else if (o->once && !o->serve_dir)
		why = "--once belongs to --serve";
	else if (o->initrd && !o->kernel)
		why = "--initrd needs --kernel";
	else if ((o->workload || o->guest) && (o->kernel || o->disk))
		why = "--workload and --guest are about the built-in guest: leave out --kernel and --disk";
	else if ((o->force || o->drop || o->ring_events) && !o->trace)
		why = "--force, --on-full and --ring need --trace FILE";
	if (why)
		snprintf(error, n, "%s", why);
	return why ? -EINVAL : 0;
}

int run_options_parse(int argc, char **argv, struct run_options *o, char *error, size_t n)
{
	int option;

	*o = (struct run_options){ .dma = MAPPER_COMPANION, .policy = "window:log2=18", .policy_file.shim = -1, .cpus = 1,
				    .sched = { .how = SCHED_HOW_AUTO } };
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		const char **text = text_of(o, option);
		bool *flag = flag_of(o, option);
		int err = 0;

		if (option == '?' || option == ':') {
			snprintf(error, n, option == ':' ? "%s needs a value" : "there is no option %s; try --help", argv[optind - 1]);
			return -EINVAL;
		}
		if (text)
			*text = optarg;
		else if (flag)
			*flag = true;
		else
			err = take_number(o, option, optarg, error, n);
		if (err == -ENOENT)
			err = take_choice(o, option, optarg, error, n);
		if (err)
			return err;
	}
	o->qemu_args = argv + optind;
	if (optind < argc && strcmp(argv[optind - 1], "--")) {
		snprintf(error, n, "\"%s\": arguments for QEMU come after --", argv[optind]);
		return -EINVAL;
	}
	resolve(o);
	return check_together(o, error, n);
}
