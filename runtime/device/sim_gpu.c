/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/device/sim_gpu_state.h"

/* work() gives the thread back to the client after about this much; keeps a register read's latency low */
#define WORK_BYTES (4u << 20)
#define WORK_COMMANDS 256u

static struct sim_gpu *gpu_of(struct device *d)
{
	return (struct sim_gpu *)d;
}

static u32 status(const struct sim_gpu *g)
{
	return (g->enabled ? SIM_GPU_STATUS_ENABLED_MASK : 0) | (g->head != g->tail ? SIM_GPU_STATUS_BUSY_MASK : 0) |
	       (g->ring_error ? SIM_GPU_STATUS_RING_ERROR_MASK : 0) | (g->fault_count ? SIM_GPU_STATUS_FAULT_MASK : 0);
}

static u32 register_read(const struct device *d, u64 reg)
{
	const struct sim_gpu *g = (const struct sim_gpu *)d;

	switch (reg) {
	case SIM_GPU_ID_REG: return SIM_GPU_ID_VAL;
	case SIM_GPU_VERSION_REG: return SIM_GPU_VERSION_VAL;
	case SIM_GPU_STATUS_REG: return status(g);
	case SIM_GPU_VRAM_LO_REG: return SIM_GPU_VRAM_BYTES;
	case SIM_GPU_RING_IOVA_LO_REG: return (u32)g->ring_iova;
	case SIM_GPU_RING_IOVA_HI_REG: return (u32)(g->ring_iova >> 32);
	case SIM_GPU_RING_LOG2_REG: return g->ring_log2;
	case SIM_GPU_RING_HEAD_REG: return g->head;
	case SIM_GPU_RING_TAIL_REG: return g->tail;
	case SIM_GPU_FENCE_LO_REG: return (u32)g->fence;
	case SIM_GPU_FENCE_HI_REG: return (u32)(g->fence >> 32);
	case SIM_GPU_FAULT_COUNT_REG: return g->fault_count;
	case SIM_GPU_FAULT_IOVA_LO_REG: return (u32)g->fault_iova;
	case SIM_GPU_FAULT_IOVA_HI_REG: return (u32)(g->fault_iova >> 32);
	case SIM_GPU_FAULT_INFO_REG: return g->fault_info;
	case SIM_GPU_FRAME_REG: return g->frame;
	case SIM_GPU_SCRATCH_REG: return g->scratch;
	default: return 0;
	}
}

static void power_on(struct sim_gpu *g)
{
	g->enabled = g->ring_error = false;
	g->ring_iova = g->fence = g->fault_iova = 0;
	g->ring_log2 = g->head = g->tail = 0;
	g->fault_count = g->fault_info = g->frame = g->scratch = 0;
}

static void control(struct sim_gpu *g, u32 v)
{
	if (v & SIM_GPU_CONTROL_RESET_MASK) {
		power_on(g);
		device_emit(&g->d, TRACE_RESET, 0, DEVICE_RESET_GUEST, 0, 0, 0);
	}
	if (v & SIM_GPU_CONTROL_ENABLE_MASK) {
		g->ring_error = g->ring_log2 < 4 || g->ring_log2 > 16 || (g->ring_iova & (SIM_GPU_CMD_BYTES - 1));
		g->enabled = !g->ring_error;
	}
}

static void doorbell(struct sim_gpu *g, u32 head)
{
	if (!g->enabled)
		return;
	if (head - g->tail > 1u << g->ring_log2) {
		g->ring_error = true;
		g->enabled = false;
		return;
	}
	g->head = head;
}

static void register_write(struct device *d, u64 reg, u32 v)
{
	struct sim_gpu *g = gpu_of(d);

	switch (reg) {
	case SIM_GPU_CONTROL_REG: control(g, v); break;
	case SIM_GPU_RING_IOVA_LO_REG: g->ring_iova = (g->ring_iova & ~0xffffffffULL) | v; break;
	case SIM_GPU_RING_IOVA_HI_REG: g->ring_iova = (u64)v << 32 | (u32)g->ring_iova; break;
	case SIM_GPU_RING_LOG2_REG:
		if (!g->enabled)
			g->ring_log2 = v;
		break;
	case SIM_GPU_RING_HEAD_REG: doorbell(g, v); break;
	case SIM_GPU_FAULT_COUNT_REG:
		g->fault_count = g->fault_info = 0;
		g->fault_iova = 0;
		break;
	case SIM_GPU_SCRATCH_REG: g->scratch = v; break;
	default: break;
	}
}

static int gpu_read(struct device *d, u32 region, u64 offset, void *buf, u32 len)
{
	struct sim_gpu *g = gpu_of(d);

	if (region == SIM_GPU_VRAM_BAR) {
		memcpy(buf, g->vram + offset, len);
		return 0;
	}
	return device_read_registers(d, offset, buf, len, register_read);
}

static int gpu_write(struct device *d, u32 region, u64 offset, const void *buf, u32 len)
{
	struct sim_gpu *g = gpu_of(d);

	if (region == SIM_GPU_VRAM_BAR) {
		memcpy(g->vram + offset, buf, len);
		return 0;
	}
	return device_write_registers(d, offset, buf, len, register_write);
}

static void gpu_reset(struct device *d, enum device_reset_cause cause)
{
	(void)cause;
	power_on(gpu_of(d));
}

static int gpu_work(struct device *d)
{
	struct sim_gpu *g = gpu_of(d);
	u64 moved = 0;

	for (u32 n = 0; g->enabled && g->head != g->tail; n++) {
		if (n == WORK_COMMANDS || moved >= WORK_BYTES)
			return 0;
		moved += sim_gpu_execute(g);
	}
	return -1;
}

/* a file, so that the client can map it */
static int make_vram(struct sim_gpu *g)
{
	g->vram_fd = memfd_create("sim-gpu-vram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (g->vram_fd < 0)
		return -errno;
	/* sealed, or a client could take the memory away under us */
	g->vram = ftruncate(g->vram_fd, SIM_GPU_VRAM_BYTES) || fcntl(g->vram_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ? MAP_FAILED :
		  mmap(NULL, SIM_GPU_VRAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, g->vram_fd, 0);
	if (g->vram != MAP_FAILED)
		return 0;
	close(g->vram_fd);
	return -ENOMEM;
}

static void drop_vram(struct sim_gpu *g)
{
	munmap(g->vram, SIM_GPU_VRAM_BYTES);
	close(g->vram_fd);
}

static void gpu_free(struct device *d)
{
	struct sim_gpu *g = gpu_of(d);

	drop_vram(g);
	device_fini(d);
	free(g);
}

static const struct device_ops gpu_ops = {
	.read = gpu_read, .write = gpu_write, .reset = gpu_reset, .work = gpu_work, .free = gpu_free,
};

/* QEMU warns about a device that cannot announce errors (AER); ours never has one to announce */
static const u32 vectors[IRQ_TYPES] = { [IRQ_MSIX] = SIM_GPU_VECTORS, [IRQ_ERR] = 1 };

struct device *sim_gpu_new(struct mapper *mapper)
{
	struct sim_gpu *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->mapper = mapper;
	if (make_vram(g))
		goto out_free;
	if (device_init(&g->d, &gpu_ops, "sim-gpu", vectors))
		goto out_vram;
	pci_config_init(&g->d.config, SIM_GPU_VENDOR_ID, SIM_GPU_DEVICE_ID, SIM_GPU_CLASS, 1);
	pci_config_bar(&g->d.config, SIM_GPU_REGS_BAR, false, false);
	pci_config_bar(&g->d.config, SIM_GPU_VRAM_BAR, true, true);
	pci_config_express(&g->d.config);
	pci_config_msix(&g->d.config, SIM_GPU_VECTORS, SIM_GPU_REGS_BAR, SIM_GPU_MSIX_TABLE_OFFSET, SIM_GPU_MSIX_PBA_OFFSET);
	device_region(&g->d, SIM_GPU_REGS_BAR, SIM_GPU_REGS_BYTES);
	device_region(&g->d, SIM_GPU_VRAM_BAR, SIM_GPU_VRAM_BYTES);
	g->d.map_fd = g->vram_fd;
	g->d.areas[g->d.nareas++] = (struct device_area){ SIM_GPU_VRAM_BAR, { 0, SIM_GPU_VRAM_BYTES } };
	return &g->d;

out_vram:
	drop_vram(g);
out_free:
	free(g);
	return NULL;
}

void sim_gpu_counters(const struct device *d, struct sim_gpu_counters *out)
{
	const struct sim_gpu_counters *c = &((const struct sim_gpu *)d)->counters;

	out->frames = __atomic_load_n(&c->frames, __ATOMIC_RELAXED);
	out->faults = __atomic_load_n(&c->faults, __ATOMIC_RELAXED);
	out->copied_bytes = __atomic_load_n(&c->copied_bytes, __ATOMIC_RELAXED);
	out->commands = __atomic_load_n(&c->commands, __ATOMIC_RELAXED);
}
