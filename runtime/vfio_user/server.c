/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/vfio_user/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "runtime/mapper.h"

int vfio_user_init(struct vfio_user *s, struct device *device, const struct transport_ops *transport, void *transport_ctx)
{
	memset(s, 0, sizeof(*s));
	s->device = device;
	s->transport = transport;
	s->transport_ctx = transport_ctx;
	s->body = malloc(VFIO_USER_MESSAGE_MAX);
	return s->body ? 0 : -ENOMEM;
}

void vfio_user_fini(struct vfio_user *s)
{
	/* the device first: it may still want to tell the guest something */
	s->device->ops->reset(s->device, DEVICE_RESET_DISCONNECT);
	device_emit(s->device, TRACE_RESET, 0, DEVICE_RESET_DISCONNECT, 0, 0, 0);
	if (s->device->dma)
		mapper_client_unmap(s->device->dma, (struct span){ 0, ~0ULL }, s->device->ring);
	irqs_clear(&s->device->irqs);
	guest_memory_clear(s->device->memory);
	free(s->body);
	s->body = NULL;
}

static int send_reply(struct vfio_user *s, u32 flags, u32 error, const void *payload, u32 len, int fd)
{
	struct vfio_user_header h = {
		.id = s->header.id, .command = s->header.command, .size = (u32)sizeof(h) + len, .flags = VFIO_USER_TYPE_REPLY | flags,
		.error = error,
	};
	struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)payload, len } };

	if (s->header.flags & VFIO_USER_NO_REPLY_MASK)
		return 0;
	return s->transport->send(s->transport_ctx, iov, len ? 2 : 1, fd);
}

int vfio_user_reply(struct vfio_user *s, const void *payload, u32 len)
{
	return send_reply(s, 0, 0, payload, len, -1);
}

int vfio_user_reply_fd(struct vfio_user *s, const void *payload, u32 len, int fd)
{
	return send_reply(s, 0, 0, payload, len, fd);
}

int vfio_user_take_fd(struct vfio_user *s)
{
	int fd;

	if (!s->nfds)
		return -1;
	fd = s->fds[0];
	s->nfds--;
	memmove(s->fds, s->fds + 1, s->nfds * sizeof(fd));
	return fd;
}

int vfio_user_body(struct vfio_user *s, void *out, u32 len)
{
	if (s->body_bytes < len)
		return -EINVAL;
	memcpy(out, s->body, len);
	return 0;
}

static int on_reset(struct vfio_user *s)
{
	s->device->ops->reset(s->device, DEVICE_RESET_CLIENT);
	device_emit(s->device, TRACE_RESET, 0, DEVICE_RESET_CLIENT, 0, 0, 0);
	return vfio_user_reply(s, NULL, 0);
}

static const struct {
	u16 command;
	int (*handle)(struct vfio_user *s);
} handlers[] = {
	{ VFIO_USER_REGION_READ, vfio_user_on_region_read },
	{ VFIO_USER_REGION_WRITE, vfio_user_on_region_write },
	{ VFIO_USER_REGION_WRITE_MULTI, vfio_user_on_write_multi },
	{ VFIO_USER_DMA_MAP, vfio_user_on_dma_map },
	{ VFIO_USER_DMA_UNMAP, vfio_user_on_dma_unmap },
	{ VFIO_USER_VERSION, vfio_user_on_version },
	{ VFIO_USER_DEVICE_GET_INFO, vfio_user_on_get_info },
	{ VFIO_USER_DEVICE_GET_REGION_INFO, vfio_user_on_get_region_info },
	{ VFIO_USER_DEVICE_GET_IRQ_INFO, vfio_user_on_get_irq_info },
	{ VFIO_USER_DEVICE_SET_IRQS, vfio_user_on_set_irqs },
	{ VFIO_USER_DEVICE_RESET, on_reset },
};

/* Return: the handler's outcome; -EOPNOTSUPP for what we do not offer (region io fds, device features, migration) */
static int dispatch(struct vfio_user *s)
{
	if (s->negotiated == (s->header.command == VFIO_USER_VERSION))
		return -EPROTO;
	if (s->surplus_fds)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].command == s->header.command)
			return handlers[i].handle(s);
	return -EOPNOTSUPP;
}

/* a header that says something impossible leaves no way to find the next message */
static int receive(struct vfio_user *s)
{
	int err;

	s->nfds = s->surplus_fds = 0;
	err = s->transport->recv(s->transport_ctx, &s->header, sizeof(s->header), s->fds, &s->nfds, &s->surplus_fds);
	if (err)
		return err;
	if (s->header.size < sizeof(s->header) || s->header.size > VFIO_USER_MESSAGE_MAX)
		return -EPROTO;
	if ((s->header.flags & VFIO_USER_TYPE_MASK) != VFIO_USER_TYPE_COMMAND)
		return -EPROTO;
	s->body_bytes = s->header.size - (u32)sizeof(s->header);
	err = s->body_bytes ? s->transport->recv(s->transport_ctx, s->body, s->body_bytes, s->fds, &s->nfds, &s->surplus_fds) : 0;
	return err == -EPIPE ? -ECONNRESET : err;
}

/* errors of the transport must not be mistaken for a handler's refusal */
static bool transport_error(int err)
{
	return err == -EPIPE || err == -ECONNRESET || err == -ETIMEDOUT || err == -EBADF;
}

int vfio_user_serve_one(struct vfio_user *s)
{
	int err = receive(s);

	if (!err) {
		s->messages++;
		err = dispatch(s);
		if (err && !transport_error(err)) {
			bool broken = err == -EPROTO;

			s->errors++;
			err = send_reply(s, VFIO_USER_ERROR_MASK, (u32)-err, NULL, 0, -1);
			if (broken)
				err = -EPROTO;
		}
	}
	for (u32 i = 0; i < s->nfds; i++)
		close(s->fds[i]);
	s->nfds = 0;
	return err;
}
