// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/utsname.h>

#include "runtime/guest/egpu_dma_device.h"

#ifdef __BIG_ENDIAN
#error companion structures are little-endian
#endif

#define PATIENCE_NS (10ull * NSEC_PER_SEC)
#define SPINS_PER_LOOK 65536u /* between looks at the clock and at the companion's status, which are exits to the host */

static u32 read_reg(struct egpu_dma *e, u32 reg)
{
	return readl(e->regs + reg);
}

static void write_reg(struct egpu_dma *e, u32 reg, u32 value)
{
	writel(value, e->regs + reg);
}

static void write_reg64(struct egpu_dma *e, u32 reg_lo, u64 value)
{
	write_reg(e, reg_lo, lower_32_bits(value));
	write_reg(e, reg_lo + 4, upper_32_bits(value));
}

static u64 read_reg64(struct egpu_dma *e, u32 reg_lo)
{
	u64 low = read_reg(e, reg_lo);

	return low | (u64)read_reg(e, reg_lo + 4) << 32;
}

/* the wait for the host: memory is polled, so it may happen in atomic context; it ends after PATIENCE_NS or when the host gives up */
struct wait {
	u64 end_ns;
	u32 spins;
};

static int wait_more(struct egpu_dma *e, struct wait *w)
{
	u32 status;

	cpu_relax();
	if (++w->spins % SPINS_PER_LOOK)
		return 0;
	status = read_reg(e, COMPANION_STATUS_REG);
	if (status)
		dev_err(&e->companion->dev, "the companion ended its service (status 0x%x)\n", status);
	else if (ktime_get_mono_fast_ns() < w->end_ns)
		return 0;
	else
		dev_err(&e->companion->dev, "the companion has not answered for %llu s\n", PATIENCE_NS / NSEC_PER_SEC);
	dev_err(&e->companion->dev, "all further DMA requests fail; reload egpu_dma once the host serves again\n");
	e->dead = status ? -EIO : -ETIMEDOUT;
	return e->dead;
}

static int run_command(struct egpu_dma *e, enum companion_op op, u32 n)
{
	struct wait w = { .end_ns = ktime_get_mono_fast_ns() + PATIENCE_NS };
	int rc;

	if (e->dead)
		return e->dead;
	if (++e->seq == 0)
		e->seq = 1;
	e->command->op = op;
	e->command->count = n;
	e->command->status = -EIO;
	WRITE_ONCE(e->command->done, 0);
	/* writel() orders the stores above before the doorbell */
	write_reg(e, COMPANION_DOORBELL_REG, e->seq);
	while (smp_load_acquire(&e->command->done) != e->seq) {
		rc = wait_more(e, &w);
		if (rc)
			return rc;
	}
	return e->command->status;
}

int egpu_dma_host_submit(void *ctx, enum companion_op op, struct companion_entry *entries, u32 n)
{
	struct egpu_dma *e = ctx;

	/* core was given the command block's own entries to fill */
	if (WARN_ON_ONCE(entries != e->command->entries))
		return -EIO;
	return run_command(e, op, n);
}

static int ring_wait(struct egpu_dma *e)
{
	struct wait w = { .end_ns = ktime_get_mono_fast_ns() + PATIENCE_NS };
	int rc;

	e->ring_waits++;
	write_reg(e, COMPANION_RING_BELL_REG, 1);
	for (;;) {
		e->ring_tail = smp_load_acquire(&e->ring->tail);
		if (e->ring_head - e->ring_tail < e->ring_capacity)
			return 0;
		rc = wait_more(e, &w);
		if (rc)
			return rc;
	}
}

void egpu_dma_host_record(struct egpu_dma *e, const struct companion_record *record)
{
	if (!e->ring || e->dead)
		return;
	if (e->ring_head - e->ring_tail >= e->ring_capacity)
		e->ring_tail = smp_load_acquire(&e->ring->tail);
	if (e->ring_head - e->ring_tail >= e->ring_capacity && ring_wait(e))
		return;
	e->ring->records[e->ring_head & (e->ring_capacity - 1)] = *record;
	smp_store_release(&e->ring->head, ++e->ring_head);
}

static int refuse(struct egpu_dma *e, const char *what, u32 is, u32 want)
{
	dev_err(&e->companion->dev, "the companion's %s is 0x%x, this module speaks 0x%x: host and guest module do not match\n", what, is, want);
	return -ENODEV;
}

int egpu_dma_host_identify(struct egpu_dma *e)
{
	static const struct {
		const char *what;
		u32 reg, want;
	} known[] = {
		{ "magic", COMPANION_MAGIC_REG, COMPANION_MAGIC_VAL },
		{ "version", COMPANION_VERSION_REG, COMPANION_VERSION_VAL },
		{ "entry size", COMPANION_ENTRY_BYTES_REG, sizeof(struct companion_entry) },
		{ "record size", COMPANION_RECORD_BYTES_REG, sizeof(struct companion_record) },
	};
	unsigned int i;
	u32 batch;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		u32 is = read_reg(e, known[i].reg);

		if (is != known[i].want)
			return refuse(e, known[i].what, is, known[i].want);
	}
	batch = read_reg(e, COMPANION_BATCH_MAX_REG);
	if (batch == 0)
		return refuse(e, "batch size", batch, COMPANION_BATCH_MAX);
	e->cfg.batch_max = min(batch, COMPANION_BATCH_MAX);
	e->cfg.granule_log2 = read_reg(e, COMPANION_GRANULE_LOG2_REG);
	if (e->cfg.granule_log2 < ALIGN_GRANULE_LOG2_MIN || e->cfg.granule_log2 > ALIGN_GRANULE_LOG2_MAX)
		return refuse(e, "granule", e->cfg.granule_log2, 14);
	e->target_id = read_reg(e, COMPANION_TARGET_ID_REG);
	e->cfg.max_bytes = read_reg64(e, COMPANION_MAX_BYTES_LO_REG);
	e->cfg.host_mappings = read_reg64(e, COMPANION_MAX_MAPPINGS_LO_REG);
	dev_info(&e->companion->dev, "the host maps granules of %u KiB, at most %llu mappings and %llu MiB\n", 1u << (e->cfg.granule_log2 - 10),
		 e->cfg.host_mappings, e->cfg.max_bytes >> 20);
	return 0;
}

static int host_memory(struct egpu_dma *e, u32 ring_records, bool with_ring)
{
	e->command_bytes = COMPANION_COMMAND_BYTES(e->cfg.batch_max);
	e->command = alloc_pages_exact(e->command_bytes, GFP_KERNEL | __GFP_ZERO);
	if (!e->command)
		return -ENOMEM;
	if (!with_ring)
		return 0;
	e->ring_bytes = COMPANION_RING_BYTES(ring_records);
	e->ring = alloc_pages_exact(e->ring_bytes, GFP_KERNEL | __GFP_ZERO);
	if (!e->ring)
		return -ENOMEM;
	e->ring_capacity = ring_records;
	return 0;
}

int egpu_dma_host_start(struct egpu_dma *e, u32 ring_records)
{
	u32 features = read_reg(e, COMPANION_FEATURES_REG) & COMPANION_F_REQUEST_RING;
	int rc = host_memory(e, ring_records, features & COMPANION_F_REQUEST_RING);

	if (rc) {
		dev_err(&e->companion->dev, "no contiguous memory for a ring of %u records; load with a smaller ring_records=\n", ring_records);
		return rc;
	}
	write_reg(e, COMPANION_RESET_REG, 1);
	write_reg(e, COMPANION_FEATURES_ACK_REG, features);
	write_reg64(e, COMPANION_CMD_GPA_LO_REG, virt_to_phys(e->command));
	if (e->ring) {
		write_reg64(e, COMPANION_RING_GPA_LO_REG, virt_to_phys(e->ring));
		write_reg(e, COMPANION_RING_BYTES_REG, e->ring_bytes);
	}
	write_reg64(e, COMPANION_GUEST_TIME_LO_REG, ktime_get_ns());
	snprintf(e->command->text, sizeof(e->command->text), "%s align=%s kernel=%s", e->policy, align_shim_name(e->cfg.shim),
		 init_utsname()->release);
	rc = run_command(e, COMPANION_OP_HELLO, 0);
	if (rc)
		dev_err(&e->companion->dev, "the companion refused the hello (error %d)\n", rc);
	return rc;
}

void egpu_dma_host_stop(struct egpu_dma *e)
{
	/* the read makes sure that the host has let go of the memory before it is freed */
	if (e->command) {
		write_reg(e, COMPANION_RESET_REG, 1);
		read_reg(e, COMPANION_STATUS_REG);
		free_pages_exact(e->command, e->command_bytes);
	}
	if (e->ring)
		free_pages_exact(e->ring, e->ring_bytes);
	e->command = NULL;
	e->ring = NULL;
}
