/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/irqs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int irqs_init(struct irqs *q, const u32 count[IRQ_TYPES])
{
	memset(q, 0, sizeof(*q));
	for (u32 type = 0; type < IRQ_TYPES; type++)
		q->unmask_fd[type] = -1;
	for (u32 type = 0; type < IRQ_TYPES; type++) {
		if (count[type] > IRQS_VECTORS_MAX) {
			irqs_free(q);
			return -EINVAL;
		}
		q->eventfd[type] = malloc((count[type] + 1) * sizeof(int));
		if (!q->eventfd[type]) {
			irqs_free(q);
			return -ENOMEM;
		}
		for (u32 v = 0; v < count[type]; v++)
			q->eventfd[type][v] = -1;
		q->count[type] = count[type];
	}
	return 0;
}

void irqs_clear(struct irqs *q)
{
	for (u32 type = 0; type < IRQ_TYPES; type++) {
		for (u32 v = 0; v < q->count[type]; v++)
			irqs_set(q, type, v, -1);
		q->masked[type] = false;
		irqs_set_unmask(q, type, -1);
	}
}

void irqs_free(struct irqs *q)
{
	irqs_clear(q);
	for (u32 type = 0; type < IRQ_TYPES; type++)
		free(q->eventfd[type]);
	memset(q, 0, sizeof(*q));
}

int irqs_set(struct irqs *q, u32 type, u32 vector, int fd)
{
	if (type >= IRQ_TYPES || vector >= q->count[type])
		return -EINVAL;
	if (q->eventfd[type][vector] >= 0)
		close(q->eventfd[type][vector]);
	q->eventfd[type][vector] = fd;
	/* a client may hand us a descriptor that blocks; raising must not */
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return 0;
}

int irqs_set_unmask(struct irqs *q, u32 type, int fd)
{
	if (type >= IRQ_TYPES)
		return -EINVAL;
	if (q->unmask_fd[type] >= 0)
		close(q->unmask_fd[type]);
	q->unmask_fd[type] = fd;
	return 0;
}

int irqs_raise(struct irqs *q, u32 type, u32 vector)
{
	u64 one = 1;

	if (type >= IRQ_TYPES || vector >= q->count[type])
		return -EINVAL;
	if (q->eventfd[type][vector] < 0 || q->masked[type])
		return 0;
	return write(q->eventfd[type][vector], &one, sizeof(one)) == (ssize_t)sizeof(one);
}
