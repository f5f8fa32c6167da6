/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * serve.h - a device on a UNIX socket, with a thread of its own.
 *
 * Purpose:  listens, serves one client at a time, lets the device work while the client is silent, and starts anew when it leaves.
 */
#ifndef EGPU_RUNTIME_SERVE_H
#define EGPU_RUNTIME_SERVE_H

#include "runtime/device/device.h"

struct server;

/**
 * server_start() - listen at @path (made, mode 0600; a stale socket there is replaced, any other file is not) and start the thread.
 * @path:  at most 107 bytes, the kernel's limit
 * @error: one line, TRACE_ERROR_BYTES
 *
 * Return: 0; -ENAMETOOLONG, -EEXIST, -EADDRINUSE (somebody serves there), …
 */
int server_start(const char *path, struct device *device, struct server **out, char *error);

/** struct server_state - for the session's main thread. */
struct server_state {
	bool connected;
	u64 connections;  /* so far */
	u64 messages, refused; /* of all connections */
	int last_error;   /* why the last connection ended: 0 closed in order, else negative errno */
};
void server_state(struct server *s, struct server_state *out);

/**
 * server_stop() - end the connection and the thread, remove the socket; the device stays the caller's. NULL is allowed.
 * @last: receives the final state; may be NULL
 */
void server_stop(struct server *s, struct server_state *last);

#endif
