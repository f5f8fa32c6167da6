/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bench_bar - what tracing costs on a BAR read: round trip over the vfio-user socket, traced, untraced, and a bare ping-pong of the same bytes, in turns
 * in one run. usage: bench_bar [ROUNDS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/device/sim_gpu.h"
#include "runtime/serve.h"
#include "runtime/vfio_user/protocol.h"

#define WARM_UP 2000
#define TURNS 10
#define REQUEST_BYTES (sizeof(struct vfio_user_header) + sizeof(struct vfio_user_region_access))
#define REPLY_BYTES (REQUEST_BYTES + 4)

struct way {
	const char *name;
	int fd;
	u64 *t_ns;
	u64 n;
};

static void transfer(int fd, void *buf, size_t len, bool out)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = out ? send(fd, (char *)buf + done, len - done, 0) : recv(fd, (char *)buf + done, len - done, 0);

		if (n <= 0) {
			perror("bench_bar: socket");
			exit(1);
		}
		done += (size_t)n;
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct { struct vfio_user_header h; struct vfio_user_version v; char text[24]; } m = {
		{ .command = VFIO_USER_VERSION, .size = 16 + 4 + 20 }, { 0, 0 }, "{\"capabilities\":{}}",
	};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	u8 reply[64];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(path);
		exit(1);
	}
	transfer(fd, &m, m.h.size, true);
	transfer(fd, reply, 16, false);
	transfer(fd, reply, ((struct vfio_user_header *)(void *)reply)->size - 16, false);
	return fd;
}

static void *echo(void *arg)
{
	int fd = *(int *)arg;
	u8 buf[REPLY_BYTES];

	/* the parent ends us with the process */
	for (;;) {
		transfer(fd, buf, REQUEST_BYTES, false);
		transfer(fd, buf, REPLY_BYTES, true);
	}
	return NULL;
}

static void round_trips(struct way *w, u64 n, bool keep)
{
	struct { struct vfio_user_header h; struct vfio_user_region_access a; } m = {
		{ .command = VFIO_USER_REGION_READ, .size = REQUEST_BYTES }, { .offset = SIM_GPU_STATUS_REG, .region = 0, .count = 4 },
	};
	u8 reply[REPLY_BYTES];

	for (u64 i = 0; i < n; i++) {
		u64 start = tracer_now_ns();

		transfer(w->fd, &m, REQUEST_BYTES, true);
		transfer(w->fd, reply, REPLY_BYTES, false);
		if (keep)
			w->t_ns[w->n++] = tracer_now_ns() - start;
	}
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* client and servers on a processor each, as a vCPU and egpu-run are; threads made later inherit it */
static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static struct server *serve(const char *path, struct mapper *mapper, struct tracer *t)
{
	char error[TRACE_ERROR_BYTES];
	struct device *d = sim_gpu_new(mapper);
	struct server *s;

	if (t) {
		d->tracer = t;
		d->ring = tracer_ring(t);
		d->trace_id = tracer_device(t, path, NULL);
	}
	if (server_start(path, d, &s, error)) {
		fprintf(stderr, "bench_bar: %s\n", error);
		exit(1);
	}
	return s;
}

int main(int argc, char **argv)
{
	u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 50000;
	char dir[] = "/tmp/bench-bar-XXXXXX", path[3][64], error[TRACE_ERROR_BYTES];
	struct mapper *mapper = mapper_new(&(struct mapper_options){ .limits = &dart_models[0] });
	struct tracer_options options = { .path = path[2] };
	struct way ways[3] = { { .name = "bare ping-pong" }, { .name = "untraced" }, { .name = "traced" } };
	struct server *servers[2];
	struct tracer *tracer;
	pthread_t thread;
	int pair[2];

	if (!rounds || !mkdtemp(dir) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 2;
	for (int i = 0; i < 3; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
	if (tracer_open(&options, &tracer, error)) {
		fprintf(stderr, "bench_bar: %s\n", error);
		return 1;
	}
	pin(1);
	servers[0] = serve(path[0], mapper, NULL);
	servers[1] = serve(path[1], mapper, tracer);
	pthread_create(&thread, NULL, echo, &pair[1]);
	pin(0);
	ways[0].fd = pair[0];
	ways[1].fd = connect_to(path[0]);
	ways[2].fd = connect_to(path[1]);
	for (int i = 0; i < 3; i++) {
		ways[i].t_ns = calloc(rounds + TURNS, sizeof(u64));
		round_trips(&ways[i], WARM_UP, false);
	}
	for (int turn = 0; turn < TURNS; turn++)
		for (int i = 0; i < 3; i++)
			round_trips(&ways[i], rounds / TURNS + 1, true);
	printf("%-16s %12s %12s %s\n", "BAR read", "median us", "p99 us", "ratio of medians to bare ping-pong");
	for (int i = 0; i < 3; i++) {
		qsort(ways[i].t_ns, ways[i].n, sizeof(u64), by_value);
		printf("%-16s %12.2f %12.2f %.2f\n", ways[i].name, (double)ways[i].t_ns[ways[i].n / 2] / 1e3,
		       (double)ways[i].t_ns[ways[i].n * 99 / 100] / 1e3, (double)ways[i].t_ns[ways[i].n / 2] / (double)ways[0].t_ns[ways[0].n / 2]);
	}
	close(ways[1].fd);
	close(ways[2].fd);
	server_stop(servers[0], NULL);
	server_stop(servers[1], NULL);
	tracer_close(tracer, error);
	unlink(path[2]);
	rmdir(dir);
	return 0;
}
