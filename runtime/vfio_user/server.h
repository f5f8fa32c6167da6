/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * server.h - the vfio-user server: one client's messages to one device.
 *
 * Purpose:  reads a message, checks every field before use, does what it asks, replies. A client may be hostile: a wrong message gets an error
 *           reply; one after which the stream cannot be trusted (impossible size, wrong type) ends the connection. Nothing a client sends can
 *           end the process, block another device, or make memory grow without bound.
 * Threads:  one per connection.
 * Source:   the vfio-user specification; what QEMU's client does beyond it is said at the place that tolerates it.
 */
#ifndef EGPU_RUNTIME_VFIO_USER_SERVER_H
#define EGPU_RUNTIME_VFIO_USER_SERVER_H

#include "runtime/device/device.h"
#include "runtime/vfio_user/protocol.h"
#include "runtime/vfio_user/transport.h"

/**
 * struct vfio_user - one connection.
 * @device:     served; its memory and irqs are filled by messages
 * @transport:  with its @transport_ctx
 * @negotiated: VERSION was accepted; before that nothing else is
 * @errors:     error replies so far
 * @body:       the message being handled, header excluded
 */
struct vfio_user {
	struct device *device;
	const struct transport_ops *transport;
	void *transport_ctx;
	bool negotiated;
	u64 messages, errors;

	struct vfio_user_header header;
	u8 *body;
	u32 body_bytes;
	int fds[VFIO_USER_FDS_MAX];
	u32 nfds, surplus_fds;
};

/** vfio_user_init() - Return: 0 or -ENOMEM. */
int vfio_user_init(struct vfio_user *s, struct device *device, const struct transport_ops *transport, void *transport_ctx);

/** vfio_user_fini() - the client is gone: forget its memory and interrupts, reset the device. */
void vfio_user_fini(struct vfio_user *s);

/**
 * vfio_user_serve_one() - receive and handle one message.
 * Return: 0 go on; -EPIPE the client closed in order; other -errno: the connection is to be closed (-EPROTO: it broke the protocol).
 */
int vfio_user_serve_one(struct vfio_user *s);

/* ---- handlers, by subject; each returns 0 if it has replied, or a negative errno that becomes the error reply ---- */
int vfio_user_on_version(struct vfio_user *s);       /* version.c */
int vfio_user_on_dma_map(struct vfio_user *s);       /* memory.c */
int vfio_user_on_dma_unmap(struct vfio_user *s);
int vfio_user_on_get_info(struct vfio_user *s);      /* info.c */
int vfio_user_on_get_region_info(struct vfio_user *s);
int vfio_user_on_get_irq_info(struct vfio_user *s);
int vfio_user_on_set_irqs(struct vfio_user *s);      /* interrupts.c */
int vfio_user_on_region_read(struct vfio_user *s);   /* access.c */
int vfio_user_on_region_write(struct vfio_user *s);
int vfio_user_on_write_multi(struct vfio_user *s);

/** vfio_user_reply() - send a reply of @len payload bytes, unless the client wants none. Return: 0 or the transport's error. */
int vfio_user_reply(struct vfio_user *s, const void *payload, u32 len);

/** vfio_user_reply_fd() - likewise, and hand the client a copy of @fd (-1 = none). */
int vfio_user_reply_fd(struct vfio_user *s, const void *payload, u32 len, int fd);

/** vfio_user_take_fd() - the next descriptor that came with the message, -1 if there is none; the caller owns it. */
int vfio_user_take_fd(struct vfio_user *s);

/** vfio_user_body() - copy the fixed part of the body. Return: 0; -EINVAL if the message is shorter. */
int vfio_user_body(struct vfio_user *s, void *out, u32 len);

#endif
