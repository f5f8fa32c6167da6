/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Placeholder until the backend lands: refuses, so that --device vfio fails with a clear line. */
#include "runtime/device/vfio.h"

#include <stdio.h>

int vfio_device_open(const char *bdf, struct device **out, struct iommu **iommu, char *error)
{
	(void)out;
	(void)iommu;
	snprintf(error, TRACE_ERROR_BYTES, "%s: this build has no VFIO backend", bdf);
	return -ENOTSUP;
}

const struct vfio_identity *vfio_identity(const struct device *d)
{
	(void)d;
	return NULL;
}

void vfio_counters(const struct device *d, struct vfio_counters *out)
{
	(void)d;
	memset(out, 0, sizeof(*out));
}
