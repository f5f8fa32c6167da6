/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * mmiotrace.h - from Linux' mmiotrace (x86) to a trace of register accesses.
 *
 * Purpose:  reads "VERSION 20070824" text: PCIDEV lines give the BARs, R and W lines bus addresses. An access inside a BAR becomes
 *           REGION_READ or REGION_WRITE of the device "bus:dev.fn" (the text has no PCI domain), MARK a mark (or a frame: "frame N"), and
 *           "Lost N events." a gap.
 * Compiled: egpu-trace.
 * Source:   Linux' Documentation/trace/mmiotrace.rst and kernel/trace/trace_mmiotrace.c.
 */
#ifndef EGPU_TRACER_IMPORT_MMIOTRACE_H
#define EGPU_TRACER_IMPORT_MMIOTRACE_H

#include "tracer/import/import.h"

/** mmiotrace_import() - see import_format. */
int mmiotrace_import(const struct import_args *args, struct tracer *out, struct import_report *report, char *error);

#endif
