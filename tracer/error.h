/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * error.h - one line that says what went wrong.
 *
 * Compiled: the tracer and its importers; private to them.
 */
#ifndef EGPU_TRACER_ERROR_H
#define EGPU_TRACER_ERROR_H

/**
 * trace_fail() - fill an error line and pass the error on.
 * @error: TRACE_ERROR_BYTES long, or NULL
 * @err:   negative errno
 *
 * Return: @err.
 */
int trace_fail(char *error, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
