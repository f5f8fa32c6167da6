/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/import/qemu.h"

#define REGION_CONFIG 7
#define REGION_MAX 8 /* VGA */
#define IRQ_INDEX_MAX 4
#define DOMAINS_SEARCHED 64

enum { TYPE_INTX, TYPE_MSI, TYPE_MSIX };

int qemu_begin(struct qemu_import *im, const struct import_args *args, struct tracer *out, struct import_report *report, char *error)
{
	im->msi_type = calloc(1, TRACE_DEVICES_MAX + 1);
	if (!im->msi_type)
		return trace_fail(error, -ENOMEM, "no memory to import %s", args->path);
	return import_begin(&im->base, args, out, report, error);
}

void qemu_end(struct qemu_import *im)
{
	import_end(&im->base);
	spans_free(&im->requests);
	spans_free(&im->mappings);
	free(im->msi_type);
}

static void emit(struct qemu_import *im, unsigned int kind, uint16_t device, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct trace_event event = { .t_ns = im->t_ns, .kind = (uint16_t)kind, .device = device, .arg = { a0, a1, a2, a3 } };

	tracer_emit(im->base.ring, &event);
}

static int device_of(struct qemu_import *im, const struct qemu_value *name, uint16_t *id)
{
	return import_device(&im->base, name->text, name->len, id);
}

/* "first - last", both inclusive, as a length; a length of 2^64 cannot be said */
static bool length_of(uint64_t first, uint64_t last, uint64_t *len)
{
	*len = last - first + 1;
	return last >= first && *len != 0;
}

/* ---- virtual IOMMU ---- */

static int domain_device(struct qemu_import *im, uint64_t domain, uint16_t *id)
{
	char name[48];
	int len = snprintf(name, sizeof(name), "virtio-iommu domain %" PRIu32, (uint32_t)domain);

	return import_device(&im->base, name, (size_t)len, id);
}

static void emit_request(struct qemu_import *im, unsigned int kind, const struct spans_item *item)
{
	emit(im, kind, item->device, item->gpa, item->last_iova - item->first_iova + 1, item->first_iova,
	     TRACE_REQ_MAKE_FLAGS(item->dir, 0, 0));
	if (kind == TRACE_REQ_MAP)
		im->report.requests_mapped++;
	else
		im->report.requests_unmapped++;
}

/* domain, virt_start, virt_end, phys_start, flags: 1 the device may read, 2 it may write, as in a request's direction */
static int on_virtio_iommu_map(struct qemu_import *im, const struct qemu_value *arg)
{
	struct spans_item item = { .dir = arg[4].n & 3, .first_iova = arg[1].n, .last_iova = arg[2].n, .gpa = arg[3].n }, old;
	uint64_t len;
	int err;

	if (!length_of(item.first_iova, item.last_iova, &len) || len - 1 > UINT64_MAX - item.gpa)
		return -EINVAL;
	err = domain_device(im, arg[0].n, &item.device);
	if (err)
		return err;
	while (spans_take(&im->requests, item.device, item.first_iova, item.last_iova, &old)) {
		im->report.maps_replaced++;
		emit_request(im, TRACE_REQ_UNMAP, &old);
	}
	if (spans_add(&im->requests, &item) != 0)
		return -ENOMEM;
	emit_request(im, TRACE_REQ_MAP, &item);
	return 0;
}

static int on_virtio_iommu_unmap(struct qemu_import *im, const struct qemu_value *arg)
{
	uint64_t first = arg[1].n, last = arg[2].n, ended = 0, touched = 0;
	struct spans_item old;
	uint16_t device;
	int err = last < first ? -EINVAL : domain_device(im, arg[0].n, &device);

	if (err)
		return err;
	for (; spans_take_inside(&im->requests, device, &first, &last, &old, &touched); ended++)
		emit_request(im, TRACE_REQ_UNMAP, &old);
	im->report.unmaps_partial += touched;
	if (!ended && !touched)
		im->report.unmaps_unmatched++;
	return 0;
}

/* the gpa behind an IOVA, if one domain only has it mapped */
static bool gpa_of(struct qemu_import *im, uint64_t first, uint64_t last, uint64_t *gpa)
{
	unsigned int found = 0;

	for (uint16_t id = 1; id <= DOMAINS_SEARCHED && im->requests.n; id++) {
		const struct spans_item *item = spans_find(&im->requests, id, first, last);

		if (item && item->first_iova <= first && item->last_iova >= last) {
			*gpa = item->gpa + (first - item->first_iova);
			found++;
		}
	}
	return found == 1;
}

static void emit_mapping(struct qemu_import *im, unsigned int kind, const struct spans_item *item)
{
	im->report.mappings++;
	emit(im, kind, 0, item->gpa, item->last_iova - item->first_iova + 1, item->first_iova, im->seq);
}

static int on_notify_map(struct qemu_import *im, uint64_t first, uint64_t last)
{
	struct spans_item item = { .first_iova = first, .last_iova = last }, old;
	const struct spans_item *same = spans_find(&im->mappings, 0, first, last);
	bool known = gpa_of(im, first, last, &item.gpa);

	if (same && same->first_iova == first && same->last_iova == last && same->gpa == item.gpa) {
		im->report.mappings_repeated++;
		return 0;
	}
	im->seq++;
	while (spans_take(&im->mappings, 0, first, last, &old)) {
		im->report.maps_replaced++;
		emit_mapping(im, TRACE_UNMAP, &old);
	}
	if (spans_add(&im->mappings, &item) != 0)
		return -ENOMEM;
	im->report.gpa_unknown += !known;
	emit_mapping(im, TRACE_MAP, &item);
	return 0;
}

static int on_notify_unmap(struct qemu_import *im, uint64_t first, uint64_t last)
{
	uint64_t ended = 0, touched = 0;
	struct spans_item old;

	im->seq++;
	for (; spans_take_inside(&im->mappings, 0, &first, &last, &old, &touched); ended++)
		emit_mapping(im, TRACE_UNMAP, &old);
	im->report.unmaps_partial += touched;
	if (!ended && !touched)
		im->report.unmaps_unmatched++;
	return 0;
}

static int on_iommu_notify(struct qemu_import *im, const struct qemu_value *arg)
{
	bool map = arg[0].len == 3 && memcmp(arg[0].text, "MAP", 3) == 0;
	uint64_t len;

	/* an UNMAP may be of the whole address space */
	if (!map && arg[0].len == 5 && memcmp(arg[0].text, "UNMAP", 5) == 0 && arg[2].n >= arg[1].n)
		return on_notify_unmap(im, arg[1].n, arg[2].n);
	return map && length_of(arg[1].n, arg[2].n, &len) ? on_notify_map(im, arg[1].n, arg[2].n) : -EINVAL;
}

/* ---- guest memory ---- */

/* a memory region of the listener, until it is known that vfio_user_dma_map does not say the same again with more detail */
static void hold(struct qemu_import *im, unsigned int kind, uint64_t iova, uint64_t len)
{
	im->held =
		(struct trace_event){ .t_ns = im->t_ns, .kind = (uint16_t)kind, .arg = { [TRACE_RAM_IOVA] = iova, [TRACE_RAM_LEN] = len } };
}

static void release(struct qemu_import *im)
{
	if (!im->held.kind)
		return;
	im->report.ram++;
	tracer_emit(im->base.ring, &im->held);
	im->held.kind = 0;
}

static void emit_ram(struct qemu_import *im, unsigned int kind, uint64_t iova, uint64_t len, uint64_t offset, uint64_t flags)
{
	if (im->held.kind == kind && im->held.arg[TRACE_RAM_IOVA] == iova && im->held.arg[TRACE_RAM_LEN] == len) {
		im->report.ram_repeated++;
		im->held.kind = 0;
	}
	release(im);
	im->report.ram++;
	emit(im, kind, 0, iova, len, offset, flags & 3);
}

static int on_add_ram(struct qemu_import *im, const struct qemu_value *arg)
{
	uint64_t len;

	if (!length_of(arg[0].n, arg[1].n, &len))
		return -EINVAL;
	release(im);
	hold(im, TRACE_RAM_MAP, arg[0].n, len);
	return 0;
}

static int on_region_del(struct qemu_import *im, const struct qemu_value *arg)
{
	uint64_t len;

	if (!length_of(arg[0].n, arg[1].n, &len))
		return -EINVAL;
	release(im);
	hold(im, TRACE_RAM_UNMAP, arg[0].n, len);
	return 0;
}

static int on_user_dma_map(struct qemu_import *im, const struct qemu_value *arg)
{
	emit_ram(im, TRACE_RAM_MAP, arg[0].n, arg[1].n, arg[2].n, arg[3].n);
	return 0;
}

static int on_user_dma_unmap(struct qemu_import *im, const struct qemu_value *arg)
{
	emit_ram(im, TRACE_RAM_UNMAP, arg[0].n, arg[1].n, 0, arg[2].n);
	return 0;
}

/* what a held memory region does not wait for */
static bool is_ram(const struct qemu_event *event)
{
	return event->handle == on_user_dma_map || event->handle == on_user_dma_unmap;
}

/* ---- registers ---- */

static int emit_access(struct qemu_import *im, unsigned int kind, const struct qemu_value *name, uint64_t region, uint64_t offset,
		       uint64_t len, uint64_t value)
{
	uint16_t device;
	int err = region > REGION_MAX || len == 0 || len > 8 ? -EINVAL : device_of(im, name, &device);

	if (err)
		return err;
	im->report.accesses++;
	emit(im, kind, device, region, offset, len, value);
	return 0;
}

static int on_region_read(struct qemu_import *im, const struct qemu_value *arg)
{
	return emit_access(im, TRACE_REGION_READ, &arg[0], arg[1].n, arg[2].n, arg[3].n, arg[4].n);
}

static int on_region_write(struct qemu_import *im, const struct qemu_value *arg)
{
	return emit_access(im, TRACE_REGION_WRITE, &arg[0], arg[1].n, arg[2].n, arg[4].n, arg[3].n);
}

static int on_config_read(struct qemu_import *im, const struct qemu_value *arg)
{
	return emit_access(im, TRACE_REGION_READ, &arg[0], REGION_CONFIG, arg[1].n, arg[2].n, (uint32_t)arg[3].n);
}

static int on_config_write(struct qemu_import *im, const struct qemu_value *arg)
{
	return emit_access(im, TRACE_REGION_WRITE, &arg[0], REGION_CONFIG, arg[1].n, arg[3].n, (uint32_t)arg[2].n);
}

/* ---- interrupts ---- */

static int on_intx(struct qemu_import *im, const struct qemu_value *arg)
{
	uint16_t device;
	int err = arg[1].n < 'A' || arg[1].n > 'D' ? -EINVAL : device_of(im, &arg[0], &device);

	if (err)
		return err;
	im->report.interrupts++;
	emit(im, TRACE_IRQ, device, TYPE_INTX, arg[1].n - 'A', 1, 0);
	return 0;
}

static int on_msi(struct qemu_import *im, const struct qemu_value *arg)
{
	uint16_t device;
	int err = arg[1].n > 2047 ? -EINVAL : device_of(im, &arg[0], &device);

	if (err)
		return err;
	if (!im->msi_type[device])
		im->report.irq_type_assumed++;
	im->report.interrupts++;
	emit(im, TRACE_IRQ, device, im->msi_type[device] == TYPE_MSI ? TYPE_MSI : TYPE_MSIX, arg[1].n, 1, 0);
	return 0;
}

static int set_msi_type(struct qemu_import *im, const struct qemu_value *arg, uint8_t type)
{
	uint16_t device;
	int err = device_of(im, &arg[0], &device);

	if (err)
		return err;
	im->msi_type[device] = type;
	im->report.events_other++;
	return 0;
}

static int on_msi_enable(struct qemu_import *im, const struct qemu_value *arg)
{
	return set_msi_type(im, arg, TYPE_MSI);
}

static int on_msix_enable(struct qemu_import *im, const struct qemu_value *arg)
{
	return set_msi_type(im, arg, TYPE_MSIX);
}

static int on_set_irqs(struct qemu_import *im, const struct qemu_value *arg)
{
	if (arg[0].n > IRQ_INDEX_MAX)
		return -EINVAL;
	im->report.interrupt_configs++;
	emit(im, TRACE_IRQ_CONFIG, 0, arg[0].n, arg[1].n, arg[2].n, arg[3].n);
	return 0;
}

static int on_region_rw(struct qemu_import *im, const struct qemu_value *arg)
{
	(void)arg;
	im->report.directionless++;
	return 0;
}

static const struct qemu_event events[] = {
	{ "virtio_iommu_map", "domain=%d virt_start=0x%x virt_end=0x%x phys_start=0x%x flags=%d",
	  "domain_id,virt_start,virt_end,phys_start,flags", on_virtio_iommu_map },
	{ "virtio_iommu_unmap", "domain=%d virt_start=0x%x virt_end=0x%x", "domain_id,virt_start,virt_end", on_virtio_iommu_unmap },
	{ "vfio_iommu_map_notify", "iommu %s @ 0x%x - 0x%x", "op,iova_start,iova_end", on_iommu_notify },
	{ "vfio_listener_region_add_ram", "region_add [ram] 0x%x - 0x%x [%p]", "iova_start,iova_end,vaddr", on_add_ram },
	{ "vfio_listener_region_del", "region_del 0x%x - 0x%x", "start,end", on_region_del },
	{ "vfio_user_dma_map", "iova 0x%x size 0x%x off 0x%x flags 0x%x async_ops %d", "iova,size,off,flags,async_ops", on_user_dma_map },
	{ "vfio_user_dma_unmap", "iova 0x%x size 0x%x flags 0x%x async_ops %d", "iova,size,flags,async_ops", on_user_dma_unmap },
	{ "vfio_region_read", "(%s:region%d+0x%x, %d) = 0x%x", "name,index,addr,size,data", on_region_read },
	{ "vfio_region_write", "(%s:region%d+0x%x, 0x%x, %d)", "name,index,addr,data,size", on_region_write },
	{ "vfio_pci_read_config", "(%s, @0x%x, len=0x%x) 0x%x", "name,addr,len,val", on_config_read },
	{ "vfio_pci_write_config", "(%s, @0x%x, 0x%x, len=0x%x)", "name,addr,val,len", on_config_write },
	{ "vfio_intx_interrupt", "(%s) Pin %c", "name,line", on_intx },
	{ "vfio_msi_interrupt", "(%s) vector %d 0x%x/0x%x", "name,index,addr,data", on_msi },
	{ "vfio_msi_enable", "(%s) Enabled %d MSI vectors", "name,nr_vectors", on_msi_enable },
	{ "vfio_msix_enable", "(%s)", "name", on_msix_enable },
	{ "vfio_msix_vector_do_use", "(%s) vector %d used", "name,index", on_msix_enable },
	{ "vfio_user_set_irqs", "index %d start %d count %d flags 0x%x", "index,start,count,flags", on_set_irqs },
	{ "vfio_user_region_rw", "region %d offset 0x%x count %d", "region,off,count", on_region_rw },
};

const struct qemu_event *qemu_event_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strlen(events[i].name) == len && memcmp(events[i].name, name, len) == 0)
			return &events[i];
	}
	return NULL;
}

int qemu_event_handle(struct qemu_import *im, const struct qemu_event *event, const struct qemu_value *arg)
{
	int err;

	if (im->t_ns < im->base.last_t_ns)
		im->report.time_backwards++;
	im->base.last_t_ns = im->t_ns;
	if (!is_ram(event))
		release(im);
	err = event->handle(im, arg);
	if (err == -EINVAL)
		im->report.lines_malformed++;
	else if (err == -ENOSPC)
		im->report.devices_refused++;
	return err == -ENOMEM ? err : 0;
}

static void list_assumptions(struct qemu_import *im)
{
	const struct qemu_report *r = &im->report;

	if (r->requests_mapped)
		import_assume(&im->base, "virtio_iommu_map names a domain, not a device: each domain is taken to be a device");
	if (r->gpa_unknown)
		import_assume(&im->base, "%" PRIu64 " mappings show no guest-physical address: gpa is 0", r->gpa_unknown);
	if (r->mappings)
		import_assume(
			&im->base,
			"the gpa of vfio_iommu_map_notify is taken from the virtio_iommu_map that covers it, where there is exactly one; "
			"all containers are taken to be one");
	if (r->ram)
		import_assume(&im->base,
			      "regions of memory show neither descriptor nor, from vfio_listener_*, offset and access rights: those are 0");
	if (r->interrupts)
		import_assume(&im->base, "each interrupt is taken to be delivered; those that bypass QEMU (irqfd) are not in its log");
	if (r->accesses)
		import_assume(&im->base, "accesses that bypass QEMU (mapped BARs) or that its quirks swallow are not in its log");
	if (r->irq_type_assumed)
		import_assume(&im->base, "%" PRIu64 " interrupts are taken to be MSI-X", r->irq_type_assumed);
}

int qemu_finish(struct qemu_import *im, const char *what, const char *clock)
{
	struct qemu_report *r = &im->report;
	uint64_t found;

	release(im);
	found = r->requests_mapped + r->unmaps_unmatched + r->mappings + r->ram + r->accesses + r->interrupts + r->interrupt_configs;
	r->lines_too_long = im->base.lines_too_long;
	r->requests_live_at_end = im->requests.n;
#define X(name, note) import_count(im->base.report, #name, r->name, note);
	QEMU_COUNTS(X)
#undef X
	if (!found)
		return trace_fail(im->base.error, -ENODATA,
				  "%s: nothing in it is one of QEMU's virtio_iommu_*, vfio_* or vfio_user_* events; was QEMU "
				  "started with -trace 'virtio_iommu_*' -trace 'vfio_*'?",
				  im->base.args->path);
	list_assumptions(im);
	return import_describe(&im->base, what, clock);
}
