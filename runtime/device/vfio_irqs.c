/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupts: the kernel signals eventfds of ours, and each becomes an event and a signal to the client. What the client sets up, masks or takes
 * back is done with the kernel likewise.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/device/vfio_state.h"

#define EVENTS_PER_TURN 64

/* what the epoll set tells: a vector of ours fired, or the client unmasks */
#define TAG_UNMASK (1u << 31)
#define TAG(type, vector) ((type) << 16 | (vector))

static int watch(struct vfio_device *v, int fd, u32 tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = tag };

	return epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int vfio_irqs_init(struct vfio_device *v)
{
	v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (v->epoll_fd < 0)
		return -errno;
	for (u32 type = 0; type < IRQ_TYPES; type++)
		v->unmask_watched[type] = -1;
	for (u32 type = 0; type < IRQ_TYPES; type++) {
		u32 count = v->d.irqs.count[type];

		v->eventfd[type] = malloc((count + 1) * sizeof(int));
		if (!v->eventfd[type]) {
			vfio_irqs_fini(v);
			return -ENOMEM;
		}
		for (u32 i = 0; i <= count; i++)
			v->eventfd[type][i] = -1;
	}
	v->d.poll_fd = v->epoll_fd;
	return 0;
}

static void drop_vector(struct vfio_device *v, u32 type, u32 vector)
{
	/* closing takes it out of the epoll set: nobody else holds it once the kernel let go */
	if (v->eventfd[type][vector] >= 0)
		close(v->eventfd[type][vector]);
	v->eventfd[type][vector] = -1;
}

static int set_irqs(struct vfio_device *v, u32 type, u32 start, u32 count, u32 flags, const int *fds)
{
	size_t bytes = sizeof(struct vfio_irq_set) + (fds ? count * sizeof(int) : 0);
	struct vfio_irq_set *set = calloc(1, bytes);
	int err;

	if (!set)
		return -ENOMEM;
	*set = (struct vfio_irq_set){ .argsz = (u32)bytes, .flags = flags, .index = type, .start = start, .count = count };
	if (fds)
		memcpy(set->data, fds, count * sizeof(int));
	err = ioctl(v->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
	free(set);
	return err;
}

static void disable(struct vfio_device *v, u32 type)
{
	set_irqs(v, type, 0, 0, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, NULL);
	for (u32 vector = 0; vector < v->d.irqs.count[type]; vector++)
		drop_vector(v, type, vector);
}

static void drop_unmask(struct vfio_device *v, u32 type)
{
	int fd = v->unmask_watched[type];

	if (fd < 0)
		return;
	/* the client holds the same file, so closing ours would leave it in the set */
	epoll_ctl(v->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
	v->unmask_watched[type] = -1;
}

void vfio_irqs_off(struct vfio_device *v)
{
	for (u32 type = 0; type < IRQ_TYPES; type++) {
		bool any = false;

		for (u32 vector = 0; vector < v->d.irqs.count[type]; vector++)
			any |= v->eventfd[type][vector] >= 0;
		if (any)
			disable(v, type);
		drop_unmask(v, type);
	}
}

void vfio_irqs_fini(struct vfio_device *v)
{
	for (u32 type = 0; type < IRQ_TYPES; type++) {
		for (u32 vector = 0; v->eventfd[type] && vector < v->d.irqs.count[type]; vector++)
			drop_vector(v, type, vector);
		free(v->eventfd[type]);
		v->eventfd[type] = NULL;
		drop_unmask(v, type);
	}
	if (v->epoll_fd >= 0)
		close(v->epoll_fd);
	v->epoll_fd = v->d.poll_fd = -1;
}

/* a vector the client listens to gets an eventfd of ours */
static int make_vector(struct vfio_device *v, u32 type, u32 vector)
{
	int *fd = &v->eventfd[type][vector], err;

	if (*fd >= 0)
		return 0;
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		return -errno;
	err = watch(v, *fd, TAG(type, vector));
	if (err)
		drop_vector(v, type, vector);
	return err;
}

/* vectors [start, start + count): as the client has them now */
static int mirror(struct vfio_device *v, u32 type, u32 start, u32 count)
{
	const int *client = v->d.irqs.eventfd[type];
	int *fds = malloc((count + 1) * sizeof(int)), err = fds ? 0 : -ENOMEM;

	for (u32 i = 0; i < count && !err; i++) {
		if (client[start + i] >= 0)
			err = make_vector(v, type, start + i);
		fds[i] = client[start + i] >= 0 ? v->eventfd[type][start + i] : -1;
	}
	if (!err)
		err = set_irqs(v, type, start, count, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, fds);
	for (u32 i = 0; i < count && fds; i++)
		if (err || client[start + i] < 0)
			drop_vector(v, type, start + i);
	free(fds);
	return err;
}

static int follow_unmask(struct vfio_device *v, u32 type)
{
	int fd = v->d.irqs.unmask_fd[type], err;

	drop_unmask(v, type);
	if (fd < 0)
		return 0;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	err = watch(v, fd, TAG_UNMASK | TAG(type, 0));
	if (err)
		close(fd);
	else
		v->unmask_watched[type] = fd;
	return err;
}

int vfio_irq_set(struct device *d, u32 type, u32 start, u32 count, u32 flags)
{
	struct vfio_device *v = vfio_device_of(d);
	u32 action = flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	bool eventfds = flags & VFIO_IRQ_SET_DATA_EVENTFD;

	if (action == VFIO_IRQ_SET_ACTION_UNMASK && eventfds)
		return follow_unmask(v, type);
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
		return set_irqs(v, type, start, count, VFIO_IRQ_SET_DATA_NONE | action, NULL);
	if (eventfds)
		return mirror(v, type, start, count);
	/* to trigger by hand is between the client and us; to trigger nothing is to switch the type off */
	if ((flags & VFIO_IRQ_SET_DATA_NONE) && !count)
		disable(v, type);
	return 0;
}

static void fired(struct vfio_device *v, u32 tag)
{
	u32 type = (tag & ~TAG_UNMASK) >> 16, vector = tag & 0xffff;
	int fd = tag & TAG_UNMASK ? v->unmask_watched[type] : v->eventfd[type][vector];
	u64 times;

	if (fd < 0 || read(fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return;
	if (tag & TAG_UNMASK) {
		set_irqs(v, type, 0, 1, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, NULL);
		return;
	}
	__atomic_store_n(&v->counters.interrupts, v->counters.interrupts + 1, __ATOMIC_RELAXED);
	device_raise(&v->d, type, vector);
}

int vfio_irq_work(struct device *d)
{
	struct vfio_device *v = vfio_device_of(d);
	struct epoll_event events[EVENTS_PER_TURN];
	int n = epoll_wait(v->epoll_fd, events, EVENTS_PER_TURN, 0);

	for (int i = 0; i < n; i++)
		fired(v, events[i].data.u32);
	return n == EVENTS_PER_TURN ? 0 : -1;
}
