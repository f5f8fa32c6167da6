/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/qmp.h"

#include <json-c/json.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void qmp_init(struct qmp *q)
{
	memset(q, 0, sizeof(*q));
	q->fd = -1;
}

static int command(struct qmp *q, const char *name)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", name);

	return q->fd >= 0 && send(q->fd, text, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
}

int qmp_connect(struct qmp *q, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return -errno;
	if (connect(q->fd, (struct sockaddr *)&address, sizeof(address))) {
		int err = -errno;

		qmp_close(q);
		return err;
	}
	return command(q, "qmp_capabilities") ?: command(q, "query-cpus-fast");
}

static void add_thread(struct qmp *q, pid_t thread)
{
	u32 i;

	for (i = 0; i < q->threads_n; i++)
		if (q->threads[i] == thread)
			return;
	if (thread > 0 && q->threads_n < QMP_THREADS_MAX)
		q->threads[q->threads_n++] = thread;
}

/* the only answer that is a list is that of query-cpus-fast */
static void on_answer(struct qmp *q, const struct json_object *answer)
{
	struct json_object *thread;

	if (!json_object_is_type(answer, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(answer); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(answer, i), "thread-id", &thread))
			add_thread(q, json_object_get_int(thread));
}

static void on_line(struct qmp *q, const char *line)
{
	struct json_object *o = json_tokener_parse(line), *event, *data, *reason, *answer;

	if (json_object_object_get_ex(o, "event", &event)) {
		const char *name = json_object_get_string(event);

		if (!strcmp(name, "GUEST_PANICKED"))
			q->panicked = true;
		if (!strcmp(name, "SHUTDOWN") && json_object_object_get_ex(o, "data", &data) &&
		    json_object_object_get_ex(data, "reason", &reason))
			snprintf(q->reason, sizeof(q->reason), "%s", json_object_get_string(reason));
	}
	if (json_object_object_get_ex(o, "return", &answer))
		on_answer(q, answer);
	json_object_put(o);
}

int qmp_read(struct qmp *q)
{
	ssize_t n = recv(q->fd, q->line + q->used, sizeof(q->line) - 1 - q->used, MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -EPIPE;
	q->used += (size_t)n;
	q->line[q->used] = 0;
	while ((end = strchr(q->line, '\n'))) {
		size_t left = q->used - (size_t)(end + 1 - q->line);

		*end = 0;
		on_line(q, q->line);
		memmove(q->line, end + 1, left + 1);
		q->used = left;
	}
	/* no line of QEMU's is that long: drop it */
	if (q->used == sizeof(q->line) - 1)
		q->used = 0;
	return 0;
}

int qmp_quit(struct qmp *q)
{
	return command(q, "quit");
}

void qmp_close(struct qmp *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}
