// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/delay.h>
#include <linux/dma-mapping.h>

#include "runtime/guest/egpu_gpu_device.h"

#define RING_BYTES (EGPU_GPU_RING_SLOTS * SIM_GPU_CMD_BYTES)

static_assert(sizeof(struct sim_gpu_cmd) == SIM_GPU_CMD_BYTES);

int egpu_gpu_ring_start(struct egpu_gpu *g)
{
	struct device *dev = &g->pdev->dev;

	g->ring = dma_alloc_coherent(dev, RING_BYTES + PAGE_SIZE, &g->ring_iova, GFP_KERNEL);
	if (!g->ring) {
		dev_err(dev, "no memory for the command ring, or it could not be mapped for DMA\n");
		return -ENOMEM;
	}
	g->fence = (u64 *)((char *)g->ring + RING_BYTES);
	*g->fence = 0;
	writel(SIM_GPU_CONTROL_RESET_MASK, g->regs + SIM_GPU_CONTROL_REG);
	writel(lower_32_bits(g->ring_iova), g->regs + SIM_GPU_RING_IOVA_LO_REG);
	writel(upper_32_bits(g->ring_iova), g->regs + SIM_GPU_RING_IOVA_HI_REG);
	writel(EGPU_GPU_RING_LOG2, g->regs + SIM_GPU_RING_LOG2_REG);
	writel(SIM_GPU_CONTROL_ENABLE_MASK, g->regs + SIM_GPU_CONTROL_REG);
	if (!(readl(g->regs + SIM_GPU_STATUS_REG) & SIM_GPU_STATUS_ENABLED_MASK)) {
		dev_err(dev, "the device does not take the command ring\n");
		egpu_gpu_ring_stop(g);
		return -EIO;
	}
	return 0;
}

void egpu_gpu_ring_stop(struct egpu_gpu *g)
{
	writel(SIM_GPU_CONTROL_RESET_MASK, g->regs + SIM_GPU_CONTROL_REG);
	/* the read comes back after the reset is done, so no DMA is under way when the memory goes */
	readl(g->regs + SIM_GPU_STATUS_REG);
	dma_free_coherent(&g->pdev->dev, RING_BYTES + PAGE_SIZE, g->ring, g->ring_iova);
	g->ring = NULL;
}

static bool usable(struct egpu_gpu *g)
{
	return !READ_ONCE(g->gone) && !READ_ONCE(g->wedged);
}

static bool ring_full(struct egpu_gpu *g)
{
	u32 tail;

	if (g->head - g->tail < EGPU_GPU_RING_SLOTS)
		return false;
	tail = readl(g->regs + SIM_GPU_RING_TAIL_REG);
	g->tail = g->head - (u32)((u32)g->head - tail);
	return g->head - g->tail >= EGPU_GPU_RING_SLOTS;
}

int egpu_gpu_queue(struct egpu_gpu *g, const struct sim_gpu_cmd *cmd)
{
	unsigned long end = jiffies + msecs_to_jiffies(EGPU_GPU_PATIENCE_MS);

	if (g->gone)
		return -ENODEV;
	while (ring_full(g)) {
		if (!usable(g))
			return -EIO;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		usleep_range(50, 200);
	}
	if (!usable(g))
		return -EIO;
	g->ring[g->head % EGPU_GPU_RING_SLOTS] = *cmd;
	g->head++;
	/* writel() orders the command before the doorbell */
	writel((u32)g->head, g->regs + SIM_GPU_RING_HEAD_REG);
	return 0;
}

/* a fence's value is the number of commands up to and including itself, so it also says how far the ring is executed */
int egpu_gpu_queue_fence(struct egpu_gpu *g, u64 *value)
{
	struct sim_gpu_cmd cmd = { .op = SIM_GPU_OP_FENCE, .flags = SIM_GPU_CMD_IRQ_MASK };

	*value = g->head + 1;
	cmd.fence.iova = g->ring_iova + RING_BYTES;
	cmd.fence.value = *value;
	return egpu_gpu_queue(g, &cmd);
}

static bool reached(struct egpu_gpu *g, u64 value)
{
	return READ_ONCE(g->fence_seen) >= value;
}

int egpu_gpu_wait(struct egpu_gpu *g, u64 value, u32 timeout_ms)
{
	unsigned long timeout = msecs_to_jiffies(min(timeout_ms, 1000u * 3600));
	long left = wait_event_interruptible_timeout(g->wait, !usable(g) || reached(g, value), timeout);

	if (left < 0)
		return left;
	if (READ_ONCE(g->gone))
		return -ENODEV;
	if (reached(g, value))
		return 0;
	return g->wedged ? -EIO : -ETIMEDOUT;
}

int egpu_gpu_idle_until(struct egpu_gpu *g, u64 position)
{
	u64 value;
	int rc;

	if (reached(g, position))
		return 0;
	rc = egpu_gpu_queue_fence(g, &value);
	if (rc)
		return rc;
	wait_event_timeout(g->wait, !usable(g) || reached(g, value), msecs_to_jiffies(EGPU_GPU_PATIENCE_MS));
	if (reached(g, value))
		return 0;
	if (usable(g))
		dev_err(&g->pdev->dev, "the device has not reached a fence for %u s; it gets no more commands\n", EGPU_GPU_PATIENCE_MS / 1000);
	WRITE_ONCE(g->wedged, true);
	return -EIO;
}
