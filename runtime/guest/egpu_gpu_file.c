// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "runtime/guest/egpu_gpu_device.h"

static struct egpu_buffer *find_buffer(struct egpu_file *f, u32 handle)
{
	return xa_load(&f->buffers, handle);
}

static int do_alloc(struct egpu_file *f, struct egpu_alloc *a)
{
	struct egpu_buffer *b;
	int rc = egpu_buffer_new(f->gpu, a, &b);

	if (rc)
		return rc;
	rc = xa_alloc(&f->buffers, &a->handle, b, xa_limit_31b, GFP_KERNEL);
	if (rc)
		egpu_buffer_free(f->gpu, b);
	return rc;
}

static int do_free(struct egpu_file *f, u32 *handle)
{
	struct egpu_buffer *b = xa_erase(&f->buffers, *handle);

	if (!b)
		return -ENOENT;
	egpu_buffer_free(f->gpu, b);
	return 0;
}

static int do_fill(struct egpu_file *f, struct egpu_pattern *p)
{
	struct egpu_buffer *b = find_buffer(f, p->handle);

	if (!b)
		return -ENOENT;
	egpu_buffer_fill(b, p->seed);
	return 0;
}

static int do_check(struct egpu_file *f, struct egpu_pattern *p)
{
	struct egpu_buffer *b = find_buffer(f, p->handle);

	if (!b)
		return -ENOENT;
	p->mismatch_bytes = egpu_buffer_check(b, p->seed);
	return 0;
}

static int do_copy(struct egpu_file *f, struct egpu_copy *c)
{
	struct egpu_buffer *b = find_buffer(f, c->handle);

	return b ? egpu_buffer_copy(f->gpu, b, c->upload, c->vram_bytes) : -ENOENT;
}

static int do_fence(struct egpu_file *f, u64 *value)
{
	return egpu_gpu_queue_fence(f->gpu, value);
}

static int do_present(struct egpu_file *f, u32 *frame)
{
	struct sim_gpu_cmd cmd = { .op = SIM_GPU_OP_PRESENT, .flags = SIM_GPU_CMD_IRQ_MASK, .present.frame = *frame };

	return egpu_gpu_queue(f->gpu, &cmd);
}

static int do_mark(struct egpu_file *f, struct egpu_mark *m)
{
	struct sim_gpu_cmd cmd = { .op = SIM_GPU_OP_MARK };

	static_assert(sizeof(cmd.text) == sizeof(m->text));
	strscpy(cmd.text, m->text, sizeof(cmd.text));
	return egpu_gpu_queue(f->gpu, &cmd);
}

static int do_vram(struct egpu_file *f, struct egpu_vram *v)
{
	struct egpu_gpu *g = f->gpu;
	void __user *user = u64_to_user_ptr(v->data);
	void *data;
	int rc = 0;

	if (v->len_bytes == 0 || v->len_bytes > EGPU_PAGE_BYTES || v->vram_bytes > g->vram_bytes || v->len_bytes > g->vram_bytes - v->vram_bytes)
		return -EINVAL;
	data = v->write ? memdup_user(user, v->len_bytes) : kzalloc(v->len_bytes, GFP_KERNEL);
	if (IS_ERR_OR_NULL(data))
		return data ? PTR_ERR(data) : -ENOMEM;
	if (v->write)
		memcpy_toio(g->vram + v->vram_bytes, data, v->len_bytes);
	else
		memcpy_fromio(data, g->vram + v->vram_bytes, v->len_bytes);
	if (!v->write && copy_to_user(user, data, v->len_bytes))
		rc = -EFAULT;
	kfree(data);
	return rc;
}

static int do_fragment(struct egpu_file *f, struct egpu_fragment *frag)
{
	return egpu_fragment(&f->ballast, frag);
}

static int do_stats(struct egpu_file *f, struct egpu_stats *s)
{
	struct egpu_gpu *g = f->gpu;

	*s = (struct egpu_stats){
		.vram_bytes = g->vram_bytes,
		.promised_log2 = g->promised_log2,
		.live_buffers = g->live_buffers,
		.live_bytes = g->live_bytes,
		.faults = READ_ONCE(g->faults),
		.first_fault_iova = READ_ONCE(g->first_fault_iova),
		.fence_irqs = READ_ONCE(g->fence_irqs),
		.fault_irqs = READ_ONCE(g->fault_irqs),
		.present_irqs = READ_ONCE(g->present_irqs),
		.commands = g->head,
	};
	return 0;
}

union request_arg {
	struct egpu_alloc alloc;
	struct egpu_pattern pattern;
	struct egpu_copy copy;
	struct egpu_vram vram;
	struct egpu_wait wait;
	struct egpu_mark mark;
	struct egpu_fragment fragment;
	struct egpu_stats stats;
	u32 number;
	u64 value;
};

static int dispatch(struct egpu_file *f, unsigned int request, union request_arg *arg)
{
	switch (request) {
	case EGPU_IOC_ALLOC:
		return do_alloc(f, &arg->alloc);
	case EGPU_IOC_FREE:
		return do_free(f, &arg->number);
	case EGPU_IOC_FILL:
		return do_fill(f, &arg->pattern);
	case EGPU_IOC_CHECK:
		return do_check(f, &arg->pattern);
	case EGPU_IOC_COPY:
		return do_copy(f, &arg->copy);
	case EGPU_IOC_FENCE:
		return do_fence(f, &arg->value);
	case EGPU_IOC_PRESENT:
		return do_present(f, &arg->number);
	case EGPU_IOC_MARK:
		return do_mark(f, &arg->mark);
	case EGPU_IOC_VRAM:
		return do_vram(f, &arg->vram);
	case EGPU_IOC_FRAGMENT:
		return do_fragment(f, &arg->fragment);
	case EGPU_IOC_STATS:
		return do_stats(f, &arg->stats);
	default:
		return -ENOTTY;
	}
}

static int run_request(struct egpu_file *f, unsigned int request, union request_arg *arg)
{
	struct egpu_gpu *g = f->gpu;
	int rc;

	/* the one that sleeps for long, and so without the lock */
	if (request == EGPU_IOC_WAIT)
		return egpu_gpu_wait(g, arg->wait.value, arg->wait.timeout_ms);
	mutex_lock(&g->lock);
	rc = g->gone ? -ENODEV : dispatch(f, request, arg);
	mutex_unlock(&g->lock);
	return rc;
}

static long file_ioctl(struct file *file, unsigned int request, unsigned long user)
{
	union request_arg arg = {};
	size_t bytes = _IOC_SIZE(request);
	int rc;

	if (_IOC_TYPE(request) != 'E' || bytes > sizeof(arg))
		return -ENOTTY;
	if (_IOC_DIR(request) & _IOC_WRITE && copy_from_user(&arg, (void __user *)user, bytes))
		return -EFAULT;
	rc = run_request(file->private_data, request, &arg);
	if (rc)
		return rc;
	return _IOC_DIR(request) & _IOC_READ && copy_to_user((void __user *)user, &arg, bytes) ? -EFAULT : 0;
}

static int file_open(struct inode *inode, struct file *file)
{
	struct egpu_gpu *g = container_of(file->private_data, struct egpu_gpu, misc);
	struct egpu_file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->gpu = g;
	xa_init_flags(&f->buffers, XA_FLAGS_ALLOC1);
	mutex_lock(&g->lock);
	if (g->gone) {
		mutex_unlock(&g->lock);
		kfree(f);
		return -ENODEV;
	}
	kref_get(&g->kref);
	list_add(&f->link, &g->files);
	mutex_unlock(&g->lock);
	file->private_data = f;
	return 0;
}

void egpu_file_release_all(struct egpu_file *f)
{
	struct egpu_buffer *b;
	unsigned long handle;

	xa_for_each(&f->buffers, handle, b) {
		egpu_buffer_free(f->gpu, b);
		cond_resched();
	}
	xa_destroy(&f->buffers);
	egpu_fragment_release(&f->ballast);
}

static int file_release(struct inode *inode, struct file *file)
{
	struct egpu_file *f = file->private_data;
	struct egpu_gpu *g = f->gpu;

	mutex_lock(&g->lock);
	/* a device that goes has released the files itself */
	if (!g->gone) {
		egpu_file_release_all(f);
		list_del(&f->link);
	}
	mutex_unlock(&g->lock);
	kfree(f);
	egpu_gpu_put(g);
	return 0;
}

const struct file_operations egpu_gpu_fops = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
