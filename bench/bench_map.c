/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bench_map - map and unmap pairs a second through each way to map, over the vfio-user socket: what a client announces (premap, viommu: one message a
 * range), and a companion's commands of 1, 16 and 256 entries; beside a bare ping-pong of two messages, what a pair can cost at least.
 * usage: bench_map [PAIRS]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/device/companion.h"
#include "runtime/device/sim_gpu.h"
#include "runtime/serve.h"
#include "runtime/vfio_user/protocol.h"

#define RAM_BYTES (64u << 20)
#define COMMAND_GPA 0x100000u
#define HEADER_BYTES sizeof(struct vfio_user_header)

static u8 reply[4096];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void transfer(int fd, void *buf, size_t len, bool out)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = out ? send(fd, (char *)buf + done, len - done, 0) : recv(fd, (char *)buf + done, len - done, 0);

		if (n <= 0)
			fail("bench_map: socket");
		done += (size_t)n;
	}
}

/* send a message with @pass_fd (-1 = none), and wait for a reply that is no error */
static void ask(int fd, u16 command, const void *body, u32 len, int pass_fd)
{
	struct vfio_user_header h = { .command = command, .size = (u32)HEADER_BYTES + len };
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
	struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)body, len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct vfio_user_header r;

	if (pass_fd >= 0) {
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	if (sendmsg(fd, &m, 0) != (ssize_t)h.size)
		fail("bench_map: send");
	transfer(fd, &r, sizeof(r), false);
	transfer(fd, reply, r.size - sizeof(r), false);
	if (r.flags & VFIO_USER_ERROR_MASK) {
		fprintf(stderr, "bench_map: command %u is refused: %s\n", command, strerror((int)r.error));
		exit(1);
	}
}

static void announce(int fd, u64 iova, u64 len, u64 offset, int ram)
{
	struct vfio_user_dma_map map = { sizeof(map), VFIO_USER_DMA_READ_MASK | VFIO_USER_DMA_WRITE_MASK, offset, iova, len };

	ask(fd, VFIO_USER_DMA_MAP, &map, sizeof(map), ram);
}

static int connect_to(const char *path)
{
	struct { struct vfio_user_version v; char text[20]; } m = { { 0, 0 }, "{\"capabilities\":{}}" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(path);
	ask(fd, VFIO_USER_VERSION, &m, sizeof(m), -1);
	return fd;
}

static void write_register(int fd, u64 offset, u32 value)
{
	struct { struct vfio_user_region_access a; u32 value; } __attribute__((packed)) m = { { offset, 0, 4 }, value };

	ask(fd, VFIO_USER_REGION_WRITE, &m, sizeof(m), -1);
}

static double seconds_since(u64 start_ns)
{
	return (double)(tracer_now_ns() - start_ns) / 1e9;
}

static double announced_pairs(int fd, int ram, u64 pairs)
{
	u64 start = tracer_now_ns();

	for (u64 i = 0; i < pairs; i++) {
		struct vfio_user_dma_unmap unmap = { sizeof(unmap), 0, 0x10000000, 4096 };

		announce(fd, 0x10000000, 4096, (i & 1023) * 4096, ram);
		ask(fd, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), -1);
	}
	return (double)pairs / seconds_since(start);
}

/* commands of @n entries each */
static double companion_pairs(int fd, u8 *ram, u64 pairs, u32 n)
{
	struct companion_command *c = (void *)(ram + COMMAND_GPA);
	u64 start = tracer_now_ns(), done = 0;

	for (u32 seq = 1; done < pairs; done += n) {
		for (u32 i = 0; i < n; i++)
			c->entries[i] = (struct companion_entry){ .gpa = 0x400000 + (u64)i * 16384, .len = 16384, .flags = COMPANION_DIR_BOTH };
		c->count = n;
		for (u32 op = COMPANION_OP_MAP; op <= COMPANION_OP_UNMAP; op++) {
			c->op = op;
			write_register(fd, COMPANION_DOORBELL_REG, seq++);
			if (c->status || c->entries[n - 1].status)
				fail("bench_map: a companion's command is refused");
		}
	}
	return (double)done / seconds_since(start);
}

static void *echo(void *arg)
{
	u8 buf[64];

	for (;;) {
		transfer(*(int *)arg, buf, 48, false);
		transfer(*(int *)arg, buf, 16, true);
	}
	return NULL;
}

static double bare_pairs(u64 pairs)
{
	pthread_t thread;
	u8 buf[64] = { 0 };
	int pair[2];
	u64 start;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pthread_create(&thread, NULL, echo, &pair[1]))
		fail("bench_map");
	start = tracer_now_ns();
	for (u64 i = 0; i < 2 * pairs; i++) {
		transfer(pair[0], buf, 48, true);
		transfer(pair[0], buf, 16, false);
	}
	return (double)pairs / seconds_since(start);
}

static int serve(struct device *d, const char *dir, const char *name, struct server **server)
{
	char path[96], error[TRACE_ERROR_BYTES];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (server_start(path, d, server, error)) {
		fprintf(stderr, "bench_map: %s\n", error);
		exit(1);
	}
	return connect_to(path);
}

static void say(const char *name, double rate, double bare)
{
	printf("%-28s %12.0f pairs/s  %.2f of bare ping-pong\n", name, rate, rate / bare);
}

int main(int argc, char **argv)
{
	u64 pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
	const struct mapper_options guest_picks = { .limits = dart_model("vfio-type1"), .way = MAPPER_VIOMMU }, host_picks = { .limits = dart_model("apple-tb4") };
	struct mapper *viommu = mapper_new(&guest_picks), *companion = mapper_new(&host_picks);
	struct device *gpu = sim_gpu_new(viommu), *device = companion_new(companion, 0, 0);
	char dir[] = "/tmp/bench-map-XXXXXX";
	int ram_fd = memfd_create("ram", MFD_CLOEXEC), gpu_fd, companion_fd;
	struct server *servers[2];
	double bare;
	u8 *ram;

	if (!pairs || !gpu || !device || ram_fd < 0 || ftruncate(ram_fd, RAM_BYTES) || !mkdtemp(dir))
		return 2;
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	gpu->dma = viommu;
	gpu_fd = serve(gpu, dir, "gpu", &servers[0]);
	companion_fd = serve(device, dir, "companion", &servers[1]);
	announce(companion_fd, 0, RAM_BYTES, 0, ram_fd);
	write_register(companion_fd, COMPANION_CMD_GPA_LO_REG, COMMAND_GPA);
	write_register(companion_fd, COMPANION_CMD_GPA_HI_REG, 0);
	bare = bare_pairs(pairs);
	say("bare ping-pong", bare, bare);
	say("premap, viommu", announced_pairs(gpu_fd, ram_fd, pairs), bare);
	say("companion, 1 entry", companion_pairs(companion_fd, ram, pairs, 1), bare);
	say("companion, 16 entries", companion_pairs(companion_fd, ram, pairs, 16), bare);
	say("companion, 256 entries", companion_pairs(companion_fd, ram, pairs, 256), bare);
	close(gpu_fd);
	close(companion_fd);
	server_stop(servers[0], NULL);
	server_stop(servers[1], NULL);
	rmdir(dir);
	return 0;
}
