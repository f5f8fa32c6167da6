/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The IOMMU through the function's own character device and iommufd, where the kernel has them. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/device/iommufd_abi.h"
#include "runtime/device/vfio_state.h"

struct iommufd {
	struct iommu io; /* first, so that a struct iommu * is a struct iommufd * */
	int fd;
	u32 ioas;
};

static int iommufd_map(struct iommu *io, u64 iova, void *hva, u64 len_bytes, bool writable)
{
	struct iommufd *f = (struct iommufd *)io;
	struct abi_ioas_map m = {
		.size = sizeof(m), .flags = ABI_MAP_FIXED_IOVA | ABI_MAP_READABLE | (writable ? ABI_MAP_WRITEABLE : 0),
		.ioas_id = f->ioas, .user_va = (uintptr_t)hva, .length = len_bytes, .iova = iova,
	};

	return ioctl(f->fd, ABI_IOAS_MAP, &m) ? -errno : 0;
}

static int iommufd_unmap(struct iommu *io, u64 iova, u64 len_bytes)
{
	struct iommufd *f = (struct iommufd *)io;
	struct abi_ioas_unmap u = { .size = sizeof(u), .ioas_id = f->ioas, .iova = iova, .length = len_bytes };

	if (!ioctl(f->fd, ABI_IOAS_UNMAP, &u))
		return 0;
	/* it says so both of an empty range and of one that cuts a mapping */
	return errno == ENOENT ? -EINVAL : -errno;
}

static void iommufd_free(struct iommu *io)
{
	struct iommufd *f = (struct iommufd *)io;

	/* closing ends every mapping */
	close(f->fd);
	free(f);
}

static const struct iommu_ops iommufd_ops = { .map = iommufd_map, .unmap = iommufd_unmap, .free = iommufd_free };

/* "/dev/vfio/devices/vfio0" */
static int device_node(const struct vfio_path *p, char *node, size_t node_bytes)
{
	char path[VFIO_PATH_BYTES + 16];
	struct dirent *e;
	int err = -ENOENT;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/vfio-dev", p->sysfs);
	dir = opendir(path);
	while (dir && err && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			err = (size_t)snprintf(node, node_bytes, "/dev/vfio/devices/%s", e->d_name) < node_bytes ? 0 : -ENAMETOOLONG;
	if (dir)
		closedir(dir);
	return err;
}

bool vfio_iommufd_there(const struct vfio_path *p)
{
	char node[VFIO_PATH_BYTES];

	return !access("/dev/iommu", F_OK) && !device_node(p, node, sizeof(node)) && !access(node, F_OK);
}

static int read_ranges(struct iommufd *f)
{
	struct abi_iova_range ranges[IOMMU_RANGES_MAX];
	struct abi_ioas_iova_ranges q = {
		.size = sizeof(q), .ioas_id = f->ioas, .num_iovas = IOMMU_RANGES_MAX, .allowed_iovas = (uintptr_t)ranges,
	};

	if (ioctl(f->fd, ABI_IOAS_IOVA_RANGES, &q) && errno != EMSGSIZE)
		return -errno;
	f->io.page_bytes = q.out_iova_alignment;
	f->io.nranges = q.num_iovas < IOMMU_RANGES_MAX ? q.num_iovas : IOMMU_RANGES_MAX;
	for (u32 i = 0; i < f->io.nranges; i++) {
		u64 len = ranges[i].last - ranges[i].start;

		f->io.ranges[i] = (struct span){ ranges[i].start, len == ~0ULL ? len : len + 1 };
	}
	return 0;
}

static int attach(struct iommufd *f, int device, const char *bdf, char *error)
{
	struct abi_vfio_bind bind = { .argsz = sizeof(bind), .iommufd = f->fd };
	struct abi_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct abi_vfio_attach pt = { .argsz = sizeof(pt) };

	if (ioctl(device, ABI_VFIO_BIND, &bind))
		return vfio_explain(error, -errno, "%s cannot be bound to iommufd: %s; is it, or one of its group, used by another process or driver?",
				    bdf, strerror(errno));
	if (ioctl(f->fd, ABI_IOAS_ALLOC, &alloc))
		return vfio_explain(error, -errno, "iommufd gives no address space: %s", strerror(errno));
	f->ioas = pt.pt_id = alloc.out_ioas_id;
	if (ioctl(device, ABI_VFIO_ATTACH, &pt))
		return vfio_explain(error, -errno, "%s cannot be attached to an address space: %s", bdf, strerror(errno));
	return 0;
}

int vfio_iommufd_open(const struct vfio_path *p, int *device_fd, struct iommu **iommu, char *error)
{
	struct iommufd *f = calloc(1, sizeof(*f));
	char node[VFIO_PATH_BYTES] = "its character device (there is none)";
	int err = 0;

	if (!f)
		return -ENOMEM;
	f->io.ops = &iommufd_ops;
	f->io.name = "iommufd";
	device_node(p, node, sizeof(node));
	*device_fd = open(node, O_RDWR | O_CLOEXEC);
	if (*device_fd < 0)
		err = vfio_explain(error, -errno, "cannot open %s of %s: %s; as root: chown %u %s", node, p->bdf, strerror(errno), getuid(), node);
	f->fd = err ? -1 : open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (!err && f->fd < 0)
		err = vfio_explain(error, -errno, "cannot open /dev/iommu: %s; see the file's mode", strerror(errno));
	if (!err)
		err = attach(f, *device_fd, p->bdf, error);
	if (!err && (err = read_ranges(f)))
		vfio_explain(error, err, "iommufd does not say what %s can reach: %s", p->bdf, strerror(-err));
	if (!err) {
		*iommu = &f->io;
		return 0;
	}
	if (f->fd >= 0)
		close(f->fd);
	if (*device_fd >= 0)
		close(*device_fd);
	free(f);
	return err;
}
