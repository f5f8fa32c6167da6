/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/serve.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/vfio_user/server.h"

/* messages handled before the device may work again: a client that never pauses must not starve it */
#define MESSAGES_PER_TURN 64

struct server {
	struct device *device;
	struct sockaddr_un address;
	int listen_fd, stop_fd;
	pthread_t thread;
	pthread_mutex_t lock; /* of state */
	struct server_state state;
};

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Return: 0 a message or end of file waits, or the device has work; 1 stop was asked */
static int wait_turn(struct server *s, int fd, int work_fd, int timeout_ms)
{
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN }, { .fd = s->stop_fd, .events = POLLIN }, { .fd = work_fd, .events = POLLIN } };

	while (poll(p, 3, timeout_ms) < 0 && errno == EINTR)
		;
	return p[1].revents ? 1 : 0;
}

static void publish(struct server *s, const struct server_state *now)
{
	pthread_mutex_lock(&s->lock);
	s->state = *now;
	pthread_mutex_unlock(&s->lock);
}

static int serve_client(struct server *s, int fd, struct server_state *now)
{
	struct vfio_user client;
	u64 messages = now->messages, refused = now->refused;
	int err = vfio_user_init(&client, s->device, &transport_socket, &fd);

	if (err)
		return err;
	while (!err) {
		int idle_ms = s->device->ops->work(s->device);

		now->messages = messages + client.messages;
		now->refused = refused + client.errors;
		publish(s, now);
		if (wait_turn(s, fd, s->device->poll_fd, idle_ms))
			break;
		for (int n = 0; n < MESSAGES_PER_TURN && !err && readable(fd); n++)
			err = vfio_user_serve_one(&client);
	}
	now->messages = messages + client.messages;
	now->refused = refused + client.errors;
	vfio_user_fini(&client);
	return err == -EPIPE ? 0 : err;
}

static void *server_thread(void *arg)
{
	struct server *s = arg;
	struct server_state now = { 0 };

	while (!wait_turn(s, s->listen_fd, -1, -1)) {
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		now.connected = true;
		now.connections++;
		publish(s, &now);
		now.last_error = serve_client(s, fd, &now);
		close(fd);
		now.connected = false;
		publish(s, &now);
	}
	return NULL;
}

/* a socket that nobody serves is left from a process that was killed */
static int clear_stale(const struct sockaddr_un *address, char *error)
{
	struct stat st;
	int fd, err;

	if (lstat(address->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, TRACE_ERROR_BYTES, "%s exists and is no socket; choose another directory", address->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	close(fd);
	if (!err) {
		snprintf(error, TRACE_ERROR_BYTES, "another process serves %s; end it or choose another directory", address->sun_path);
		return -EADDRINUSE;
	}
	return unlink(address->sun_path) ? -errno : 0;
}

static int listen_at(struct server *s, char *error)
{
	int err = clear_stale(&s->address, error);
	mode_t mask;

	if (err)
		return err;
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listen_fd < 0)
		return -errno;
	mask = umask(0177);
	err = bind(s->listen_fd, (const struct sockaddr *)&s->address, sizeof(s->address)) || listen(s->listen_fd, 1) ? -errno : 0;
	umask(mask);
	if (err)
		close(s->listen_fd);
	return err;
}

int server_start(const char *path, struct device *device, struct server **out, char *error)
{
	struct server *s = calloc(1, sizeof(*s));
	int err;

	error[0] = 0;
	if (!s)
		return -ENOMEM;
	s->device = device;
	s->address.sun_family = AF_UNIX;
	err = -ENAMETOOLONG;
	if ((size_t)snprintf(s->address.sun_path, sizeof(s->address.sun_path), "%s", path) >= sizeof(s->address.sun_path))
		goto out_free;
	err = listen_at(s, error);
	if (err)
		goto out_free;
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (s->stop_fd < 0) {
		err = -errno;
		goto out_listen;
	}
	pthread_mutex_init(&s->lock, NULL);
	err = -pthread_create(&s->thread, NULL, server_thread, s);
	if (err)
		goto out_stop;
	*out = s;
	return 0;

out_stop:
	pthread_mutex_destroy(&s->lock);
	close(s->stop_fd);
out_listen:
	unlink(path);
	close(s->listen_fd);
out_free:
	free(s);
	if (!error[0])
		snprintf(error, TRACE_ERROR_BYTES, "cannot serve at %s: %s", path, strerror(-err));
	return err;
}

void server_state(struct server *s, struct server_state *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->state;
	pthread_mutex_unlock(&s->lock);
}

void server_stop(struct server *s, struct server_state *last)
{
	u64 one = 1;

	if (!s)
		return;
	if (write(s->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort(); /* an eventfd at 0 takes a 1 */
	pthread_join(s->thread, NULL);
	if (last)
		*last = s->state;
	unlink(s->address.sun_path);
	close(s->listen_fd);
	close(s->stop_fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
