/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/tlp.h"

#include <assert.h>
#include <string.h>

/* format and type, the first byte */
#define MRD_3DW 0x00
#define MRD_4DW 0x20
#define MWR_3DW 0x40
#define MWR_4DW 0x60
#define CFGRD0 0x04
#define CFGWR0 0x44
#define CPL 0x0a
#define CPLD 0x4a
#define MSG_LOCAL 0x34 /* routing 4: ends at the receiver */
#define MSGD_TO_ROOT 0x70 /* routing 0 */

#define CODE_ASSERT_INTA 0x20
#define CODE_VENDOR_DEFINED_1 0x7f

static void put16(struct tlp *p, uint16_t v)
{
	p->bytes[p->len++] = (uint8_t)(v >> 8);
	p->bytes[p->len++] = (uint8_t)v;
}

static void put32(struct tlp *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p, (uint16_t)v);
}

/* the first double word; a length of 1024 is written as 0 */
static void begin(struct tlp *p, uint8_t fmt_type, uint32_t dwords)
{
	p->len = 0;
	put32(p, (uint32_t)fmt_type << 24 | (dwords & 0x3ff));
}

static uint32_t dwords_of(const struct tlp_access *a)
{
	return (uint32_t)((a->address & 3) + a->len + 3) / 4;
}

/* last byte enables in the high half; they are 0 for a single double word */
static uint8_t byte_enables(const struct tlp_access *a)
{
	uint32_t first = (uint32_t)(a->address & 3), end = first + a->len, dwords = dwords_of(a);
	uint32_t mask = (1u << end) - (1u << first);

	if (dwords == 1)
		return (uint8_t)mask;
	return (uint8_t)((mask & 0xf) | (mask >> (4 * (dwords - 1)) & 0xf) << 4);
}

static void put_data(struct tlp *p, const struct tlp_access *a)
{
	uint32_t bytes = 4 * dwords_of(a), first = (uint32_t)(a->address & 3);

	memset(p->bytes + p->len, 0, bytes);
	for (uint32_t i = 0; i < a->len; i++)
		p->bytes[p->len + first + i] = (uint8_t)(a->value >> (8 * i));
	p->len += bytes;
}

void tlp_memory(struct tlp *p, const struct tlp_access *a, bool write)
{
	bool wide = a->address >> 32 != 0;

	assert(a->len >= 1 && a->len <= 8 && a->address % TLP_PAGE_BYTES + a->len <= TLP_PAGE_BYTES);
	begin(p, write ? (wide ? MWR_4DW : MWR_3DW) : (wide ? MRD_4DW : MRD_3DW), dwords_of(a));
	put16(p, a->requester);
	put16(p, (uint16_t)(a->tag << 8 | byte_enables(a)));
	if (wide)
		put32(p, (uint32_t)(a->address >> 32));
	put32(p, (uint32_t)a->address & ~3u);
	if (write)
		put_data(p, a);
}

static void completion(struct tlp *p, const struct tlp_access *a, bool data, uint32_t dwords, uint32_t bytes, uint8_t lower_address)
{
	begin(p, data ? CPLD : CPL, data ? dwords : 0);
	put16(p, a->completer);
	put16(p, (uint16_t)(bytes & 0xfff)); /* status 0: successful */
	put16(p, a->requester);
	put16(p, (uint16_t)(a->tag << 8 | lower_address));
	if (data)
		put_data(p, a);
}

void tlp_memory_completion(struct tlp *p, const struct tlp_access *a)
{
	completion(p, a, true, dwords_of(a), a->len, (uint8_t)(a->address & 0x7f));
}

void tlp_config(struct tlp *p, const struct tlp_access *a, bool write)
{
	assert(a->len >= 1 && a->address % 4 + a->len <= 4 && a->address + a->len <= TLP_CONFIG_BYTES);
	begin(p, write ? CFGWR0 : CFGRD0, 1);
	put16(p, a->requester);
	put16(p, (uint16_t)(a->tag << 8 | byte_enables(a)));
	put16(p, a->completer);
	put16(p, (uint16_t)(a->address & 0xffc));
	if (write)
		put_data(p, a);
}

/* the byte count of such a completion is 4 and its lower address 0 whatever the byte enables were */
void tlp_config_completion(struct tlp *p, const struct tlp_access *a, bool write)
{
	completion(p, a, !write, 1, 4, 0);
}

void tlp_intx(struct tlp *p, uint16_t requester, uint8_t pin)
{
	begin(p, MSG_LOCAL, 0);
	put16(p, requester);
	put16(p, (uint16_t)(CODE_ASSERT_INTA + pin));
	put32(p, 0);
	put32(p, 0);
}

void tlp_vendor(struct tlp *p, uint16_t requester, const void *data, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	assert(len >= 1 && padded <= TLP_PAYLOAD_MAX);
	begin(p, MSGD_TO_ROOT, (uint32_t)(padded / 4));
	put16(p, requester);
	put16(p, CODE_VENDOR_DEFINED_1);
	put16(p, 0);
	put16(p, TLP_VENDOR_ID);
	put32(p, TLP_VENDOR_MAGIC);
	memset(p->bytes + p->len, 0, padded);
	memcpy(p->bytes + p->len, data, len);
	p->len += padded;
}
