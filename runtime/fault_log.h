/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * fault_log.h - accesses that the machine's IOMMU refused, from the kernel's log.
 *
 * Purpose:  VFIO tells a process nothing of its device's DMA faults; the IOMMU drivers log them. Understood: Intel VT-d ("DMAR: [DMA Write …"),
 *           AMD-Vi ("IO_PAGE_FAULT"), Arm SMMUv3 ("event 0x10 received" and the words that follow). The kernel logs a burst only in part.
 * Owner:    one per session, its main thread's.
 */
#ifndef EGPU_RUNTIME_FAULT_LOG_H
#define EGPU_RUNTIME_FAULT_LOG_H

#include "runtime/core/env.h"

/** struct fault - one refused access. @bdf: who, "00:04.0", without a domain. */
struct fault {
	char bdf[8];
	u64 iova;
	bool write;
};

/** struct fault_parser - all zero at first; an event of Arm's takes several lines. */
struct fault_parser {
	u32 words;
	u64 word[4];
};

/** fault_parse() - the next line of the log, without its prefix. Return: true if @out was filled. */
bool fault_parse(struct fault_parser *p, const char *line, struct fault *out);

/**
 * struct fault_log - the log from now on.
 * @fd: to poll; -1 = none
 */
struct fault_log {
	int fd;
	char bdf[16];
	struct fault_parser parser;
};

/** fault_log_open() - faults of function @bdf ("0000:01:00.0"). Return: 0; negative errno if the log cannot be read (-EPERM, -EACCES: CAP_SYSLOG). */
int fault_log_open(struct fault_log *l, const char *bdf);
void fault_log_close(struct fault_log *l);

/** fault_log_next() - the next fault of our function that was logged. Return: false if there is none now. */
bool fault_log_next(struct fault_log *l, struct fault *out);

#endif
