/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bench_bar - what tracing costs on a BAR read and a BAR write that is waited for: round trip over the vfio-user socket, traced, untraced, and a bare
 * ping-pong of the same bytes, in turns in one run; and a read of a BAR that is mapped instead of trapped. usage: bench_bar [ROUNDS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/device/sim_gpu.h"
#include "runtime/serve.h"
#include "runtime/vfio_user/protocol.h"

#define WARM_UP 2000
#define TURNS 10
#define WAYS 3

/* a read asks with the access and is answered with it and the value; a write the other way round */
struct message {
	struct vfio_user_header h;
	struct vfio_user_region_access a;
	u32 value;
} __attribute__((packed));

#define LONG_BYTES sizeof(struct message)
#define SHORT_BYTES (LONG_BYTES - sizeof(u32))

struct kind {
	const char *name;
	u16 command;
	size_t request_bytes, reply_bytes;
	u64 offset;
};

static const struct kind kinds[] = {
	{ "BAR read", VFIO_USER_REGION_READ, SHORT_BYTES, LONG_BYTES, SIM_GPU_STATUS_REG },
	{ "BAR write", VFIO_USER_REGION_WRITE, LONG_BYTES, SHORT_BYTES, SIM_GPU_SCRATCH_REG },
};

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

struct echo {
	int fd;
	const struct kind *kind;
};

static void *echo(void *arg)
{
	const struct echo *e = arg;
	u8 buf[LONG_BYTES];

	/* the parent ends us with the process */
	for (;;) {
		transfer(e->fd, buf, e->kind->request_bytes, false);
		transfer(e->fd, buf, e->kind->reply_bytes, true);
	}
	return NULL;
}

static void round_trips(struct way *w, const struct kind *k, u64 n, bool keep)
{
	struct message m = { { .command = k->command, .size = (u32)k->request_bytes }, { .offset = k->offset, .region = 0, .count = 4 }, 0 };
	u8 reply[LONG_BYTES];

	for (u64 i = 0; i < n; i++) {
		u64 start = tracer_now_ns();

		transfer(w->fd, &m, k->request_bytes, true);
		transfer(w->fd, reply, k->reply_bytes, false);
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

/* a bare ping-pong partner for each kind */
static int start_echo(const struct kind *k)
{
	static struct echo echoes[2];
	struct echo *e = &echoes[k - kinds];
	pthread_t thread;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(1);
	*e = (struct echo){ pair[1], k };
	pin(1);
	pthread_create(&thread, NULL, echo, e);
	pin(0);
	return pair[0];
}

static void measure(const struct kind *k, struct way ways[WAYS], u64 rounds)
{
	ways[0].fd = start_echo(k);
	for (int i = 0; i < WAYS; i++) {
		ways[i].n = 0;
		round_trips(&ways[i], k, WARM_UP, false);
	}
	for (int turn = 0; turn < TURNS; turn++)
		for (int i = 0; i < WAYS; i++)
			round_trips(&ways[i], k, rounds / TURNS + 1, true);
	printf("%-16s %12s %12s %s\n", k->name, "median us", "p99 us", "ratio of medians to bare ping-pong");
	for (int i = 0; i < WAYS; i++) {
		qsort(ways[i].t_ns, ways[i].n, sizeof(u64), by_value);
		printf("%-16s %12.2f %12.2f %.2f\n", ways[i].name, (double)ways[i].t_ns[ways[i].n / 2] / 1e3,
		       (double)ways[i].t_ns[ways[i].n * 99 / 100] / 1e3, (double)ways[i].t_ns[ways[i].n / 2] / (double)ways[0].t_ns[ways[0].n / 2]);
	}
}

/* what is not trapped costs a load: VRAM of the simulated GPU, which the client may map */
static void measure_mapped(struct mapper *mapper, u64 rounds)
{
	struct device *d = sim_gpu_new(mapper);
	volatile u32 *vram = d ? mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, d->map_fd, 0) : MAP_FAILED;
	u64 start, sum = 0;

	if (vram == MAP_FAILED)
		exit(1);
	for (u32 i = 0; i < 1 << 18; i++)
		sum += vram[i];
	start = tracer_now_ns();
	for (u64 i = 0; i < rounds; i++)
		sum += vram[i & ((1 << 18) - 1)];
	printf("%-16s %12.4f us on average (sum %llu)\n", "mapped BAR read", (double)(tracer_now_ns() - start) / 1e3 / (double)rounds, (unsigned long long)sum);
	munmap((void *)(uintptr_t)vram, 1 << 20);
	d->ops->free(d);
}

int main(int argc, char **argv)
{
	u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 50000;
	char dir[] = "/tmp/bench-bar-XXXXXX", path[WAYS][64], error[TRACE_ERROR_BYTES];
	struct mapper *mapper = mapper_new(&(struct mapper_options){ .limits = &dart_models[0] });
	struct tracer_options options = { .path = path[2] };
	struct way ways[WAYS] = { { .name = "bare ping-pong" }, { .name = "untraced" }, { .name = "traced" } };
	struct server *servers[2];
	struct tracer *tracer;

	if (!rounds || !mkdtemp(dir))
		return 2;
	for (int i = 0; i < WAYS; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
	if (tracer_open(&options, &tracer, error)) {
		fprintf(stderr, "bench_bar: %s\n", error);
		return 1;
	}
	pin(1);
	servers[0] = serve(path[0], mapper, NULL);
	servers[1] = serve(path[1], mapper, tracer);
	pin(0);
	ways[1].fd = connect_to(path[0]);
	ways[2].fd = connect_to(path[1]);
	for (int i = 0; i < WAYS; i++)
		ways[i].t_ns = calloc(rounds + TURNS, sizeof(u64));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		measure(&kinds[i], ways, rounds);
	measure_mapped(mapper, rounds * 100);
	close(ways[1].fd);
	close(ways[2].fd);
	server_stop(servers[0], NULL);
	server_stop(servers[1], NULL);
	tracer_close(tracer, error);
	unlink(path[2]);
	rmdir(dir);
	return 0;
}
