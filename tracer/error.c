/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "tracer/tracer.h"

int trace_fail(char *error, int err, const char *format, ...)
{
	va_list ap;

	if (!error)
		return err;
	va_start(ap, format);
	vsnprintf(error, TRACE_ERROR_BYTES, format, ap);
	va_end(ap);
	return err;
}
