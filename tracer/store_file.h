/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * store_file.h - the files around a trace: its lock, its log, and how a new one takes its place.
 *
 * Compiled: the tracer; private to store.c.
 */
#ifndef EGPU_TRACER_STORE_FILE_H
#define EGPU_TRACER_STORE_FILE_H

#include <stdbool.h>

#define STORE_PATH_BYTES 4096

/**
 * struct store_file - names and the lock.
 * @path:    of the trace, never one that SQLite gives a meaning of its own (":memory:", "file:…")
 * @lock_fd: holds PATH-lock; -1 if not held
 */
struct store_file {
	char path[STORE_PATH_BYTES];
	int lock_fd;
};

/** store_file_lock() - set @f up for @path and take its lock. Return: 0; -EBUSY another recorder has it; … with @error filled. */
int store_file_lock(struct store_file *f, const char *path, char *error);
void store_file_unlock(struct store_file *f); /* also removes PATH-lock */

/** store_file_may_replace() - Return: 0 if nothing is in the way of a new trace; -EEXIST with @error filled. */
int store_file_may_replace(const struct store_file *f, bool overwrite, char *error);

/** store_file_is_trace() - by its first bytes. */
bool store_file_is_trace(const char *path);

/** store_file_sibling() - PATH with @suffix; @out has STORE_PATH_BYTES. */
void store_file_sibling(const struct store_file *f, const char *suffix, char *out);

/** store_file_install() - move PATH-new to PATH and remove what was left of an older trace there. Return: 0 or negative errno. */
int store_file_install(const struct store_file *f, bool overwrite);

#endif
