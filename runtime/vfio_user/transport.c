/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/vfio_user/transport.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/vfio_user/protocol.h"

/* more than we accept, so that surplus descriptors reach us and can be closed instead of being cut off unseen */
#define CONTROL_FDS 64

static void take_fds(struct msghdr *msg, int *fds, u32 *nfds, u32 *surplus)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (*nfds < VFIO_USER_FDS_MAX) {
				fds[(*nfds)++] = fd;
			} else {
				close(fd);
				(*surplus)++;
			}
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		(*surplus)++;
}

static int wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n ? -errno : -ETIMEDOUT;
}

static int socket_recv(void *ctx, void *buf, size_t len, int *fds, u32 *nfds, u32 *surplus)
{
	int fd = *(int *)ctx;
	size_t got = 0;

	while (got < len) {
		union { char bytes[CMSG_SPACE(CONTROL_FDS * sizeof(int))]; struct cmsghdr align; } control;
		struct iovec iov = { (char *)buf + got, len - got };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		int err;

		if (n > 0) {
			take_fds(&msg, fds, nfds, surplus);
			got += (size_t)n;
			continue;
		}
		if (n == 0)
			return got ? -ECONNRESET : -EPIPE;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return -errno;
		err = wait_for(fd, POLLIN, TRANSPORT_STALL_MS);
		if (err)
			return err;
	}
	return 0;
}

union fd_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void attach_fd(struct msghdr *msg, union fd_control *control, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = sizeof(*control);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

static int socket_send(void *ctx, const struct iovec *iov_in, int n, int pass_fd)
{
	int fd = *(int *)ctx;
	struct iovec iov[4];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	union fd_control control;

	memcpy(iov, iov_in, (size_t)n * sizeof(*iov));
	if (pass_fd >= 0)
		attach_fd(&msg, &control, pass_fd);
	while (msg.msg_iovlen) {
		ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		int err;

		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				return -errno;
			err = wait_for(fd, POLLOUT, TRANSPORT_STALL_MS);
			if (err)
				return err;
			continue;
		}
		/* it went with the first byte */
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		while (msg.msg_iovlen && (size_t)sent >= msg.msg_iov->iov_len) {
			sent -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + sent;
			msg.msg_iov->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

const struct transport_ops transport_socket = { .recv = socket_recv, .send = socket_send };
