/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The message layer, fed from a buffer: what a good client gets, and what a hostile one does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "runtime/device/sim_gpu.h"
#include "tests/vfio_user/fake_client.h"

#define MIB (1u << 20)
#define QEMU_CAPS "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,\"pgsizes\":4096}}"

struct fixture {
	struct mapper *mapper;
	struct device *gpu;
	struct vfio_user server;
	struct fake_client client;
};

static int ask(struct fixture *f, u16 command, const void *body, u32 len)
{
	fake_message(&f->client, command, 0, body, len);
	return vfio_user_serve_one(&f->server);
}

/* send, and return the errno of the reply (0 = no error); the connection must stay */
static u32 error_of(struct fixture *f, u16 command, const void *body, u32 len)
{
	struct vfio_user_header h;

	assert_int_equal(ask(f, command, body, len), 0);
	assert_true(fake_reply(&f->client, &h, NULL, 0));
	assert_int_equal(h.id, f->client.next_id);
	assert_int_equal(h.command, command);
	assert_int_equal(h.flags & VFIO_USER_TYPE_MASK, VFIO_USER_TYPE_REPLY);
	assert_int_equal(!!(h.flags & VFIO_USER_ERROR_MASK), h.error != 0);
	return h.error;
}

static void negotiate(struct fixture *f)
{
	u8 body[4 + sizeof(QEMU_CAPS)] = { 0 };

	memcpy(body + 4, QEMU_CAPS, sizeof(QEMU_CAPS));
	assert_int_equal(error_of(f, VFIO_USER_VERSION, body, sizeof(body)), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->mapper = mapper_new(&(struct mapper_options){ .limits = &dart_models[0] });
	f->gpu = sim_gpu_new(f->mapper);
	assert_int_equal(vfio_user_init(&f->server, f->gpu, &fake_transport, &f->client), 0);
	*state = f;
	return 0;
}

static int set_up_negotiated(void **state)
{
	set_up(state);
	negotiate(*state);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	vfio_user_fini(&f->server);
	f->gpu->ops->free(f->gpu);
	mapper_free(f->mapper);
	free(f);
	return 0;
}

static int memory_fd(size_t len)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_true(fd >= 0 && !ftruncate(fd, (off_t)len));
	return fd;
}

static u32 map(struct fixture *f, u64 iova, u64 size, int fd, u64 offset, u32 flags)
{
	struct vfio_user_dma_map m = { sizeof(m), flags, offset, iova, size };

	if (fd >= 0)
		f->client.fds[f->client.nfds++] = dup(fd);
	return error_of(f, VFIO_USER_DMA_MAP, &m, sizeof(m));
}

static u32 unmap(struct fixture *f, u64 iova, u64 size, u32 flags)
{
	struct vfio_user_dma_unmap m = { sizeof(m), flags, iova, size };

	return error_of(f, VFIO_USER_DMA_UNMAP, &m, sizeof(m));
}

static void test_version_reply_is_never_longer_than_the_request(void **state)
{
	for (u32 text = 1; text < 160; text++) {
		struct fixture *f;
		u8 body[256] = { 0 };
		struct vfio_user_header h;

		set_up((void **)&f);
		/* a JSON object padded with spaces to any length */
		memset(body + 4, ' ', text);
		memcpy(body + 4, "{}", text < 3 ? text - 1 : 2);
		body[4 + text - 1] = 0;
		fake_message(&f->client, VFIO_USER_VERSION, 0, body, 4 + text);
		assert_int_equal(vfio_user_serve_one(&f->server), 0);
		assert_true(fake_reply(&f->client, &h, NULL, 0));
		if (text >= 3) {
			assert_int_equal(h.error, 0);
			assert_true(h.size <= sizeof(h) + 4 + text);
			assert_int_equal(f->client.out[h.size - 1], 0);
		}
		tear_down((void **)&f);
	}
	(void)state;
}

static void test_version_of_another_major_ends_the_connection(void **state)
{
	struct { struct vfio_user_version v; char text[4]; } m = { { 1, 0 }, "{}" };

	assert_int_equal(ask(*state, VFIO_USER_VERSION, &m, sizeof(m)), -EPROTO);
}

static void test_version_with_bad_json_is_refused(void **state)
{
	static const char *const bad[] = { "[]", "{", "{\"a\":[[[[[[[[[[1]]]]]]]]]]}", "nonsense" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		u8 body[64] = { 0 };

		strcpy((char *)body + 4, bad[i]);
		assert_int_equal(error_of(f, VFIO_USER_VERSION, body, (u32)(4 + strlen(bad[i]) + 1)), EINVAL);
		/* not terminated */
		assert_int_equal(error_of(f, VFIO_USER_VERSION, body, (u32)(4 + strlen(bad[i]))), EINVAL);
	}
	negotiate(f);
}

static void test_anything_before_version_ends_the_connection(void **state)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };

	assert_int_equal(ask(*state, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info)), -EPROTO);
}

static void test_second_version_ends_the_connection(void **state)
{
	struct { struct vfio_user_version v; char text[4]; } m = { { 0, 0 }, "{}" };

	assert_int_equal(ask(*state, VFIO_USER_VERSION, &m, sizeof(m)), -EPROTO);
}

static void test_impossible_size_ends_the_connection(void **state)
{
	static const u32 sizes[] = { 0, 1, 15, VFIO_USER_MESSAGE_MAX + 1, 0x80000000u, ~0u };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct fixture *f;
		struct vfio_user_header h = { .command = VFIO_USER_REGION_READ, .size = sizes[i] };

		set_up_negotiated((void **)&f);
		fake_put(&f->client, &h, sizeof(h));
		assert_int_equal(vfio_user_serve_one(&f->server), -EPROTO);
		tear_down((void **)&f);
	}
	(void)state;
}

static void test_reply_type_from_a_client_ends_the_connection(void **state)
{
	struct fixture *f = *state;

	fake_message(&f->client, VFIO_USER_REGION_READ, VFIO_USER_TYPE_REPLY, "", 0);
	assert_int_equal(vfio_user_serve_one(&f->server), -EPROTO);
}

static void test_connection_dropped_in_a_message_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct vfio_user_header h = { .command = VFIO_USER_DMA_MAP, .size = sizeof(h) + 32 };

	fake_put(&f->client, &h, sizeof(h));
	fake_put(&f->client, "abc", 3);
	assert_int_equal(vfio_user_serve_one(&f->server), -ECONNRESET);
}

static void test_unknown_commands_get_an_error_reply(void **state)
{
	for (u16 command = 0; command < 40; command++) {
		if (command == VFIO_USER_VERSION)
			continue;
		/* an empty body is too short for every command that we know, but reset */
		assert_int_equal(error_of(*state, command, "", 0) == 0, command == VFIO_USER_DEVICE_RESET);
	}
	assert_int_equal(error_of(*state, 9999, "", 0), EOPNOTSUPP);
}

static void test_device_has_pci_regions_and_irqs(void **state)
{
	struct fixture *f = *state;
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	struct vfio_user_region_info region = { .argsz = sizeof(region), .index = SIM_GPU_VRAM_BAR };
	struct vfio_user_irq_info irq = { .argsz = sizeof(irq), .index = IRQ_MSIX };
	struct vfio_user_header h;

	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info)), 0);
	fake_reply(&f->client, &h, &info, sizeof(info));
	assert_int_equal(info.flags, VFIO_USER_DEVICE_PCI_MASK | VFIO_USER_DEVICE_RESET_MASK);
	assert_int_equal(info.num_regions, 9);
	assert_int_equal(info.num_irqs, 5);
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_REGION_INFO, &region, sizeof(region)), 0);
	fake_reply(&f->client, &h, &region, sizeof(region));
	assert_int_equal(region.size, SIM_GPU_VRAM_BYTES);
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq)), 0);
	fake_reply(&f->client, &h, &irq, sizeof(irq));
	assert_int_equal(irq.count, SIM_GPU_VECTORS);
	region = (struct vfio_user_region_info){ .argsz = sizeof(region), .index = 9 };
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_REGION_INFO, &region, sizeof(region)), EINVAL);
	region = (struct vfio_user_region_info){ .argsz = 8, .index = 0 };
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_REGION_INFO, &region, sizeof(region)), EINVAL);
	irq = (struct vfio_user_irq_info){ .argsz = sizeof(irq), .index = ~0u };
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq)), EINVAL);
}

static void test_a_region_says_which_parts_can_be_mapped(void **state)
{
	struct fixture *f = *state;
	struct { struct vfio_user_region_info info; struct vfio_user_sparse_mmap list; struct vfio_user_mmap_area area[2]; } r = {
		.info = { .argsz = sizeof(r.info), .index = SIM_GPU_VRAM_BAR },
	};
	struct vfio_user_header h;

	f->gpu->nareas = 2;
	f->gpu->areas[0] = (struct device_area){ SIM_GPU_VRAM_BAR, { 0, 4096 } };
	f->gpu->areas[1] = (struct device_area){ SIM_GPU_VRAM_BAR, { 8192, 4096 } };
	/* too short for the list: the size that it needs, and no descriptor yet */
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_REGION_INFO, &r.info, sizeof(r.info)), 0);
	assert_int_equal(f->client.reply_fd, -1);
	fake_reply(&f->client, &h, &r.info, sizeof(r.info));
	assert_int_equal(h.size, sizeof(h) + sizeof(r.info));
	assert_int_equal(r.info.argsz, sizeof(r));
	assert_int_equal(r.info.cap_offset, 0);
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_REGION_INFO, &r.info, sizeof(r.info)), 0);
	assert_int_equal(f->client.reply_fd, f->gpu->map_fd);
	fake_reply(&f->client, &h, &r, sizeof(r));
	assert_int_equal(h.size, sizeof(h) + sizeof(r));
	assert_int_equal(r.info.flags, 1 | 2 | 4 | 8);
	assert_int_equal(r.info.cap_offset, sizeof(r.info));
	assert_int_equal(r.list.id, VFIO_USER_CAP_SPARSE_MMAP);
	assert_int_equal(r.list.nr_areas, 2);
	assert_int_equal(r.area[1].offset + r.area[1].size, 12288);
	f->gpu->nareas = 0; /* every access is to pass here */
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_GET_REGION_INFO, &r.info, sizeof(r.info)), 0);
	assert_int_equal(f->client.reply_fd, -1);
	fake_reply(&f->client, &h, &r.info, sizeof(r.info));
	assert_int_equal(r.info.flags, 1 | 2);
}

static u32 region_read(struct fixture *f, u32 region, u64 offset, u32 count, void *data)
{
	struct vfio_user_region_access a = { offset, region, count };
	u32 err = error_of(f, VFIO_USER_REGION_READ, &a, sizeof(a));

	if (!err)
		memcpy(data, f->client.out + sizeof(struct vfio_user_header) + sizeof(a), count < 8 ? count : 8);
	return err;
}

static u32 region_write(struct fixture *f, u32 region, u64 offset, u32 count, const void *data, u32 sent)
{
	u8 body[sizeof(struct vfio_user_region_access) + 64];
	struct vfio_user_region_access a = { offset, region, count };

	memcpy(body, &a, sizeof(a));
	memcpy(body + sizeof(a), data, sent);
	return error_of(f, VFIO_USER_REGION_WRITE, body, (u32)sizeof(a) + sent);
}

static void test_registers_and_vram_can_be_read_and_written(void **state)
{
	struct fixture *f = *state;
	u64 v = 0;

	assert_int_equal(region_read(f, 0, SIM_GPU_ID_REG, 4, &v), 0);
	assert_int_equal(v, SIM_GPU_ID_VAL);
	v = 0x1122334455667788;
	assert_int_equal(region_write(f, SIM_GPU_VRAM_BAR, SIM_GPU_VRAM_BYTES - 8, 8, &v, 8), 0);
	v = 0;
	assert_int_equal(region_read(f, SIM_GPU_VRAM_BAR, SIM_GPU_VRAM_BYTES - 8, 8, &v), 0);
	assert_true(v == 0x1122334455667788);
	v = 0;
	assert_int_equal(region_read(f, DEVICE_REGION_CONFIG, 0, 4, &v), 0);
	assert_int_equal(v, SIM_GPU_VENDOR_ID | (u32)SIM_GPU_DEVICE_ID << 16);
}

static void test_accesses_outside_a_region_are_refused(void **state)
{
	struct fixture *f = *state;
	u8 data[64] = { 0 };

	assert_int_equal(region_read(f, 0, SIM_GPU_REGS_BYTES, 4, data), EINVAL);
	assert_int_equal(region_read(f, 0, SIM_GPU_REGS_BYTES - 2, 4, data), EINVAL);
	assert_int_equal(region_read(f, 0, ~0ULL, 4, data), EINVAL);
	assert_int_equal(region_read(f, 0, 0, 0, data), EINVAL);
	assert_int_equal(region_read(f, 0, 0, ~0u, data), EINVAL);
	assert_int_equal(region_read(f, 1, 0, 4, data), EINVAL);
	assert_int_equal(region_read(f, 9, 0, 4, data), EINVAL);
	assert_int_equal(region_read(f, ~0u, 0, 4, data), EINVAL);
	assert_int_equal(region_read(f, DEVICE_REGION_CONFIG, PCI_CONFIG_BYTES, 1, data), EINVAL);
	assert_int_equal(region_read(f, SIM_GPU_VRAM_BAR, 0, DEVICE_ACCESS_MAX + 1, data), EINVAL);
	assert_int_equal(region_write(f, 0, SIM_GPU_SCRATCH_REG, 8, data, 4), EINVAL);
	assert_int_equal(region_write(f, 0, ~0ULL - 1, 4, data, 4), EINVAL);
	assert_int_equal(region_read(f, 0, 1, 4, data), EINVAL);
}

static void test_posted_write_gets_no_reply(void **state)
{
	struct fixture *f = *state;
	struct { struct vfio_user_region_access a; u32 v; } m = { { SIM_GPU_SCRATCH_REG, 0, 4 }, 0xabcd };
	u32 v = 0;

	fake_message(&f->client, VFIO_USER_REGION_WRITE, VFIO_USER_NO_REPLY_MASK, &m, sizeof(m.a) + 4);
	assert_int_equal(vfio_user_serve_one(&f->server), 0);
	assert_int_equal(f->client.out_len, 0);
	assert_int_equal(region_read(f, 0, SIM_GPU_SCRATCH_REG, 4, &v), 0);
	assert_int_equal(v, 0xabcd);
}

static void test_write_multi_writes_each_and_refuses_a_wild_count(void **state)
{
	struct fixture *f = *state;
	struct { struct vfio_user_write_multi m; struct vfio_user_write_one w[2]; } m = {
		{ 2 }, { { SIM_GPU_SCRATCH_REG, 0, 4, { 1, 2, 3, 4 } }, { 16, SIM_GPU_VRAM_BAR, 2, { 9, 8 } } },
	};
	u32 v = 0;

	assert_int_equal(error_of(f, VFIO_USER_REGION_WRITE_MULTI, &m, sizeof(m)), 0);
	region_read(f, 0, SIM_GPU_SCRATCH_REG, 4, &v);
	assert_int_equal(v, 0x04030201);
	v = 0;
	region_read(f, SIM_GPU_VRAM_BAR, 16, 2, &v);
	assert_int_equal(v, 0x0809);
	m.m.count = 3;
	assert_int_equal(error_of(f, VFIO_USER_REGION_WRITE_MULTI, &m, sizeof(m)), EINVAL);
	m.m.count = ~0ULL / 24 + 2;
	assert_int_equal(error_of(f, VFIO_USER_REGION_WRITE_MULTI, &m, sizeof(m)), EINVAL);
	m.m.count = 1;
	m.w[0].count = 9;
	assert_int_equal(error_of(f, VFIO_USER_REGION_WRITE_MULTI, &m, sizeof(m)), EINVAL);
}

static void test_mapped_memory_can_be_reached_and_unmapped_cannot(void **state)
{
	struct fixture *f = *state;
	int fd = memory_fd(2 * MIB);
	u32 v = 0x55aa;

	assert_int_equal(map(f, 0x100000, 2 * MIB, fd, 0, 3), 0);
	assert_int_equal(guest_memory_write(f->gpu->memory, 0x100000 + MIB, &v, 4), 0);
	v = 0;
	assert_int_equal(pread(fd, &v, 4, MIB), 4);
	assert_int_equal(v, 0x55aa);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0x100000 + 2 * MIB - 2, &v, 4), -EFAULT);
	/* a hole in the middle leaves both sides */
	assert_int_equal(unmap(f, 0x100000 + MIB, 4096, 0), 0);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0x100000 + MIB, &v, 4), -EFAULT);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0x100000 + MIB - 4, &v, 4), 0);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0x100000 + MIB + 4096, &v, 4), 0);
	assert_int_equal(guest_memory_bytes(f->gpu->memory, NULL), 2 * MIB - 4096);
	close(fd);
}

static void test_unmap_of_unmapped_range_succeeds(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unmap(f, 0, 1ULL << 47, 0), 0);
	assert_int_equal(unmap(f, 0x8000, 4096, 0), 0);
	assert_int_equal(unmap(f, 0, 0, VFIO_USER_UNMAP_ALL_MASK), 0);
	assert_int_equal(unmap(f, 0, 0, 0), EINVAL);
	assert_int_equal(unmap(f, ~0ULL - 4095, 8192, 0), EINVAL);
	assert_int_equal(unmap(f, 0, 4096, 4), EINVAL);
}

static void test_absurd_maps_are_refused_and_leave_nothing(void **state)
{
	struct fixture *f = *state;
	int fd = memory_fd(MIB);
	u32 ranges;

	assert_int_equal(map(f, 0x1000, MIB + 4096, fd, 0, 3), ENXIO);
	assert_int_equal(map(f, 0x1000, MIB, fd, 4096, 3), ENXIO);
	assert_int_equal(map(f, 0x1000, 0, fd, 0, 3), EINVAL);
	assert_int_equal(map(f, ~0ULL - 4095, 8192, fd, 0, 3), EINVAL);
	assert_int_equal(map(f, 0x1001, 4096, fd, 0, 3), EINVAL);
	assert_int_equal(map(f, 0x1000, 4096, fd, ~0ULL << 12, 3), EINVAL);
	assert_int_equal(map(f, 0x1000, 4096, fd, 0, 0x80), EINVAL);
	assert_int_equal(map(f, 0x1000, 4096, fd, 0, 3), 0);
	assert_int_equal(map(f, 0x1000, 4096, fd, 0, 3), EEXIST);
	assert_int_equal(map(f, 0, 1 << 30, -1, 0, 3), EEXIST);
	guest_memory_bytes(f->gpu->memory, &ranges);
	assert_int_equal(ranges, 1);
	close(fd);
}

static void test_map_without_fd_is_known_but_not_reachable(void **state)
{
	struct fixture *f = *state;
	u32 v;

	assert_int_equal(map(f, 0xfd000000, 16 * MIB, -1, 0, 3), 0);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0xfd000000, &v, 4), -EFAULT);
}

static void test_surplus_fds_are_refused_and_closed(void **state)
{
	struct fixture *f = *state;
	struct vfio_user_dma_map m = { sizeof(m), 3, 0, 0, 4096 };
	int fd = memory_fd(4096), next;

	for (u32 n = 2; n < 40; n += 7) {
		while (f->client.nfds < n)
			f->client.fds[f->client.nfds++] = dup(fd);
		assert_int_equal(error_of(f, VFIO_USER_DMA_MAP, &m, sizeof(m)), EINVAL);
	}
	next = dup(fd);
	assert_true(next < fd + 8); /* nothing leaked */
	close(next);
	close(fd);
}

static void test_truncated_file_is_a_fault_not_a_crash(void **state)
{
	struct fixture *f = *state;
	int fd = memory_fd(MIB);
	u32 v = 1;

	assert_int_equal(guest_memory_protect(), 0);
	assert_int_equal(map(f, 0, MIB, fd, 0, 3), 0);
	assert_int_equal(guest_memory_write(f->gpu->memory, 0x8000, &v, 4), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0x8000, &v, 4), -EFAULT);
	assert_int_equal(guest_memory_write(f->gpu->memory, 0x8000, &v, 4), -EFAULT);
	assert_int_equal(guest_memory_load32(f->gpu->memory, 0x8000, &v), -EFAULT);
	close(fd);
}

static void test_read_only_memory_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	int fd = memory_fd(4096);
	u32 v = 7;

	assert_int_equal(map(f, 0, 4096, fd, 0, VFIO_USER_DMA_READ_MASK), 0);
	assert_int_equal(guest_memory_read(f->gpu->memory, 0, &v, 4), 0);
	assert_int_equal(guest_memory_write(f->gpu->memory, 0, &v, 4), -EFAULT);
	close(fd);
}

static u32 set_irqs(struct fixture *f, u32 index, u32 flags, u32 start, u32 count, const int *fds, u32 nfds)
{
	struct vfio_user_irq_set q = { sizeof(q), flags, index, start, count };

	for (u32 i = 0; i < nfds; i++)
		f->client.fds[f->client.nfds++] = dup(fds[i]);
	return error_of(f, VFIO_USER_DEVICE_SET_IRQS, &q, sizeof(q));
}

static void test_eventfd_interrupts_arrive_and_can_be_taken_back(void **state)
{
	struct fixture *f = *state;
	int fd[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	u32 how = VFIO_USER_IRQ_DATA_EVENTFD_MASK | VFIO_USER_IRQ_TRIGGER_MASK;
	u64 n;

	assert_int_equal(set_irqs(f, IRQ_MSIX, how, 1, 2, fd, 2), 0);
	device_raise(f->gpu, IRQ_MSIX, 2);
	assert_int_equal(read(fd[1], &n, 8), 8);
	assert_int_equal(n, 1);
	assert_int_equal(read(fd[0], &n, 8), -1);
	assert_int_equal(set_irqs(f, IRQ_MSIX, how, 2, 1, NULL, 0), 0);
	device_raise(f->gpu, IRQ_MSIX, 2);
	assert_int_equal(read(fd[1], &n, 8), -1);
	device_raise(f->gpu, IRQ_MSIX, 1);
	assert_int_equal(read(fd[0], &n, 8), 8);
	assert_int_equal(set_irqs(f, IRQ_MSIX, VFIO_USER_IRQ_DATA_NONE_MASK | VFIO_USER_IRQ_TRIGGER_MASK, 0, 0, NULL, 0), 0);
	device_raise(f->gpu, IRQ_MSIX, 1);
	assert_int_equal(read(fd[0], &n, 8), -1);
	close(fd[0]);
	close(fd[1]);
}

static void test_absurd_set_irqs_are_refused(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, 0);
	u32 how = VFIO_USER_IRQ_DATA_EVENTFD_MASK | VFIO_USER_IRQ_TRIGGER_MASK;

	assert_int_equal(set_irqs(f, 5, how, 0, 1, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, ~0u, how, 0, 1, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_MSIX, how, SIM_GPU_VECTORS, 1, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_MSIX, how, 1, ~0u, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_MSIX, how, 0, 2, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_MSIX, how | VFIO_USER_IRQ_DATA_BOOL_MASK, 0, 1, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_MSIX, VFIO_USER_IRQ_DATA_EVENTFD_MASK, 0, 1, &fd, 1), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_MSIX, VFIO_USER_IRQ_DATA_BOOL_MASK | VFIO_USER_IRQ_TRIGGER_MASK, 0, 4, NULL, 0), EINVAL);
	assert_int_equal(set_irqs(f, IRQ_INTX, how, 0, 1, &fd, 1), EINVAL);
	close(fd);
}

static void test_reset_clears_registers(void **state)
{
	struct fixture *f = *state;
	u32 v = 77;

	region_write(f, 0, SIM_GPU_SCRATCH_REG, 4, &v, 4);
	assert_int_equal(error_of(f, VFIO_USER_DEVICE_RESET, "", 0), 0);
	region_read(f, 0, SIM_GPU_SCRATCH_REG, 4, &v);
	assert_int_equal(v, 0);
}

/* random bytes behind a plausible header: the server answers or closes, and is alive after */
static void test_random_messages_never_break_the_server(void **state)
{
	u64 seed = 20261122;

	for (int round = 0; round < 20000; round++) {
		struct fixture *f = *state;
		u8 body[80];
		u32 len, command;

		for (size_t i = 0; i < sizeof(body); i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			/* small numbers are more often meaningful */
			body[i] = (seed >> 60) < 11 ? 0 : (u8)(seed >> 33);
		}
		len = (u32)(seed >> 40) % (sizeof(body) + 1);
		command = (u32)(seed >> 20) % 20;
		if (command == VFIO_USER_VERSION)
			continue;
		if ((seed >> 50) % 5 == 0)
			f->client.fds[f->client.nfds++] = memory_fd(1 << 16);
		fake_message(&f->client, (u16)command, (seed >> 55) & 1 ? VFIO_USER_NO_REPLY_MASK : 0, body, len);
		assert_int_equal(vfio_user_serve_one(&f->server), 0);
		f->gpu->ops->work(f->gpu);
	}
	test_registers_and_vram_can_be_read_and_written(state);
}

int main(void)
{
#define FRESH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
#define READY(t) cmocka_unit_test_setup_teardown(t, set_up_negotiated, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_reply_is_never_longer_than_the_request),
		FRESH(test_version_of_another_major_ends_the_connection),
		FRESH(test_version_with_bad_json_is_refused),
		FRESH(test_anything_before_version_ends_the_connection),
		READY(test_second_version_ends_the_connection),
		cmocka_unit_test(test_impossible_size_ends_the_connection),
		READY(test_reply_type_from_a_client_ends_the_connection),
		READY(test_connection_dropped_in_a_message_is_an_error),
		READY(test_unknown_commands_get_an_error_reply),
		READY(test_device_has_pci_regions_and_irqs),
		READY(test_a_region_says_which_parts_can_be_mapped),
		READY(test_registers_and_vram_can_be_read_and_written),
		READY(test_accesses_outside_a_region_are_refused),
		READY(test_posted_write_gets_no_reply),
		READY(test_write_multi_writes_each_and_refuses_a_wild_count),
		READY(test_mapped_memory_can_be_reached_and_unmapped_cannot),
		READY(test_unmap_of_unmapped_range_succeeds),
		READY(test_absurd_maps_are_refused_and_leave_nothing),
		READY(test_map_without_fd_is_known_but_not_reachable),
		READY(test_surplus_fds_are_refused_and_closed),
		READY(test_truncated_file_is_a_fault_not_a_crash),
		READY(test_read_only_memory_cannot_be_written),
		READY(test_eventfd_interrupts_arrive_and_can_be_taken_back),
		READY(test_absurd_set_irqs_are_refused),
		READY(test_reset_clears_registers),
		READY(test_random_messages_never_break_the_server),
	};

	return cmocka_run_group_tests_name("vfio_user", tests, NULL, NULL);
}
