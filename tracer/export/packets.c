/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/export/packets.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_ID 0x0000 /* the root complex, for which the CPU's accesses are made */
#define ACCESS_MAX 8u  /* a trace keeps so many bytes of a value */
#define VALUE_MASK(len) ((len) >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * (len))) - 1)

static int put(struct packets *p)
{
	return p->put(p->ctx, p->t_ns, &p->tlp);
}

/* ---- records ---- */

static int put_record(struct packets *p, uint16_t id, const struct trace_event *event, const char *text)
{
	struct { struct packets_record r; char text[PACKETS_TEXT_MAX]; } m = {
		.r = { .version = htole16(PACKETS_RECORD_VERSION), .kind = htole16(event->kind), .device = htole16(event->device) },
	};
	size_t len = text ? strlen(text) : 0;

	if (len > PACKETS_TEXT_MAX) {
		len = PACKETS_TEXT_MAX;
		m.r.flags = htole32(PACKETS_FLAG_TEXT_CUT);
	}
	m.r.text_bytes = htole16((uint16_t)len);
	m.r.status = (int32_t)htole32((uint32_t)event->status);
	for (unsigned int i = 0; i < TRACE_ARGS_MAX; i++)
		m.r.arg[i] = htole64(event->arg[i]);
	if (len)
		memcpy(m.text, text, len);
	tlp_vendor(&p->tlp, id, &m, sizeof(m.r) + len);
	return put(p);
}

static int put_event(struct packets *p, const struct packets_device *d, const struct trace_event *event)
{
	const struct trace_event_info *info = trace_event_info(event->kind);
	const char *text = info && info->arg_form[0] == TRACE_STRING ? trace_string(p->trace, event->arg[0]) : NULL;

	return put_record(p, d->id, event, text);
}

int packets_begin(struct packets *p, uint64_t t_ns)
{
	static const struct trace_event about = { .kind = PACKETS_KIND_META };
	const char *key, *value;
	unsigned int row = 0;
	char text[PACKETS_TEXT_MAX + 2];
	int err = 0;

	p->t_ns = t_ns;
	while (!err && trace_meta_next(p->trace, &row, &key, &value)) {
		snprintf(text, sizeof(text), "%s=%s", key, value ? value : "");
		err = put_record(p, HOST_ID, &about, text);
	}
	return err;
}

/* ---- devices ---- */

/* as Linux writes it, "0000:01:00.0"; other devices get buses from 0xe0 on */
static uint16_t device_id(const char *name, uint16_t device)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	if (name && sscanf(name, "%4x:%2x:%2x.%1o%n", &domain, &bus, &slot, &function, &end) == 4 && !name[end] && slot < 32)
		return (uint16_t)(bus << 8 | slot << 3 | function);
	return (uint16_t)(0xe000 | (device & 0x3ff) << 3);
}

static int announce(struct packets *p, struct packets_device *d, uint16_t device)
{
	const char *name = trace_device_name(p->trace, device), *identity = trace_device_identity(p->trace, device);
	struct trace_event about = { .kind = PACKETS_KIND_DEVICE, .device = device };
	char text[PACKETS_TEXT_MAX + 2];

	d->announced = true;
	d->id = device ? device_id(name, device) : HOST_ID;
	if (!device)
		return 0;
	snprintf(text, sizeof(text), "%s%s%s", name ? name : "?", identity ? " " : "", identity ? identity : "");
	return put_record(p, d->id, &about, text);
}

static int find_device(struct packets *p, uint16_t device, struct packets_device **out)
{
	if (device >= p->devices) {
		unsigned int n = device + 1u;
		struct packets_device *more = realloc(p->device, n * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + p->devices, 0, (n - p->devices) * sizeof(*more));
		p->device = more;
		p->devices = n;
	}
	*out = &p->device[device];
	return (*out)->announced ? 0 : announce(p, *out, device);
}

/* ---- accesses ---- */

static int put_access(struct packets *p, const struct tlp_access *a, bool config, bool write)
{
	int err;

	if (config)
		tlp_config(&p->tlp, a, write);
	else
		tlp_memory(&p->tlp, a, write);
	err = put(p);
	if (err || (write && !config))
		return err;
	if (config)
		tlp_config_completion(&p->tlp, a, write);
	else
		tlp_memory_completion(&p->tlp, a);
	return put(p);
}

/* cut where a request must end: at a page for memory, at a double word for configuration space */
static int put_accesses(struct packets *p, struct packets_device *d, const struct trace_event *event, uint64_t address)
{
	bool config = event->arg[TRACE_REGION_REGION] == BARS_REGION_CONFIG;
	uint32_t left = (uint32_t)event->arg[TRACE_REGION_LEN], unit = config ? 4 : TLP_PAGE_BYTES;
	struct tlp_access a = { .requester = HOST_ID, .completer = d->id, .address = address, .value = event->arg[TRACE_REGION_VALUE] };
	int err = 0;

	while (left && !err) {
		uint32_t room = unit - (uint32_t)(a.address % unit);

		a.len = left < room ? left : room;
		a.tag = d->next_tag++;
		err = put_access(p, &a, config, event->kind == TRACE_REGION_WRITE);
		left -= a.len;
		a.address += a.len;
		a.value >>= 8 * (a.len % 8);
	}
	return err;
}

/* what a packet could not say: an access that failed, one of which not all bytes are known, or one that was on no address */
static bool has_packets(const struct packets_device *d, const struct trace_event *event, uint64_t *address)
{
	uint64_t region = event->arg[TRACE_REGION_REGION], offset = event->arg[TRACE_REGION_OFFSET], len = event->arg[TRACE_REGION_LEN];

	if (event->status || !len || len > ACCESS_MAX || (event->arg[TRACE_REGION_VALUE] & ~VALUE_MASK(len)))
		return false;
	*address = offset;
	if (region == BARS_REGION_CONFIG)
		return offset < TLP_CONFIG_BYTES && len <= TLP_CONFIG_BYTES - offset;
	return bars_address(&d->bars, event->device, region, offset, address);
}

static int put_region(struct packets *p, struct packets_device *d, const struct trace_event *event)
{
	bool write = event->kind == TRACE_REGION_WRITE;
	uint64_t address;
	int err = has_packets(d, event, &address) ? put_accesses(p, d, event, address) : put_event(p, d, event);

	if (event->arg[TRACE_REGION_REGION] == BARS_REGION_CONFIG && !event->status)
		bars_config(&d->bars, write, event->arg[TRACE_REGION_OFFSET], event->arg[TRACE_REGION_LEN], event->arg[TRACE_REGION_VALUE]);
	return err;
}

/* ---- interrupts ---- */

/* one that nobody listened to was on no link */
static int put_irq(struct packets *p, const struct packets_device *d, const struct trace_event *event)
{
	uint64_t type = event->arg[0], vector = event->arg[1];
	struct tlp_access a = { .requester = d->id, .len = 4, .value = vector };

	if (event->status || event->arg[2] != 1 || type > 2 || vector > (type ? 0xffff : 3))
		return put_event(p, d, event);
	if (type == 0) {
		tlp_intx(&p->tlp, d->id, (uint8_t)vector);
		return put(p);
	}
	a.address = PACKETS_IRQ_BASE | (uint64_t)event->device << 40 | type << 36 | vector << 4;
	tlp_memory(&p->tlp, &a, true);
	return put(p);
}

int packets_event(struct packets *p, const struct trace_event *event)
{
	struct packets_device *d;
	int err;

	p->t_ns = event->t_ns;
	err = find_device(p, event->device, &d);
	if (err)
		return err;
	if (event->kind == TRACE_REGION_READ || event->kind == TRACE_REGION_WRITE)
		return put_region(p, d, event);
	if (event->kind == TRACE_IRQ)
		return put_irq(p, d, event);
	/* the client has gone, and with it the addresses it gave out */
	if (event->kind == TRACE_RESET && event->arg[0] == 2)
		memset(&d->bars, 0, sizeof(d->bars));
	return put_event(p, d, event);
}

void packets_free(struct packets *p)
{
	free(p->device);
	p->device = NULL;
	p->devices = 0;
}
