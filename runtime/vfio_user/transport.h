/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * transport.h - how messages travel: a UNIX socket in life, a buffer in tests.
 *
 * Owner:    file descriptors handed out by recv belong to the caller; send does not take the one it is given.
 */
#ifndef EGPU_RUNTIME_VFIO_USER_TRANSPORT_H
#define EGPU_RUNTIME_VFIO_USER_TRANSPORT_H

#include <sys/uio.h>

#include "runtime/core/env.h"

/**
 * struct transport_ops - the whole contract.
 * @recv: read exactly @len bytes into @buf; descriptors that come along are appended to @fds, at most VFIO_USER_FDS_MAX in all (*@nfds in
 *        and out), surplus ones are closed and counted in *@surplus. Outcomes: 0; -EPIPE the peer closed before the first byte;
 *        -ECONNRESET it closed in the middle; -ETIMEDOUT it stopped in the middle; other -errno
 * @send: write all of it, with a copy of @fd (-1 = none). Outcomes: 0; -errno
 */
struct transport_ops {
	int (*recv)(void *ctx, void *buf, size_t len, int *fds, u32 *nfds, u32 *surplus);
	int (*send)(void *ctx, const struct iovec *iov, int n, int fd);
};

/** transport_socket - ops whose ctx is a pointer to an int, the connected socket (blocking or not). */
extern const struct transport_ops transport_socket;

/** TRANSPORT_STALL_MS - a peer that stops in the middle of a message is given this long. */
#define TRANSPORT_STALL_MS 5000

#endif
