/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-run: pass a PCI device through to a guest and record what crosses. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/session.h"
#include "runtime/status.h"

#define CONSOLE_TAIL_BYTES 2000

/* the guest's last words explain a failure better than we can */
static void show_console(const struct session *s)
{
	char text[CONSOLE_TAIL_BYTES + 1];
	FILE *f = s->console[0] ? fopen(s->console, "r") : NULL;
	size_t n;

	if (!f)
		return;
	if (fseek(f, -CONSOLE_TAIL_BYTES, SEEK_END))
		rewind(f);
	n = fread(text, 1, CONSOLE_TAIL_BYTES, f);
	text[n] = 0;
	fclose(f);
	if (n)
		fprintf(stderr, "--- end of the guest's console ---\n%s\n---\n", text);
}

static void show_sockets(const struct session *s)
{
	const char *const *names = session_sockets(s->o);
	FILE *to = s->o->json ? stderr : stdout; /* --json: nothing else on standard output */
	char json[PATH_MAX + 128];

	fprintf(to,
	       "serving; give your QEMU (>= 10.1) shared memory%s and what is served:\n"
	       "  -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine q35,memory-backend=ram%s",
	       s->o->dma == MAPPER_VIOMMU ? ", its virtual IOMMU" : "",
	       s->o->dma != MAPPER_VIOMMU ? "" : s->o->viommu == RUN_VIOMMU_VIRTIO ? " -device virtio-iommu-pci" : " -device intel-iommu,caching-mode=on");
	for (size_t i = 0; names[i]; i++) {
		qemu_device_json(json, sizeof(json), s->dir, names[i]);
		fprintf(to, " \\\n  -device '%s'", json);
	}
	fprintf(to, "\n");
	fflush(to);
}

/* a policy that was found for other limits may fit no more */
static void compare_limits(const struct run_options *o)
{
	char ours[POLICY_FILE_LIMITS_BYTES];

	if (!o->policy_file.limits[0] || !o->dart.name || o->quiet)
		return;
	dart_format(&o->dart, ours, sizeof(ours));
	if (strcmp(ours, o->policy_file.limits))
		fprintf(stderr, "egpu-run: note: the policy was found for %s, the limits here are %s\n", o->policy_file.limits, ours);
}

static int run(const struct run_options *o)
{
	char error[TRACE_ERROR_BYTES + PATH_MAX];
	struct status_summary summary;
	struct session s;
	int err = session_open(&s, o, error, sizeof(error)), failed;
	struct stat st;

	if (err) {
		fprintf(stderr, "egpu-run: %s\n", error);
		session_close(&s, error);
		return 1;
	}
	if (o->serve_dir && !o->quiet)
		show_sockets(&s);
	failed = session_run(&s, isatty(2) && !o->quiet ? status_line : NULL);
	if (isatty(2) && !o->quiet)
		status_line_end();
	status_collect(&s, &summary);
	if (failed)
		show_console(&s);
	err = session_close(&s, error);
	if (o->trace && !stat(o->trace, &st))
		summary.file_bytes = (u64)st.st_size;
	if (err)
		fprintf(stderr, "egpu-run: %s\n", error);
	if (!o->quiet || o->json)
		status_print(&summary, !failed, s.reason, o->trace, o->json);
	else if (failed)
		fprintf(stderr, "egpu-run: %s\n", s.reason);
	return failed || err;
}

int main(int argc, char **argv)
{
	struct run_options o;
	char error[512];

	if (run_options_parse(argc, argv, &o, error, sizeof(error))) {
		fprintf(stderr, "egpu-run: %s\n", error);
		return 2;
	}
	if (o.help) {
		fputs(run_options_help(), stdout);
		return 0;
	}
	if (o.version) {
		puts("egpu-run " EGPU_VERSION);
		return 0;
	}
	compare_limits(&o);
	return run(&o);
}
