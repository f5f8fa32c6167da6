/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * player - plays a workload description (workload(5)) on the simulated GPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif

#include "runtime/guest/player.h"

static const char usage[] =
	"usage: player FILE            play a workload on /dev/egpu0\n"
	"       player --check FILE    say whether it is well formed, and what it holds\n"
	"       player --memory FILE   print the guest memory it is made for, in MiB\n"
	"       player --exit CODE     end the machine through QEMU's isa-debug-exit device at port 0xf4\n";

#define DEBUG_EXIT_PORT 0xf4

static int read_file(const char *path, struct workload *w)
{
	char error[WORKLOAD_ERROR_BYTES];
	FILE *in = fopen(path, "r");
	int rc;

	if (!in) {
		fprintf(stderr, "player: %s: %s\n", path, strerror(errno));
		return -1;
	}
	rc = workload_read(in, path, w, error);
	fclose(in);
	if (rc)
		fprintf(stderr, "player: %s\n", error);
	return rc;
}

static int check(const struct workload *w, const char *path)
{
	unsigned long long buffers = 0, frames = 0;
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		buffers += w->step[i].buffers;
		frames += w->step[i].frames;
	}
	printf("%s: %u statements, %llu MiB of memory, %llu buffers loaded, %llu frames\n", path, w->n,
	       (unsigned long long)w->memory_bytes >> 20, buffers, frames);
	return 0;
}

static int debug_exit(const char *text)
{
	char *end;
	unsigned long code = strtoul(text, &end, 10);

	if (*end || end == text || code > 255) {
		fputs(usage, stderr);
		return 2;
	}
#ifdef __x86_64__
	if (ioperm(DEBUG_EXIT_PORT, 1, 1)) {
		fprintf(stderr, "player: no access to port 0x%x: %s\n", DEBUG_EXIT_PORT, strerror(errno));
		return 1;
	}
	outb((unsigned char)code, DEBUG_EXIT_PORT);
#endif
	fprintf(stderr, "player: nobody listens at port 0x%x (no isa-debug-exit device)\n", DEBUG_EXIT_PORT);
	return 1;
}

int main(int argc, char **argv)
{
	const char *mode = argc == 3 ? argv[1] : "";
	const char *path = argv[argc - 1];
	static struct workload w;

	if (argc == 2 && !strcmp(path, "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 2 || argc > 3 || (argc == 2 && path[0] == '-') ||
	    (argc == 3 && strcmp(mode, "--check") && strcmp(mode, "--memory") && strcmp(mode, "--exit"))) {
		fputs(usage, stderr);
		return 2;
	}
	if (!strcmp(mode, "--exit"))
		return debug_exit(path);
	if (read_file(path, &w))
		return 1;
	if (!strcmp(mode, "--check"))
		return check(&w, path);
	if (!strcmp(mode, "--memory")) {
		printf("%llu\n", (unsigned long long)w.memory_bytes >> 20);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return workload_play(&w);
}
