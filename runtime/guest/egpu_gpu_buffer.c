// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "runtime/guest/egpu_dma.h"
#include "runtime/guest/egpu_gpu_device.h"

/* failing is better than having the OOM killer look for memory: the caller has a smaller wish to fall back to */
#define BUFFER_GFP (GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)
#define RESERVE_PAGES 2048 /* left to the rest of the kernel, whose allocations do look for memory that way */

static u64 chunk_bytes(const struct egpu_buffer *b)
{
	return (u64)PAGE_SIZE << b->order;
}

static struct page *chunk_at(const struct egpu_buffer *b, u32 i)
{
	return b->nchunks == 1 ? b->chunk : b->chunks[i];
}

/* ---- shape: which pages to use ---- */

/* what the driver will use of the wish @wanted_log2: egpu_dma may have said that it cannot promise so much */
static u32 usable_log2(const struct egpu_gpu *g, u32 wanted_log2)
{
	return g->promised_log2 && wanted_log2 > g->promised_log2 ? 0 : wanted_log2;
}

static int choose_shape(struct egpu_gpu *g, struct egpu_alloc *want, struct egpu_buffer *b)
{
	bool contiguous = want->flags & EGPU_BUFFER_CONTIGUOUS;

	if (want->flags & ~EGPU_BUFFER_CONTIGUOUS)
		return -EINVAL;
	if (want->page_log2 && (want->page_log2 < PAGE_SHIFT || want->page_log2 > EGPU_PAGE_LOG2_MAX))
		return -EINVAL;
	if (want->len_bytes == 0 || want->len_bytes % PAGE_SIZE || want->len_bytes > EGPU_BUFFER_BYTES_MAX)
		return -EINVAL;
	if (contiguous && (!is_power_of_2(want->len_bytes) || want->len_bytes > EGPU_CONTIGUOUS_BYTES_MAX))
		return -EINVAL;
	want->used_log2 = usable_log2(g, want->page_log2);
	if (want->used_log2 && want->len_bytes % (1ull << want->used_log2))
		return -EINVAL;
	b->len_bytes = want->len_bytes;
	if (contiguous)
		b->order = get_order(want->len_bytes);
	else
		b->order = want->used_log2 ? want->used_log2 - PAGE_SHIFT : 0;
	b->nchunks = want->len_bytes >> (PAGE_SHIFT + b->order);
	b->attrs = EGPU_DMA_ATTR_ALIGN(want->page_log2);
	return 0;
}

/* ---- memory ---- */

static void free_memory(struct egpu_buffer *b, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		__free_pages(chunk_at(b, i), b->order);
	if (b->nchunks > 1)
		kvfree(b->chunks);
}

static struct page *alloc_chunk(const struct egpu_buffer *b)
{
	if (global_zone_page_state(NR_FREE_PAGES) < RESERVE_PAGES + (1ul << b->order))
		return NULL;
	return alloc_pages(BUFFER_GFP | (b->order ? __GFP_COMP : 0), b->order);
}

static int alloc_memory(struct egpu_buffer *b)
{
	u32 i;

	if (b->nchunks == 1) {
		b->chunk = alloc_chunk(b);
		return b->chunk ? 0 : -ENOMEM;
	}
	b->chunks = kvmalloc_array(b->nchunks, sizeof(*b->chunks), GFP_KERNEL);
	if (!b->chunks)
		return -ENOMEM;
	for (i = 0; i < b->nchunks; i++) {
		b->chunks[i] = alloc_chunk(b);
		if (!b->chunks[i]) {
			free_memory(b, i);
			return -ENOMEM;
		}
	}
	return 0;
}

/* ---- DMA ---- */

static void unmap(struct egpu_gpu *g, struct egpu_buffer *b)
{
	struct device *dev = &g->pdev->dev;

	if (b->list)
		dma_free_coherent(dev, b->table->nents * sizeof(*b->list), b->list, b->list_iova);
	if (!b->table) {
		dma_unmap_page_attrs(dev, b->iova, b->len_bytes, DMA_BIDIRECTIONAL, b->attrs);
		return;
	}
	dma_unmap_sgtable(dev, b->table, DMA_BIDIRECTIONAL, b->attrs);
	sg_free_table(b->table);
	kfree(b->table);
}

static int map_one(struct egpu_gpu *g, struct egpu_buffer *b)
{
	struct device *dev = &g->pdev->dev;

	b->iova = dma_map_page_attrs(dev, b->chunk, 0, b->len_bytes, DMA_BIDIRECTIONAL, b->attrs);
	return dma_mapping_error(dev, b->iova) ? -ENOSPC : 0;
}

static int make_table(struct egpu_buffer *b)
{
	struct scatterlist *sg;
	int i, rc;

	b->table = kmalloc(sizeof(*b->table), GFP_KERNEL);
	if (!b->table)
		return -ENOMEM;
	rc = sg_alloc_table(b->table, b->nchunks, GFP_KERNEL);
	if (rc) {
		kfree(b->table);
		return rc;
	}
	/* neighbours are not merged: a driver that takes single pages maps single pages */
	for_each_sgtable_sg(b->table, sg, i)
		sg_set_page(sg, b->chunks[i], chunk_bytes(b), 0);
	return 0;
}

/* the list of addresses that the device reads */
static int make_list(struct egpu_gpu *g, struct egpu_buffer *b)
{
	struct scatterlist *sg;
	int i;

	b->list = dma_alloc_coherent(&g->pdev->dev, b->table->nents * sizeof(*b->list), &b->list_iova, BUFFER_GFP);
	if (!b->list)
		return -ENOSPC;
	for_each_sgtable_dma_sg(b->table, sg, i)
		b->list[i] = (struct sim_gpu_segment){ sg_dma_address(sg), sg_dma_len(sg) };
	return 0;
}

static int map_list(struct egpu_gpu *g, struct egpu_buffer *b)
{
	int rc = make_table(b);

	if (rc)
		return rc;
	rc = dma_map_sgtable(&g->pdev->dev, b->table, DMA_BIDIRECTIONAL, b->attrs);
	if (rc) {
		sg_free_table(b->table);
		kfree(b->table);
		return -ENOSPC;
	}
	rc = make_list(g, b);
	if (rc)
		unmap(g, b);
	return rc;
}

static bool aligned(const struct egpu_buffer *b, u32 log2)
{
	struct scatterlist *sg;
	int i;

	if (!b->table)
		return IS_ALIGNED(b->iova, 1ull << log2);
	for_each_sgtable_dma_sg(b->table, sg, i) {
		if (!IS_ALIGNED(sg_dma_address(sg), 1ull << log2))
			return false;
	}
	return true;
}

/* ---- whole buffers ---- */

int egpu_buffer_new(struct egpu_gpu *g, struct egpu_alloc *want, struct egpu_buffer **out)
{
	struct egpu_buffer *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int rc;

	if (!b)
		return -ENOMEM;
	rc = choose_shape(g, want, b);
	if (rc)
		goto out_free;
	rc = alloc_memory(b);
	if (rc)
		goto out_free;
	rc = b->nchunks == 1 ? map_one(g, b) : map_list(g, b);
	if (rc)
		goto out_memory;
	if (want->used_log2 && !aligned(b, want->used_log2)) {
		dev_warn_once(&g->pdev->dev, "a buffer of 2^%u byte pages got a DMA address that is not aligned to them; others go unsaid\n",
			      want->used_log2);
		rc = -EINVAL;
		goto out_unmap;
	}
	g->live_buffers++;
	g->live_bytes += b->len_bytes;
	*out = b;
	return 0;

out_unmap:
	unmap(g, b);
out_memory:
	free_memory(b, b->nchunks);
out_free:
	kfree(b);
	return rc;
}

void egpu_buffer_free(struct egpu_gpu *g, struct egpu_buffer *b)
{
	/* if the device does not get there, the unmap below still keeps it away from the memory */
	egpu_gpu_idle_until(g, b->last_use);
	unmap(g, b);
	free_memory(b, b->nchunks);
	g->live_buffers--;
	g->live_bytes -= b->len_bytes;
	kfree(b);
}

int egpu_buffer_copy(struct egpu_gpu *g, struct egpu_buffer *b, bool upload, u64 vram_bytes)
{
	struct sim_gpu_cmd cmd = { .op = upload ? SIM_GPU_OP_UPLOAD : SIM_GPU_OP_DOWNLOAD };
	int rc;

	if (vram_bytes > g->vram_bytes || b->len_bytes > g->vram_bytes - vram_bytes)
		return -EINVAL;
	cmd.copy.vram = vram_bytes;
	if (b->table) {
		cmd.copy.segments = b->table->nents;
		cmd.copy.list_iova = b->list_iova;
	} else {
		cmd.copy.iova = b->iova;
		cmd.copy.len = b->len_bytes;
	}
	rc = egpu_gpu_queue(g, &cmd);
	if (rc == 0)
		b->last_use = g->head;
	return rc;
}

void egpu_buffer_fill(struct egpu_buffer *b, u64 seed)
{
	u64 words = chunk_bytes(b) / sizeof(u64), index = 0, k;
	u32 i;

	for (i = 0; i < b->nchunks; i++) {
		u64 *data = page_address(chunk_at(b, i));

		for (k = 0; k < words; k++)
			data[k] = egpu_pattern_word(seed, index++);
		cond_resched();
	}
}

u64 egpu_buffer_check(struct egpu_buffer *b, u64 seed)
{
	u64 words = chunk_bytes(b) / sizeof(u64), index = 0, k;
	u32 i;

	for (i = 0; i < b->nchunks; i++) {
		const u64 *data = page_address(chunk_at(b, i));

		for (k = 0; k < words; k++, index++) {
			if (READ_ONCE(data[k]) != egpu_pattern_word(seed, index))
				return index * sizeof(u64);
		}
		cond_resched();
	}
	return ~0ull;
}
