/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A client in a buffer: messages go in, replies come out, no socket involved. */
#ifndef EGPU_TESTS_VFIO_USER_FAKE_CLIENT_H
#define EGPU_TESTS_VFIO_USER_FAKE_CLIENT_H

#include <stdlib.h>
#include <unistd.h>

#include "runtime/vfio_user/server.h"

#define FAKE_BYTES (2u << 20)

struct fake_client {
	u8 in[FAKE_BYTES], out[FAKE_BYTES];
	size_t in_len, in_at, out_len;
	int fds[64];
	u32 nfds;
	int reply_fd; /* that came with the last reply, -1 = none; still the server's */
	u16 next_id;
};

static int fake_recv(void *ctx, void *buf, size_t len, int *fds, u32 *nfds, u32 *surplus)
{
	struct fake_client *c = ctx;
	size_t left = c->in_len - c->in_at;

	for (u32 i = 0; i < c->nfds; i++) {
		if (*nfds < VFIO_USER_FDS_MAX) {
			fds[(*nfds)++] = c->fds[i];
		} else {
			close(c->fds[i]);
			(*surplus)++;
		}
	}
	c->nfds = 0;
	if (!left)
		return -EPIPE;
	if (left < len)
		return -ECONNRESET;
	memcpy(buf, c->in + c->in_at, len);
	c->in_at += len;
	return 0;
}

static int fake_send(void *ctx, const struct iovec *iov, int n, int fd)
{
	struct fake_client *c = ctx;

	c->reply_fd = fd;

	for (int i = 0; i < n; i++) {
		if (c->out_len + iov[i].iov_len > FAKE_BYTES)
			return -ENOSPC;
		memcpy(c->out + c->out_len, iov[i].iov_base, iov[i].iov_len);
		c->out_len += iov[i].iov_len;
	}
	return 0;
}

static const struct transport_ops fake_transport = { .recv = fake_recv, .send = fake_send };

/* put raw bytes on the wire */
static inline void fake_put(struct fake_client *c, const void *bytes, size_t len)
{
	if (c->in_at == c->in_len)
		c->in_at = c->in_len = 0;
	memcpy(c->in + c->in_len, bytes, len);
	c->in_len += len;
}

static inline void fake_message(struct fake_client *c, u16 command, u32 flags, const void *body, u32 len)
{
	struct vfio_user_header h = { .id = ++c->next_id, .command = command, .size = (u32)sizeof(h) + len, .flags = flags };

	fake_put(c, &h, sizeof(h));
	fake_put(c, body, len);
	c->out_len = 0;
}

/* the reply's header, and its body if @body is not NULL; Return: false if there was no reply */
static inline bool fake_reply(const struct fake_client *c, struct vfio_user_header *h, void *body, u32 len)
{
	if (c->out_len < sizeof(*h))
		return false;
	memcpy(h, c->out, sizeof(*h));
	if (body)
		memcpy(body, c->out + sizeof(*h), len);
	return true;
}

#endif
