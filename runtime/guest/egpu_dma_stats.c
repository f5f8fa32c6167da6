// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Counters: one read-only file per value in /sys/kernel/debug/egpu_dma (of a second companion: egpu_dma-ADDRESS), named as in struct
 * coalesce_stats. Switches: quirk-NAME takes "on" and
 * "off" and shows what the quirk did.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "runtime/guest/egpu_dma_device.h"

#define COUNTER(field) { #field, offsetof(struct coalesce_stats, field) }

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(map_requests), COUNTER(unmap_requests), COUNTER(failed_requests), COUNTER(unknown_unmaps),
	COUNTER(hits), COUNTER(host_maps), COUNTER(host_unmaps), COUNTER(host_batches), COUNTER(host_failures),
	COUNTER(live_requests), COUNTER(live_request_bytes), COUNTER(peak_requests), COUNTER(peak_request_bytes),
	COUNTER(live_mappings), COUNTER(live_mapped_bytes), COUNTER(peak_mappings), COUNTER(peak_mapped_bytes),
	COUNTER(align_wanted), COUNTER(align_downgraded), COUNTER(align_missed),
};

static int policy_show(struct seq_file *file, void *unused)
{
	struct egpu_dma *e = file->private;

	seq_printf(file, "%s\n", e->policy);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(policy);

static int align_show(struct seq_file *file, void *unused)
{
	struct egpu_dma *e = file->private;

	seq_printf(file, "%s\n", align_shim_name(e->cfg.shim));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(align);

static int target_show(struct seq_file *file, void *unused)
{
	struct egpu_dma *e = file->private;

	mutex_lock(&e->target_lock);
	seq_printf(file, "%s\n", e->target ? pci_name(e->target) : "none");
	mutex_unlock(&e->target_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(target);

static int quirk_show(struct seq_file *file, void *unused)
{
	egpu_dma_quirk_show(file->private, file);
	return 0;
}

static int quirk_open(struct inode *inode, struct file *file)
{
	return single_open(file, quirk_show, inode->i_private);
}

static ssize_t quirk_write(struct file *file, const char __user *text, size_t n, loff_t *pos)
{
	bool on;
	int rc = kstrtobool_from_user(text, n, &on);

	if (rc)
		return rc;
	egpu_dma_quirk_switch(((struct seq_file *)file->private_data)->private, on);
	return n;
}

static const struct file_operations quirk_fops = {
	.owner = THIS_MODULE, .open = quirk_open, .read = seq_read, .write = quirk_write, .llseek = seq_lseek, .release = single_release,
};

static void add_quirks(struct egpu_dma *e)
{
	struct egpu_dma_quirk_state *quirk;
	char name[64];
	unsigned int i;

	for (i = 0; (quirk = egpu_dma_quirk_at(e, i)); i++) {
		snprintf(name, sizeof(name), "quirk-%s", egpu_dma_quirk_name(quirk));
		debugfs_create_file(name, 0644, e->debugfs, quirk, &quirk_fops);
	}
}

void egpu_dma_stats_start(struct egpu_dma *e)
{
	char *stats = (char *)coalesce_stats(e->core);
	struct dentry *taken = debugfs_lookup("egpu_dma", NULL);
	unsigned int i;
	char name[64];

	snprintf(name, sizeof(name), taken ? "egpu_dma-%s" : "egpu_dma", pci_name(e->companion));
	dput(taken);
	e->debugfs = debugfs_create_dir(name, NULL);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		debugfs_create_u64(counters[i].name, 0444, e->debugfs, (u64 *)(stats + counters[i].offset));
	debugfs_create_u64("ring_waits", 0444, e->debugfs, &e->ring_waits);
	debugfs_create_u32("ring_records", 0444, e->debugfs, &e->ring_capacity);
	debugfs_create_file("policy", 0444, e->debugfs, e, &policy_fops);
	debugfs_create_file("align", 0444, e->debugfs, e, &align_fops);
	debugfs_create_file("target", 0444, e->debugfs, e, &target_fops);
	add_quirks(e);
}

void egpu_dma_stats_stop(struct egpu_dma *e)
{
	debugfs_remove_recursive(e->debugfs);
}
