/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/device/pci_config.h"

#include <linux/pci_regs.h>

static void put16(struct pci_config *c, u32 at, u16 v)
{
	c->value[at] = (u8)v;
	c->value[at + 1] = (u8)(v >> 8);
}

static void put32(struct pci_config *c, u32 at, u32 v)
{
	put16(c, at, (u16)v);
	put16(c, at + 2, (u16)(v >> 16));
}

static void allow16(struct pci_config *c, u32 at, u16 mask)
{
	c->writable[at] |= (u8)mask;
	c->writable[at + 1] |= (u8)(mask >> 8);
}

void pci_config_init(struct pci_config *c, u16 vendor, u16 device, u32 class_code, u8 revision)
{
	memset(c, 0, sizeof(*c));
	put16(c, PCI_VENDOR_ID, vendor);
	put16(c, PCI_DEVICE_ID, device);
	put32(c, PCI_CLASS_REVISION, class_code << 8 | revision);
	put16(c, PCI_SUBSYSTEM_VENDOR_ID, vendor);
	put16(c, PCI_SUBSYSTEM_ID, device);
	allow16(c, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_SERR | PCI_COMMAND_PARITY);
	c->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	c->writable[PCI_LATENCY_TIMER] = 0xff;
	c->writable[PCI_INTERRUPT_LINE] = 0xff;
	c->next_capability = 0x40;
}

void pci_config_bar(struct pci_config *c, u32 bar, bool is64, bool prefetchable)
{
	c->value[PCI_BASE_ADDRESS_0 + 4 * bar] =
		(u8)((is64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) | (prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
}

/* link a capability of @bytes into the chain; Return: its offset */
static u32 capability(struct pci_config *c, u8 id, u32 bytes)
{
	u32 at = c->next_capability;

	c->value[c->last_capability ? c->last_capability + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST] = (u8)at;
	c->value[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	c->value[at] = id;
	c->last_capability = (u8)at;
	c->next_capability = (u8)((at + bytes + 3) & ~3u);
	return at;
}

void pci_config_express(struct pci_config *c)
{
	u32 at = capability(c, PCI_CAP_ID_EXP, PCI_CAP_EXP_ENDPOINT_SIZEOF_V2);

	put16(c, at + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	put32(c, at + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER);
	allow16(c, at + PCI_EXP_DEVCTL, 0x7fff);
	put32(c, at + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_8_0GB | 4u << 4);
	put16(c, at + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_8_0GB | 4u << 4);
	put32(c, at + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB | PCI_EXP_LNKCAP2_SLS_8_0GB);
}

void pci_config_msix(struct pci_config *c, u32 vectors, u32 bar, u32 table_offset, u32 pba_offset)
{
	u32 at = capability(c, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);

	put16(c, at + PCI_MSIX_FLAGS, (u16)(vectors - 1));
	allow16(c, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put32(c, at + PCI_MSIX_TABLE, table_offset | bar);
	put32(c, at + PCI_MSIX_PBA, pba_offset | bar);
}

static bool inside(u64 offset, u32 len)
{
	return len && offset < PCI_CONFIG_BYTES && len <= PCI_CONFIG_BYTES - offset;
}

int pci_config_read(const struct pci_config *c, u64 offset, void *buf, u32 len)
{
	if (!inside(offset, len))
		return -EINVAL;
	memcpy(buf, c->value + offset, len);
	return 0;
}

int pci_config_write(struct pci_config *c, u64 offset, const void *buf, u32 len)
{
	const u8 *v = buf;

	if (!inside(offset, len))
		return -EINVAL;
	for (u32 i = 0; i < len; i++) {
		u8 mask = c->writable[offset + i];

		c->value[offset + i] = (u8)((c->value[offset + i] & ~mask) | (v[i] & mask));
	}
	return 0;
}
