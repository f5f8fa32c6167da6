/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* SET_IRQS: the client hands over eventfds, masks, or triggers by hand. */
#include "runtime/vfio_user/server.h"

#define DATA_MASK (VFIO_USER_IRQ_DATA_NONE_MASK | VFIO_USER_IRQ_DATA_BOOL_MASK | VFIO_USER_IRQ_DATA_EVENTFD_MASK)
#define ACTION_MASK (VFIO_USER_IRQ_MASK_MASK | VFIO_USER_IRQ_UNMASK_MASK | VFIO_USER_IRQ_TRIGGER_MASK)

static bool one_bit(u32 v)
{
	return v && !(v & (v - 1));
}

static int check(const struct vfio_user *s, const struct vfio_user_irq_set *q)
{
	if (q->index >= IRQ_TYPES || (q->flags & ~(DATA_MASK | ACTION_MASK)) || !one_bit(q->flags & DATA_MASK) || !one_bit(q->flags & ACTION_MASK))
		return -EINVAL;
	if (q->start > s->device->irqs.count[q->index] || q->count > s->device->irqs.count[q->index] - q->start)
		return -EINVAL;
	if ((q->flags & VFIO_USER_IRQ_DATA_BOOL_MASK) && s->body_bytes - sizeof(*q) < q->count)
		return -EINVAL;
	if (!(q->flags & VFIO_USER_IRQ_DATA_EVENTFD_MASK))
		return s->nfds ? -EINVAL : 0;
	/* an eventfd may unmask, never mask */
	if (q->flags & VFIO_USER_IRQ_MASK_MASK)
		return -EINVAL;
	/* none at all takes the eventfds back; else one for each vector */
	return s->nfds && s->nfds != q->count ? -EINVAL : 0;
}

static void trigger(struct vfio_user *s, const struct vfio_user_irq_set *q)
{
	struct irqs *irqs = &s->device->irqs;
	const u8 *chosen = s->body + sizeof(*q);

	for (u32 i = 0; i < q->count; i++)
		if (!(q->flags & VFIO_USER_IRQ_DATA_BOOL_MASK) || chosen[i])
			irqs_raise(irqs, q->index, q->start + i);
}

/* the client's eventfds for vectors; without any it takes them back */
static void set_eventfds(struct vfio_user *s, const struct vfio_user_irq_set *q)
{
	for (u32 i = 0; i < q->count; i++)
		irqs_set(&s->device->irqs, q->index, q->start + i, vfio_user_take_fd(s));
}

static void apply(struct vfio_user *s, const struct vfio_user_irq_set *q)
{
	struct irqs *irqs = &s->device->irqs;

	if (q->flags & (VFIO_USER_IRQ_MASK_MASK | VFIO_USER_IRQ_UNMASK_MASK)) {
		if (q->flags & VFIO_USER_IRQ_DATA_EVENTFD_MASK)
			irqs_set_unmask(irqs, q->index, vfio_user_take_fd(s));
		else
			irqs->masked[q->index] = q->flags & VFIO_USER_IRQ_MASK_MASK;
	} else if (q->flags & VFIO_USER_IRQ_DATA_EVENTFD_MASK) {
		set_eventfds(s, q);
	} else if ((q->flags & VFIO_USER_IRQ_DATA_NONE_MASK) && q->count == 0) {
		/* "trigger nothing" is VFIO's way to disable a type */
		for (u32 v = 0; v < irqs->count[q->index]; v++)
			irqs_set(irqs, q->index, v, -1);
	} else {
		trigger(s, q);
	}
}

int vfio_user_on_set_irqs(struct vfio_user *s)
{
	struct device *d = s->device;
	struct vfio_user_irq_set q;
	int err = vfio_user_body(s, &q, sizeof(q));

	if (!err)
		err = check(s, &q);
	if (err)
		return err;
	apply(s, &q);
	if (d->ops->irq_set)
		err = d->ops->irq_set(d, q.index, q.start, q.count, q.flags);
	device_emit(d, TRACE_IRQ_CONFIG, err, q.index, q.start, q.count, q.flags);
	return err ? err : vfio_user_reply(s, NULL, 0);
}
