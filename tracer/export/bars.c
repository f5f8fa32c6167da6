/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/bars.h"

#include <linux/pci_regs.h>

static uint32_t register_of(uint32_t region)
{
	return region == BARS_REGION_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * region;
}

static bool known32(const struct bars *b, uint32_t at, uint32_t *v)
{
	*v = 0;
	for (uint32_t i = 0; i < 4; i++) {
		if (!b->known[at + i])
			return false;
		*v |= (uint32_t)b->value[at + i] << (8 * i);
	}
	return true;
}

/* the low bits say what a BAR is; all ones ask for its size and an address carries none, so they are only ever believed when set */
static void learn_type(struct bars *b, uint32_t region, uint32_t v)
{
	if (v == ~0u)
		return;
	if (v & PCI_BASE_ADDRESS_SPACE_IO)
		b->is_io[region] = true;
	else if ((v & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64 && region < 5)
		b->is64[region] = true;
}

void bars_config(struct bars *b, bool write, uint64_t offset, uint64_t len, uint64_t value)
{
	uint64_t known = len < 8 ? len : 8;

	for (uint32_t region = 0; region < BARS_REGION_ROM; region++) {
		uint64_t at = register_of(region);

		/* the upper half of a 64-bit BAR is an address, not a type */
		if (region && b->is64[region - 1])
			continue;
		if (offset <= at && at + 4 <= offset + known)
			learn_type(b, region, (uint32_t)(value >> (8 * (at - offset))));
	}
	for (uint64_t i = 0; write && i < known && offset < BARS_CONFIG_BYTES - i; i++) {
		b->value[offset + i] = (uint8_t)(value >> (8 * i));
		b->known[offset + i] = true;
	}
}

/* what the guest wrote. Return: false if it wrote none, 0, or the question for the size */
static bool written_base(const struct bars *b, uint32_t region, uint64_t *base)
{
	uint32_t low, high = 0, flags = region == BARS_REGION_ROM ? (uint32_t)~PCI_ROM_ADDRESS_MASK : (uint32_t)~PCI_BASE_ADDRESS_MEM_MASK;

	if (!known32(b, register_of(region), &low) || (low | flags) == ~0u)
		return false;
	if (b->is64[region] && !known32(b, register_of(region) + 4, &high))
		return false;
	*base = (uint64_t)high << 32 | (low & ~flags);
	return *base != 0 && high != ~0u;
}

bool bars_address(const struct bars *b, uint16_t device, uint64_t region, uint64_t offset, uint64_t *address)
{
	uint64_t base;

	if (region > BARS_REGION_ROM || b->is_io[region] || offset >> 36)
		return false;
	if (!written_base(b, (uint32_t)region, &base))
		base = BARS_MADE_UP_BASE | (uint64_t)device << 40 | region << 36;
	*address = base + offset;
	return *address >= base && *address <= UINT64_MAX - 8;
}
