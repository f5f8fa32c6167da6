/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The simulated GPU and the companion against guest memory that a test owns: bytes must really move, and only through the DART. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/device/companion.h"
#include "runtime/device/sim_gpu.h"

#define GUEST_BYTES (8u << 20)
#define CMD_GPA 0x100000ull
#define RING_GPA 0x200000ull
#define GPU_RING_GPA 0x300000ull
#define BUFFER_GPA 0x400000ull
#define RING_RECORDS 64u

struct fixture {
	struct mapper *mapper;
	struct device *gpu, *companion;
	u8 *ram;
	int fd;
	u32 sequence;
	u64 gpu_ring_iova;
	u32 gpu_head;
};

static void set(struct device *d, u64 reg, u32 v)
{
	assert_int_equal(d->ops->write(d, 0, reg, &v, 4), 0);
}

static u32 get(struct device *d, u64 reg)
{
	u32 v;

	assert_int_equal(d->ops->read(d, 0, reg, &v, 4), 0);
	return v;
}

static struct companion_command *command(struct fixture *f)
{
	return (void *)(f->ram + CMD_GPA);
}

/* ring the doorbell; Return: the command's status */
static s32 submit(struct fixture *f, u32 op, u32 count)
{
	struct companion_command *c = command(f);

	c->op = op;
	c->count = count;
	c->done = 0;
	set(f->companion, COMPANION_DOORBELL_REG, ++f->sequence);
	assert_int_equal(c->done, f->sequence);
	return c->status;
}

static u64 map_one(struct fixture *f, u64 gpa, u64 len)
{
	command(f)->entries[0] = (struct companion_entry){ .gpa = gpa, .len = len, .flags = COMPANION_DIR_BOTH };
	assert_int_equal(submit(f, COMPANION_OP_MAP, 1), 0);
	assert_int_equal(command(f)->entries[0].status, 0);
	return command(f)->entries[0].iova;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct span all = { 0, GUEST_BYTES };

	f->mapper = mapper_new(&(struct mapper_options){ .limits = &dart_models[0], .device = 1 });
	f->gpu = sim_gpu_new(f->mapper);
	f->companion = companion_new(f->mapper, 42, 1);
	f->fd = memfd_create("guest", MFD_CLOEXEC);
	assert_int_equal(ftruncate(f->fd, GUEST_BYTES), 0);
	f->ram = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_int_equal(guest_memory_add(f->gpu->memory, all, f->fd, 0, true), 0);
	assert_int_equal(guest_memory_add(f->companion->memory, all, f->fd, 0, true), 0);
	set(f->companion, COMPANION_CMD_GPA_LO_REG, CMD_GPA);
	set(f->companion, COMPANION_CMD_GPA_HI_REG, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->gpu->ops->free(f->gpu);
	f->companion->ops->free(f->companion);
	mapper_free(f->mapper);
	munmap(f->ram, GUEST_BYTES);
	close(f->fd);
	free(f);
	return 0;
}

static void start_gpu(struct fixture *f)
{
	f->gpu_ring_iova = map_one(f, GPU_RING_GPA, 1 << 14);
	set(f->gpu, SIM_GPU_CONTROL_REG, SIM_GPU_CONTROL_RESET_MASK);
	set(f->gpu, SIM_GPU_RING_IOVA_LO_REG, (u32)f->gpu_ring_iova);
	set(f->gpu, SIM_GPU_RING_IOVA_HI_REG, (u32)(f->gpu_ring_iova >> 32));
	set(f->gpu, SIM_GPU_RING_LOG2_REG, 4);
	set(f->gpu, SIM_GPU_CONTROL_REG, SIM_GPU_CONTROL_ENABLE_MASK);
	assert_int_equal(get(f->gpu, SIM_GPU_STATUS_REG), SIM_GPU_STATUS_ENABLED_MASK);
}

static void execute(struct fixture *f, struct sim_gpu_cmd c)
{
	memcpy(f->ram + GPU_RING_GPA + (f->gpu_head & 15) * sizeof(c), &c, sizeof(c));
	set(f->gpu, SIM_GPU_RING_HEAD_REG, ++f->gpu_head);
	while (f->gpu->ops->work(f->gpu) == 0)
		;
}

static struct dart_stats stats(struct fixture *f)
{
	struct mapper_stats s;

	mapper_stats(f->mapper, &s);
	return s.dart;
}

static void test_copy_engine_moves_bytes_in_and_out(void **state)
{
	struct fixture *f = *state;
	u64 in, out;

	start_gpu(f);
	in = map_one(f, BUFFER_GPA, 1 << 16);
	out = map_one(f, BUFFER_GPA + (1 << 20), 1 << 16);
	for (u32 i = 0; i < 1 << 16; i++)
		f->ram[BUFFER_GPA + i] = (u8)(i * 7 + (i >> 8));
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_UPLOAD, .copy = { .vram = 12345, .iova = in, .len = 1 << 16 } });
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_DOWNLOAD, .copy = { .vram = 12345, .iova = out, .len = 1 << 16 } });
	assert_memory_equal(f->ram + BUFFER_GPA, f->ram + BUFFER_GPA + (1 << 20), 1 << 16);
	assert_int_equal(get(f->gpu, SIM_GPU_FAULT_COUNT_REG), 0);
	assert_int_equal(get(f->gpu, SIM_GPU_RING_TAIL_REG), 2);
}

static void test_scatter_gather_list_is_followed_in_order(void **state)
{
	struct fixture *f = *state;
	u64 list = map_one(f, BUFFER_GPA, 1 << 14), a = map_one(f, BUFFER_GPA + (2 << 14), 1 << 14), b = map_one(f, BUFFER_GPA + (1 << 14), 1 << 14);
	struct sim_gpu_segment segments[2] = { { a + 8, 8 }, { b, 16 } };
	u8 vram[24];

	start_gpu(f);
	memcpy(f->ram + BUFFER_GPA, segments, sizeof(segments));
	memcpy(f->ram + BUFFER_GPA + (2 << 14) + 8, "ABCDEFGH", 8);
	memcpy(f->ram + BUFFER_GPA + (1 << 14), "0123456789abcdef", 16);
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_UPLOAD, .copy = { .vram = 0, .segments = 2, .list_iova = list } });
	assert_int_equal(f->gpu->ops->read(f->gpu, SIM_GPU_VRAM_BAR, 0, vram, sizeof(vram)), 0);
	assert_memory_equal(vram, "ABCDEFGH0123456789abcdef", 24);
}

static void test_access_to_an_unmapped_iova_touches_nothing_and_faults(void **state)
{
	struct fixture *f = *state;
	int fd[SIM_GPU_VECTORS];
	u64 iova, n;

	for (u32 v = 0; v < SIM_GPU_VECTORS; v++) {
		fd[v] = eventfd(0, EFD_NONBLOCK);
		irqs_set(&f->gpu->irqs, IRQ_MSIX, v, dup(fd[v]));
	}
	start_gpu(f);
	iova = map_one(f, BUFFER_GPA, 1 << 14);
	command(f)->entries[0] = (struct companion_entry){ .iova = iova, .len = 1 << 14 };
	assert_int_equal(submit(f, COMPANION_OP_UNMAP, 1), 0);
	assert_int_equal(command(f)->entries[0].status, 0);
	memset(f->ram + BUFFER_GPA, 0x5a, 1 << 14);
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_DOWNLOAD, .copy = { .iova = iova, .len = 4096 } });
	for (u32 i = 0; i < 4096; i++)
		assert_int_equal(f->ram[BUFFER_GPA + i], 0x5a);
	assert_int_equal(get(f->gpu, SIM_GPU_FAULT_COUNT_REG), 1);
	assert_int_equal(get(f->gpu, SIM_GPU_FAULT_IOVA_LO_REG), (u32)iova);
	assert_int_equal(get(f->gpu, SIM_GPU_FAULT_INFO_REG), 1 | SIM_GPU_ENGINE_COPY << 8);
	assert_int_equal(read(fd[SIM_GPU_VECTOR_FAULT], &n, 8), 8);
	/* the device goes on, also when the fence itself is not mapped */
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_FENCE, .flags = SIM_GPU_CMD_IRQ_MASK, .fence = { .iova = 8, .value = 99 } });
	assert_int_equal(get(f->gpu, SIM_GPU_FENCE_LO_REG), 99);
	assert_int_equal(get(f->gpu, SIM_GPU_FAULT_COUNT_REG), 2);
	assert_int_equal(read(fd[SIM_GPU_VECTOR_FENCE], &n, 8), 8);
	set(f->gpu, SIM_GPU_FAULT_COUNT_REG, 0);
	assert_int_equal(get(f->gpu, SIM_GPU_STATUS_REG), SIM_GPU_STATUS_ENABLED_MASK);
	for (u32 v = 0; v < SIM_GPU_VECTORS; v++)
		close(fd[v]);
}

static void test_fence_writes_memory_and_present_counts_frames(void **state)
{
	struct fixture *f = *state;
	u64 iova = map_one(f, BUFFER_GPA, 1 << 14), value;

	start_gpu(f);
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_FENCE, .fence = { .iova = iova + 16, .value = 0x1122334455667788 } });
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_PRESENT, .present = { .frame = 7 } });
	memcpy(&value, f->ram + BUFFER_GPA + 16, 8);
	assert_true(value == 0x1122334455667788);
	assert_int_equal(get(f->gpu, SIM_GPU_FRAME_REG), 7);
}

static void test_bad_rings_and_commands_stop_the_device_until_reset(void **state)
{
	struct fixture *f = *state;

	start_gpu(f);
	set(f->gpu, SIM_GPU_RING_HEAD_REG, 17); /* more than the ring holds */
	assert_int_equal(get(f->gpu, SIM_GPU_STATUS_REG), SIM_GPU_STATUS_RING_ERROR_MASK);
	start_gpu(f);
	f->gpu_head = 0;
	execute(f, (struct sim_gpu_cmd){ .op = 1234 });
	assert_true(get(f->gpu, SIM_GPU_STATUS_REG) & SIM_GPU_STATUS_RING_ERROR_MASK);
	start_gpu(f);
	f->gpu_head = 0;
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_UPLOAD, .copy = { .vram = SIM_GPU_VRAM_BYTES - 1, .iova = f->gpu_ring_iova, .len = 2 } });
	assert_true(get(f->gpu, SIM_GPU_STATUS_REG) & SIM_GPU_STATUS_RING_ERROR_MASK);
	start_gpu(f);
	f->gpu_head = 0;
	execute(f, (struct sim_gpu_cmd){ .op = SIM_GPU_OP_UPLOAD, .copy = { .vram = ~0ULL, .iova = f->gpu_ring_iova, .len = ~0ULL } });
	assert_true(get(f->gpu, SIM_GPU_STATUS_REG) & SIM_GPU_STATUS_RING_ERROR_MASK);
	start_gpu(f);
}

static void test_companion_says_what_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f->companion, COMPANION_MAGIC_REG), COMPANION_MAGIC_VAL);
	assert_int_equal(get(f->companion, COMPANION_VERSION_REG), COMPANION_VERSION_VAL);
	assert_int_equal(get(f->companion, COMPANION_ENTRY_BYTES_REG), 32);
	assert_int_equal(get(f->companion, COMPANION_RECORD_BYTES_REG), 40);
	assert_int_equal(get(f->companion, COMPANION_MAX_MAPPINGS_LO_REG), 65536);
	assert_int_equal(get(f->companion, COMPANION_MAX_BYTES_LO_REG), 1536u << 20);
	assert_int_equal(get(f->companion, COMPANION_GRANULE_LOG2_REG), 14);
	assert_int_equal(get(f->companion, COMPANION_TARGET_ID_REG), 42);
}

static void test_batch_has_a_status_for_each_entry(void **state)
{
	struct fixture *f = *state;
	struct companion_entry *e = command(f)->entries;

	for (u32 i = 0; i < COMPANION_BATCH_MAX; i++)
		e[i] = (struct companion_entry){ .gpa = (u64)i << 14, .len = i == 9 ? 4096 : 1 << 14, .flags = COMPANION_DIR_BOTH };
	assert_int_equal(submit(f, COMPANION_OP_MAP, COMPANION_BATCH_MAX), 0);
	for (u32 i = 0; i < COMPANION_BATCH_MAX; i++)
		assert_int_equal(e[i].status, i == 9 ? -EINVAL : 0);
	assert_int_equal(stats(f).live_mappings, COMPANION_BATCH_MAX - 1);
	assert_int_equal(submit(f, COMPANION_OP_UNMAP, COMPANION_BATCH_MAX), 0);
	assert_int_equal(e[9].status, -ENOENT);
	assert_int_equal(stats(f).live_mappings, 0);
}

static void test_bad_commands_are_refused_whole(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(submit(f, COMPANION_OP_MAP, COMPANION_BATCH_MAX + 1), -EINVAL);
	assert_int_equal(submit(f, COMPANION_OP_MAP, ~0u), -EINVAL);
	assert_int_equal(submit(f, 99, 1), -EINVAL);
	/* a command block that is not memory ends service, and a reset starts it again */
	set(f->companion, COMPANION_CMD_GPA_LO_REG, 0xff000000);
	set(f->companion, COMPANION_DOORBELL_REG, 1);
	assert_int_equal(get(f->companion, COMPANION_STATUS_REG), EFAULT);
	set(f->companion, COMPANION_RESET_REG, 1);
	assert_int_equal(get(f->companion, COMPANION_STATUS_REG), 0);
}

static struct companion_ring *ring(struct fixture *f)
{
	return (void *)(f->ram + RING_GPA);
}

static void start_ring(struct fixture *f)
{
	set(f->companion, COMPANION_RING_GPA_LO_REG, RING_GPA);
	set(f->companion, COMPANION_RING_GPA_HI_REG, 0);
	set(f->companion, COMPANION_RING_BYTES_REG, (u32)COMPANION_RING_BYTES(RING_RECORDS));
	assert_int_equal(get(f->companion, COMPANION_STATUS_REG), 0);
}

static u64 drained(struct fixture *f)
{
	struct companion_counters c;

	f->companion->ops->work(f->companion);
	companion_counters(f->companion, &c);
	return c.requests;
}

static void test_request_ring_is_drained_across_its_end(void **state)
{
	struct fixture *f = *state;
	u32 head = ~0u - 20; /* the counters wrap, too */

	ring(f)->head = ring(f)->tail = head;
	start_ring(f);
	for (u32 total = 0; total < 500; total += 50) {
		for (u32 i = 0; i < 50; i++)
			ring(f)->records[(head + i) & (RING_RECORDS - 1)] = (struct companion_record){ .gpa = i, .len = 4096, .kind = COMPANION_REC_MAP };
		head += 50;
		ring(f)->head = head;
		assert_int_equal(drained(f), total + 50);
		assert_int_equal(ring(f)->tail, head);
	}
}

static void put_record(struct fixture *f, u64 guest_t_ns)
{
	ring(f)->records[ring(f)->head++ & (RING_RECORDS - 1)] =
		(struct companion_record){ .guest_t_ns = guest_t_ns, .len = 4096, .kind = COMPANION_REC_MAP };
}

/* times of the requests of the trace at @path; Return: how many */
static size_t request_times(const char *path, u64 *t_ns, size_t max)
{
	struct trace_cursor *cursor;
	struct trace_event e;
	struct trace *t;
	size_t n = 0;

	assert_int_equal(trace_open(path, &t, NULL), 0);
	assert_int_equal(trace_cursor_open(t, false, &cursor), 0);
	while (n < max && trace_next(cursor, &e, NULL) == 1) {
		if (e.kind == TRACE_REQ_MAP)
			t_ns[n++] = e.t_ns;
	}
	trace_cursor_close(cursor);
	trace_close(t);
	return n;
}

/* the guest reads its clock, and the write of it takes 5 ms to arrive: by so much all its times would be too late */
static void test_times_of_requests_follow_the_guest_although_its_clock_came_late(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/egpu-devices-XXXXXX", path[64];
	struct tracer_options options = { .path = path };
	u64 guest, t_ns[4] = { 0 };
	struct tracer *t;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.egt", dir);
	assert_int_equal(tracer_open(&options, &t, NULL), 0);
	f->companion->ring = tracer_ring(t);
	start_ring(f);
	guest = tracer_now_ns() - 5000000;
	set(f->companion, COMPANION_GUEST_TIME_LO_REG, (u32)guest);
	set(f->companion, COMPANION_GUEST_TIME_HI_REG, (u32)(guest >> 32));
	put_record(f, guest + 6000000000); /* a second ahead and more is nonsense, and changes nothing */
	assert_int_equal(drained(f), 1);
	put_record(f, tracer_now_ns());
	assert_int_equal(drained(f), 2);
	guest = tracer_now_ns();
	put_record(f, guest + 1000);
	put_record(f, guest + 4000);
	usleep(1000);
	assert_int_equal(drained(f), 4);
	f->companion->ring = NULL;
	assert_int_equal(tracer_close(t, NULL), 0);
	assert_int_equal(request_times(path, t_ns, 4), 4);
	assert_int_equal(t_ns[3] - t_ns[2], 3000);
	assert_true(t_ns[3] >= guest + 4000 && t_ns[3] < guest + 5000000);
	unlink(path);
	rmdir(dir);
}

static void test_hostile_rings_end_service_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	static const u32 sizes[] = { 1, 128, 128 + 40 * 63, 128 + 40 * 65, ~0u };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		set(f->companion, COMPANION_RESET_REG, 1);
		set(f->companion, COMPANION_RING_GPA_LO_REG, RING_GPA);
		set(f->companion, COMPANION_RING_BYTES_REG, sizes[i]);
		assert_int_equal(get(f->companion, COMPANION_STATUS_REG), EINVAL);
	}
	set(f->companion, COMPANION_RESET_REG, 1);
	memset(ring(f), 0, COMPANION_RING_BYTES(RING_RECORDS));
	start_ring(f);
	ring(f)->head = RING_RECORDS + 1; /* more than it holds */
	drained(f);
	assert_int_equal(get(f->companion, COMPANION_STATUS_REG), EPROTO);
	set(f->companion, COMPANION_RESET_REG, 1);
	memset(ring(f), 0, COMPANION_RING_BYTES(RING_RECORDS));
	start_ring(f);
	ring(f)->records[0].kind = 77;
	ring(f)->head = 1;
	drained(f);
	assert_int_equal(get(f->companion, COMPANION_STATUS_REG), EPROTO);
}

static void test_reset_unmaps_everything(void **state)
{
	struct fixture *f = *state;

	map_one(f, BUFFER_GPA, 1 << 14);
	map_one(f, BUFFER_GPA, 1 << 15);
	assert_int_equal(stats(f).live_mappings, 2);
	set(f->companion, COMPANION_RESET_REG, 1);
	assert_int_equal(stats(f).live_mappings, 0);
	assert_int_equal(stats(f).live_bytes, 0);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_copy_engine_moves_bytes_in_and_out),
		T(test_scatter_gather_list_is_followed_in_order),
		T(test_access_to_an_unmapped_iova_touches_nothing_and_faults),
		T(test_fence_writes_memory_and_present_counts_frames),
		T(test_bad_rings_and_commands_stop_the_device_until_reset),
		T(test_companion_says_what_it_is),
		T(test_batch_has_a_status_for_each_entry),
		T(test_bad_commands_are_refused_whole),
		T(test_request_ring_is_drained_across_its_end),
		T(test_times_of_requests_follow_the_guest_although_its_clock_came_late),
		T(test_hostile_rings_end_service_and_nothing_else),
		T(test_reset_unmaps_everything),
	};

	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
