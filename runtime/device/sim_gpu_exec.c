/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The simulated GPU's engines: fetch, copy, fence, present. Every access to system memory goes through the IOMMU. */
#include "runtime/device/sim_gpu_state.h"

/* counters are read by the status line's thread */
static void count(u64 *counter, u64 n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void fault(struct sim_gpu *g, enum sim_gpu_engine engine, u64 iova, u64 len_bytes, bool write)
{
	if (!g->fault_count) {
		g->fault_iova = iova;
		g->fault_info = (write ? 1u : 0) | (u32)engine << 8;
	}
	g->fault_count++;
	count(&g->counters.faults, 1);
	device_emit(&g->d, TRACE_FAULT, -EFAULT, iova, len_bytes, engine, write);
	device_raise(&g->d, IRQ_MSIX, SIM_GPU_VECTOR_FAULT);
}

static int dma(struct sim_gpu *g, enum sim_gpu_engine engine, u64 iova, void *buf, u64 len_bytes, bool write)
{
	u64 fault_iova;
	int err = mapper_copy(g->mapper, g->d.memory, iova, buf, len_bytes, write, &fault_iova);

	if (err)
		fault(g, engine, fault_iova, len_bytes, write);
	return err;
}

static void ring_error(struct sim_gpu *g)
{
	g->ring_error = true;
	g->enabled = false;
}

/* move one piece between VRAM and system memory; Return: bytes moved, 0 after a fault or out of VRAM */
static u64 copy_piece(struct sim_gpu *g, bool upload, u64 vram, u64 iova, u64 len_bytes)
{
	if (vram > SIM_GPU_VRAM_BYTES || len_bytes > SIM_GPU_VRAM_BYTES - vram) {
		ring_error(g);
		return 0;
	}
	if (dma(g, SIM_GPU_ENGINE_COPY, iova, g->vram + vram, len_bytes, !upload))
		return 0;
	count(&g->counters.copied_bytes, len_bytes);
	return len_bytes;
}

static u64 copy(struct sim_gpu *g, const struct sim_gpu_cmd *c)
{
	bool upload = c->op == SIM_GPU_OP_UPLOAD;
	u64 moved = 0;

	if (!c->copy.segments)
		return copy_piece(g, upload, c->copy.vram, c->copy.iova, c->copy.len);
	if (c->copy.segments > SIM_GPU_SEGMENTS_MAX) {
		ring_error(g);
		return 0;
	}
	for (u32 i = 0; i < c->copy.segments; i++) {
		struct sim_gpu_segment s;
		u64 n;

		if (dma(g, SIM_GPU_ENGINE_FETCH, c->copy.list_iova + i * sizeof(s), &s, sizeof(s), false))
			break;
		n = copy_piece(g, upload, c->copy.vram + moved, s.iova, s.len);
		if (n != s.len)
			break;
		moved += n;
	}
	return moved;
}

static void fence(struct sim_gpu *g, const struct sim_gpu_cmd *c)
{
	u64 value = c->fence.value;

	g->fence = value;
	dma(g, SIM_GPU_ENGINE_FENCE, c->fence.iova, &value, sizeof(value), true);
	if (c->flags & SIM_GPU_CMD_IRQ_MASK)
		device_raise(&g->d, IRQ_MSIX, SIM_GPU_VECTOR_FENCE);
}

static void present(struct sim_gpu *g, const struct sim_gpu_cmd *c)
{
	g->frame = c->present.frame;
	count(&g->counters.frames, 1);
	device_emit(&g->d, TRACE_FRAME, 0, c->present.frame, 0, 0, 0);
	if (c->flags & SIM_GPU_CMD_IRQ_MASK)
		device_raise(&g->d, IRQ_MSIX, SIM_GPU_VECTOR_PRESENT);
}

u64 sim_gpu_execute(struct sim_gpu *g)
{
	u64 slot = g->tail & ((1u << g->ring_log2) - 1), moved = 0;
	struct sim_gpu_cmd c;

	_Static_assert(sizeof(c) == SIM_GPU_CMD_BYTES, "a slot is a command");
	if (dma(g, SIM_GPU_ENGINE_FETCH, g->ring_iova + slot * sizeof(c), &c, sizeof(c), false)) {
		ring_error(g);
		return 0;
	}
	switch (c.op) {
	case SIM_GPU_OP_NOP: break;
	case SIM_GPU_OP_UPLOAD:
	case SIM_GPU_OP_DOWNLOAD: moved = copy(g, &c); break;
	case SIM_GPU_OP_FENCE: fence(g, &c); break;
	case SIM_GPU_OP_PRESENT: present(g, &c); break;
	case SIM_GPU_OP_MARK: device_emit_text(&g->d, TRACE_MARK, c.text, sizeof(c.text)); break;
	default: ring_error(g); break;
	}
	count(&g->counters.commands, 1);
	g->tail++;
	return moved;
}
