/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The IOMMU through a group and a container with type1v2; the only way in kernels without iommufd, as Debian's are. */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/device/vfio_state.h"

#define INFO_BYTES_MAX 65536u

struct type1 {
	struct iommu io; /* first, so that a struct iommu * is a struct type1 * */
	int container, group;
};

static int type1_map(struct iommu *io, u64 iova, void *hva, u64 len_bytes, bool writable)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m), .flags = VFIO_DMA_MAP_FLAG_READ | (writable ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)hva, .iova = iova, .size = len_bytes,
	};

	return ioctl(((struct type1 *)io)->container, VFIO_IOMMU_MAP_DMA, &m) ? -errno : 0;
}

static int type1_unmap(struct iommu *io, u64 iova, u64 len_bytes)
{
	struct vfio_iommu_type1_dma_unmap u = { .argsz = sizeof(u), .iova = iova, .size = len_bytes };

	return ioctl(((struct type1 *)io)->container, VFIO_IOMMU_UNMAP_DMA, &u) ? -errno : 0;
}

static void type1_free(struct iommu *io)
{
	struct type1 *t = (struct type1 *)io;

	/* closing ends every mapping */
	close(t->group);
	close(t->container);
	free(t);
}

static const struct iommu_ops type1_ops = { .map = type1_map, .unmap = type1_unmap, .free = type1_free };

static void take_ranges(struct iommu *io, const struct vfio_iommu_type1_info_cap_iova_range *cap, u32 cap_bytes)
{
	u32 n = cap->nr_iovas;

	if (cap_bytes < sizeof(*cap) || n > (cap_bytes - sizeof(*cap)) / sizeof(cap->iova_ranges[0]))
		return;
	for (u32 i = 0; i < n && i < IOMMU_RANGES_MAX; i++) {
		u64 len = cap->iova_ranges[i].end - cap->iova_ranges[i].start;

		io->ranges[i] = (struct span){ cap->iova_ranges[i].start, len == ~0ULL ? len : len + 1 };
		io->nranges = i + 1;
	}
}

/* the chain of capabilities: offsets are the kernel's, yet none may lead out of the buffer or in circles */
static void take_capabilities(struct iommu *io, const struct vfio_iommu_type1_info *info)
{
	const u8 *bytes = (const u8 *)info;
	u32 at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	while (at >= sizeof(*info) && at <= info->argsz - sizeof(struct vfio_info_cap_header)) {
		const struct vfio_info_cap_header *h = (const void *)(bytes + at);

		if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			take_ranges(io, (const void *)h, info->argsz - at);
		else if (h->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL && info->argsz - at >= sizeof(struct vfio_iommu_type1_info_dma_avail))
			io->avail = ((const struct vfio_iommu_type1_info_dma_avail *)(const void *)h)->avail;
		if (h->next <= at)
			return;
		at = h->next;
	}
}

static int read_info(struct type1 *t)
{
	struct vfio_iommu_type1_info *info = calloc(1, INFO_BYTES_MAX);
	int err = 0;

	if (!info)
		return -ENOMEM;
	info->argsz = INFO_BYTES_MAX;
	if (ioctl(t->container, VFIO_IOMMU_GET_INFO, info))
		err = -errno;
	if (!err && info->argsz > INFO_BYTES_MAX)
		err = -E2BIG;
	if (!err) {
		/* a kernel that names no page sizes has 4 KiB ones */
		t->io.page_bytes = info->flags & VFIO_IOMMU_INFO_PGSIZES && info->iova_pgsizes ? info->iova_pgsizes & -info->iova_pgsizes : 4096;
		take_capabilities(&t->io, info);
		if (!t->io.nranges) {
			t->io.ranges[0] = (struct span){ 0, (u64)1 << 39 };
			t->io.nranges = 1;
		}
	}
	free(info);
	return err;
}

static int open_container(struct type1 *t, char *error)
{
	t->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (t->container < 0)
		return vfio_explain(error, -errno, "cannot open /dev/vfio/vfio: %s; as root: modprobe vfio-pci (and see the file's mode)", strerror(errno));
	if (ioctl(t->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION || !ioctl(t->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU))
		return vfio_explain(error, -ENOTSUP, "the kernel's VFIO has no type1v2 IOMMU; as root: modprobe vfio_iommu_type1");
	return 0;
}

static int open_group(struct type1 *t, const struct vfio_path *p, char *error)
{
	char node[64];

	snprintf(node, sizeof(node), "/dev/vfio/%u", p->group);
	t->group = open(node, O_RDWR | O_CLOEXEC);
	if (t->group >= 0)
		return 0;
	if (errno == EBUSY)
		return vfio_explain(error, -EBUSY, "%s (%s) is used by another process; fuser %s names it", node, p->bdf, node);
	if (errno == EACCES || errno == EPERM)
		return vfio_explain(error, -errno, "no right to open %s; as root: chown %u %s", node, getuid(), node);
	return vfio_explain(error, -errno, "cannot open %s: %s; is vfio-pci loaded?", node, strerror(errno));
}

/* the group's other functions that are somebody's: " 0000:01:00.1 (snd_hda_intel)" */
static void list_others(const struct vfio_path *p, char *text, size_t text_bytes)
{
	char path[VFIO_PATH_BYTES];
	struct dirent *e;
	size_t used = 0;
	DIR *dir;

	text[0] = 0;
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices", p->group);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		char link[2 * VFIO_PATH_BYTES], target[VFIO_PATH_BYTES];
		ssize_t n;

		snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/driver", e->d_name);
		n = e->d_name[0] == '.' ? -1 : readlink(link, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (strcmp(basename(target), "vfio-pci") && used < text_bytes)
			used += (size_t)snprintf(text + used, text_bytes - used, " %s (%s)", e->d_name, basename(target));
	}
	if (dir)
		closedir(dir);
}

static int join(struct type1 *t, const struct vfio_path *p, char *error)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char others[256];

	if (ioctl(t->group, VFIO_GROUP_GET_STATUS, &status))
		return vfio_explain(error, -errno, "group %u does not say its status: %s", p->group, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		list_others(p, others, sizeof(others));
		return vfio_explain(error, -EPERM, "%s shares IOMMU group %u with functions that host drivers use:%s; bind these to vfio-pci or to none, too",
				    p->bdf, p->group, others);
	}
	if (ioctl(t->group, VFIO_GROUP_SET_CONTAINER, &t->container))
		return vfio_explain(error, -errno, "group %u cannot be used: %s", p->group, strerror(errno));
	if (ioctl(t->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		if (errno == EPERM)
			return vfio_explain(error, -EPERM,
					    "the IOMMU cannot remap interrupts, so a guest could forge them; to take that risk, as root: "
					    "echo 1 >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
		return vfio_explain(error, -errno, "the IOMMU of group %u cannot be used: %s", p->group, strerror(errno));
	}
	return 0;
}

int vfio_type1_open(const struct vfio_path *p, int *device_fd, struct iommu **iommu, char *error)
{
	struct type1 *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->io.ops = &type1_ops;
	t->io.name = "vfio-type1";
	t->container = t->group = -1;
	err = open_container(t, error);
	if (!err)
		err = open_group(t, p, error);
	if (!err)
		err = join(t, p, error);
	if (!err && (err = read_info(t)))
		vfio_explain(error, err, "the IOMMU of %s does not say what it can: %s", p->bdf, strerror(-err));
	if (!err) {
		*device_fd = ioctl(t->group, VFIO_GROUP_GET_DEVICE_FD, p->bdf);
		if (*device_fd < 0)
			err = vfio_explain(error, -errno, "cannot open %s: %s", p->bdf, strerror(errno));
	}
	if (err) {
		type1_free(&t->io);
		return err;
	}
	*iommu = &t->io;
	return 0;
}
