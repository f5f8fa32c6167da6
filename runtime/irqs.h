/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * irqs.h - a device's interrupts as the client set them up.
 *
 * Purpose:  keeps the eventfds of SET_IRQS per type and vector, and raises them.
 * Owner:    one per device; used by the device's thread alone.
 */
#ifndef EGPU_RUNTIME_IRQS_H
#define EGPU_RUNTIME_IRQS_H

#include "runtime/core/env.h"

#define IRQS_VECTORS_MAX 2048u /* what MSI-X can have */

/* VFIO's numbering (linux/vfio.h, VFIO_PCI_…_IRQ_INDEX) */
enum irq_type { IRQ_INTX, IRQ_MSI, IRQ_MSIX, IRQ_ERR, IRQ_REQ, IRQ_TYPES };

struct irqs {
	u32 count[IRQ_TYPES];
	int *eventfd[IRQ_TYPES]; /* -1 = not set up */
	bool masked[IRQ_TYPES];
	int unmask_fd[IRQ_TYPES]; /* the client signals it to unmask; -1 = none */
};

/** irqs_init() - @count vectors per type, each at most IRQS_VECTORS_MAX. Return: 0 or -ENOMEM, -EINVAL. */
int irqs_init(struct irqs *q, const u32 count[IRQ_TYPES]);

/** irqs_clear() - close all eventfds; the counts stay. */
void irqs_clear(struct irqs *q);
void irqs_free(struct irqs *q);

/** irqs_set() - vector @vector of @type signals @fd from now on (owned; -1 = none). Return: 0; -EINVAL out of range (fd not taken). */
int irqs_set(struct irqs *q, u32 type, u32 vector, int fd);

/** irqs_set_unmask() - @fd (owned; -1 = none) unmasks @type from now on. Return: 0; -EINVAL out of range (fd not taken). */
int irqs_set_unmask(struct irqs *q, u32 type, int fd);

/** irqs_raise() - Return: 1 signalled; 0 nobody listens; -EINVAL out of range. Never blocks. */
int irqs_raise(struct irqs *q, u32 type, u32 vector);

#endif
