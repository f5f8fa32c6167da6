/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Find a PCI function, check that it is ours to take, and open it. Every refusal is one line that says what to do. */
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/device/vfio_state.h"

int vfio_explain(char *error, int err, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(error, TRACE_ERROR_BYTES, format, list);
	va_end(list);
	return err;
}

/* last part of what the link @sysfs/@name points to; Return: 0 or -errno */
static int link_name(const char *sysfs, const char *name, char *out, size_t out_bytes)
{
	char path[VFIO_PATH_BYTES + 32], target[VFIO_PATH_BYTES];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	snprintf(out, out_bytes, "%s", basename(target));
	return 0;
}

/* "01:00.0" is in domain 0 */
static int locate(const char *bdf, struct vfio_path *p, char *error)
{
	unsigned int domain = 0, bus, slot, function;

	if (sscanf(bdf, "%4x:%2x:%2x.%1x", &domain, &bus, &slot, &function) != 4) {
		domain = 0;
		if (sscanf(bdf, "%2x:%2x.%1x", &bus, &slot, &function) != 3)
			return vfio_explain(error, -EINVAL, "\"%s\" is no PCI address; they look like 0000:01:00.0", bdf);
	}
	snprintf(p->bdf, sizeof(p->bdf), "%04x:%02x:%02x.%1x", domain & 0xffff, bus & 0xff, slot & 0x1f, function & 7);
	snprintf(p->sysfs, sizeof(p->sysfs), "/sys/bus/pci/devices/%s", p->bdf);
	if (access(p->sysfs, F_OK))
		return vfio_explain(error, -ENODEV, "there is no PCI function %s; lspci -D lists them", p->bdf);
	return 0;
}

static int check_driver(const struct vfio_path *p, char *error)
{
	char driver[64];

	if (link_name(p->sysfs, "driver", driver, sizeof(driver)))
		strcpy(driver, "no driver");
	/* vendors' variants are called like nvgrace-gpu-vfio-pci */
	if (strstr(driver, "vfio-pci") || strstr(driver, "vfio_pci"))
		return 0;
	if (!strcmp(driver, "no driver"))
		return vfio_explain(error, -ENOTSUP,
				    "%s has no driver; as root: modprobe vfio-pci; echo vfio-pci >%s/driver_override; echo %s >/sys/bus/pci/drivers_probe",
				    p->bdf, p->sysfs, p->bdf);
	return vfio_explain(error, -EBUSY,
			    "%s is driven by %s; as root: modprobe vfio-pci; cd %s; echo vfio-pci >driver_override; echo %s >driver/unbind; "
			    "echo %s >/sys/bus/pci/drivers_probe",
			    p->bdf, driver, p->sysfs, p->bdf, p->bdf);
}

static int find_group(struct vfio_path *p, char *error)
{
	char group[32], name[VFIO_PATH_BYTES + 64], text[64] = "";
	FILE *f;

	if (link_name(p->sysfs, "iommu_group", group, sizeof(group)))
		return vfio_explain(error, -ENOTSUP,
				    "%s is behind no IOMMU; switch it on in the firmware (VT-d, AMD-Vi) and in Linux (intel_iommu=on)", p->bdf);
	p->group = (unsigned int)strtoul(group, NULL, 10);
	/* the kernel makes up groups for machines without an IOMMU, in which a device reaches all memory */
	snprintf(name, sizeof(name), "/sys/kernel/iommu_groups/%u/name", p->group);
	f = fopen(name, "r");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	if (!strncmp(text, "vfio-noiommu", 12))
		return vfio_explain(error, -ENOTSUP, "%s is in no-IOMMU mode, where it would reach all memory; switch the IOMMU on", p->bdf);
	return 0;
}

static int open_behind(const struct vfio_path *p, int *fd, struct iommu **iommu, char *error)
{
	const char *way = getenv("EGPU_VFIO");

	if (way && strcmp(way, "group") && strcmp(way, "iommufd"))
		return vfio_explain(error, -EINVAL, "EGPU_VFIO is \"%s\"; it may be group or iommufd", way);
	/* iommufd knows no limit of mappings and maps large ranges faster */
	if (way ? !strcmp(way, "iommufd") : vfio_iommufd_there(p))
		return vfio_iommufd_open(p, fd, iommu, error);
	return vfio_type1_open(p, fd, iommu, error);
}

int vfio_device_open(const char *bdf, struct device **out, struct iommu **iommu, char *error)
{
	struct vfio_path p;
	int err = locate(bdf, &p, error), fd;

	if (!err)
		err = check_driver(&p, error);
	if (!err)
		err = find_group(&p, error);
	if (!err)
		err = open_behind(&p, &fd, iommu, error);
	if (err)
		return err;
	err = vfio_device_new(fd, &p, out, error);
	if (err) {
		(*iommu)->ops->free(*iommu);
		*iommu = NULL;
	}
	return err;
}
