/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * pci_config.h - configuration space of an emulated PCI function.
 *
 * Purpose:  256 bytes with a write mask: ids, BAR types, capabilities. The client (QEMU) emulates BAR addresses and the MSI-X table itself;
 *           what it needs from us are the types, the sizes (by region info) and the capabilities.
 * Source:   PCI Local Bus 3.0 and PCI Express Base, names of linux/pci_regs.h.
 */
#ifndef EGPU_RUNTIME_DEVICE_PCI_CONFIG_H
#define EGPU_RUNTIME_DEVICE_PCI_CONFIG_H

#include "runtime/core/env.h"

#define PCI_CONFIG_BYTES 256u

struct pci_config {
	u8 value[PCI_CONFIG_BYTES];
	u8 writable[PCI_CONFIG_BYTES]; /* bits a guest may change */
	u8 next_capability;            /* where the next one goes */
	u8 last_capability;            /* whose next pointer to patch */
};

/** pci_config_init() - header of a type 0 function; @class_code is 24 bits. */
void pci_config_init(struct pci_config *c, u16 vendor, u16 device, u32 class_code, u8 revision);

/** pci_config_bar() - declare memory BAR @bar (a 64-bit one also takes the next). */
void pci_config_bar(struct pci_config *c, u32 bar, bool is64, bool prefetchable);

/** pci_config_express() - PCI Express capability of an endpoint, Gen3 x4 as a Thunderbolt enclosure has. */
void pci_config_express(struct pci_config *c);

/** pci_config_msix() - MSI-X capability; table and pending bits lie in @bar. */
void pci_config_msix(struct pci_config *c, u32 vectors, u32 bar, u32 table_offset, u32 pba_offset);

/** pci_config_read() / _write() - the range must lie inside; a write changes writable bits only. Return: 0 or -EINVAL. */
int pci_config_read(const struct pci_config *c, u64 offset, void *buf, u32 len);
int pci_config_write(struct pci_config *c, u64 offset, const void *buf, u32 len);

#endif
