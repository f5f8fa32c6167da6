/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* DMA_MAP, DMA_UNMAP: the client's memory comes and goes. */
#include <unistd.h>

#include "runtime/mapper.h"
#include "runtime/vfio_user/server.h"

int vfio_user_on_dma_map(struct vfio_user *s)
{
	struct vfio_user_dma_map m;
	int err = vfio_user_body(s, &m, sizeof(m)), fd;
	struct span range;

	if (err)
		return err;
	if ((m.flags & ~(VFIO_USER_DMA_READ_MASK | VFIO_USER_DMA_WRITE_MASK)) || s->nfds > 1)
		return -EINVAL;
	range = (struct span){ m.iova, m.size };
	fd = vfio_user_take_fd(s);
	err = guest_memory_add(s->device->memory, range, fd, m.offset, m.flags & VFIO_USER_DMA_WRITE_MASK);
	device_emit(s->device, TRACE_RAM_MAP, err, m.iova, m.size, m.offset, m.flags | (fd >= 0 ? 4u : 0));
	if (!err && fd >= 0 && s->device->dma) {
		err = mapper_client_map(s->device->dma, s->device->memory, range, m.offset, s->device->ring);
		if (err)
			guest_memory_remove(s->device->memory, range);
	}
	if (fd >= 0)
		close(fd);
	return err ? err : vfio_user_reply(s, NULL, 0);
}

int vfio_user_on_dma_unmap(struct vfio_user *s)
{
	struct vfio_user_dma_unmap u;
	int err = vfio_user_body(s, &u, sizeof(u));
	struct span range;
	s64 removed;

	if (err)
		return err;
	if (u.flags & ~VFIO_USER_UNMAP_ALL_MASK)
		return -EINVAL;
	/* QEMU sets this flag (of linux/vfio.h) to withdraw everything, though the specification knows no flags */
	range = (struct span){ u.iova, u.size };
	if (u.flags & VFIO_USER_UNMAP_ALL_MASK)
		range = (struct span){ 0, ~0ULL };
	if (!span_valid(range))
		return -EINVAL;
	err = s->device->dma ? mapper_client_unmap(s->device->dma, range, s->device->ring) : 0;
	if (err)
		return err;
	/* QEMU withdraws ranges that it never announced (a vIOMMU's whole address space); an error would hang the guest */
	removed = guest_memory_remove(s->device->memory, range);
	device_emit(s->device, TRACE_RAM_UNMAP, removed < 0 ? (s32)removed : 0, range.start, range.len, 0, u.flags);
	if (removed < 0)
		return (int)removed;
	u.argsz = sizeof(u);
	return vfio_user_reply(s, &u, sizeof(u));
}
