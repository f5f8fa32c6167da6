/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/fault_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORD_BYTES 8192 /* the kernel's limit for one record of /dev/kmsg */
#define SMMU_WORDS 4
#define AMD_WRITE_MASK 0x20u
#define SMMU_READ_MASK ((u64)1 << 35)

/* "DMAR: [DMA Write NO_PASID] Request device [00:04.0] fault addr 0x7f9000 [fault reason 0x05] PTE Write access is not set" */
static bool parse_vtd(const char *line, struct fault *out)
{
	const char *at = strstr(line, "Request device [");
	char rw = 0;

	if (!at || sscanf(line, "DMAR: [DMA %c", &rw) != 1)
		return false;
	out->write = rw == 'W';
	return sscanf(at, "Request device [%7[0-9a-fA-F:.]] fault addr 0x%" SCNx64, out->bdf, &out->iova) == 2 ||
	       sscanf(at, "Request device [%7[0-9a-fA-F:.]] fault addr %" SCNx64, out->bdf, &out->iova) == 2;
}

/* "… AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0 domain=0x000d address=0xfe000000 flags=0x0020]"; older ones write "device=01:00.0" */
static bool parse_amd(const char *line, struct fault *out)
{
	const char *device = strstr(line, "device="), *address = strstr(line, "address="), *flags = strstr(line, "flags=");

	if (!strstr(line, "IO_PAGE_FAULT") || !device || !address || !flags)
		return false;
	if (sscanf(device, "device=%*4x:%7[0-9a-fA-F:.]", out->bdf) != 1 || strlen(out->bdf) != 7)
		if (sscanf(device, "device=%7[0-9a-fA-F:.]", out->bdf) != 1)
			return false;
	out->iova = strtoull(address + 8, NULL, 16);
	out->write = strtoul(flags + 6, NULL, 16) & AMD_WRITE_MASK;
	return true;
}

/* "arm-smmu-v3 9050000.smmuv3: event 0x10 received:" and then one line for each 64-bit word of the event */
static bool parse_smmu(struct fault_parser *p, const char *line, struct fault *out)
{
	const char *at;
	u32 sid;

	if (!strstr(line, "arm-smmu-v3"))
		return false;
	if (strstr(line, "event 0x10 received")) {
		p->words = 1;
		return false;
	}
	at = strrchr(line, '\t');
	at = at ? at : strrchr(line, ' ');
	if (!p->words || !at || sscanf(at + 1, "0x%" SCNx64, &p->word[p->words - 1]) != 1) {
		p->words = 0;
		return false;
	}
	if (p->words++ < SMMU_WORDS)
		return false;
	p->words = 0;
	sid = (u32)(p->word[0] >> 32);
	snprintf(out->bdf, sizeof(out->bdf), "%02x:%02x.%x", sid >> 8 & 0xff, sid >> 3 & 0x1f, sid & 7);
	out->write = !(p->word[1] & SMMU_READ_MASK);
	out->iova = p->word[2];
	return true;
}

bool fault_parse(struct fault_parser *p, const char *line, struct fault *out)
{
	memset(out, 0, sizeof(*out));
	return parse_smmu(p, line, out) || parse_vtd(line, out) || parse_amd(line, out);
}

int fault_log_open(struct fault_log *l, const char *bdf)
{
	*l = (struct fault_log){ .fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	snprintf(l->bdf, sizeof(l->bdf), "%s", bdf);
	if (l->fd < 0)
		return -errno;
	/* what was logged before is not ours; a log that cannot be read says so only now */
	if (lseek(l->fd, 0, SEEK_END) >= 0 && (read(l->fd, &(char){ 0 }, 0) >= 0 || errno == EAGAIN || errno == EINVAL))
		return 0;
	fault_log_close(l);
	return -EPERM;
}

void fault_log_close(struct fault_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* behind a bridge to conventional PCI the bridge's alias is named, at which no function is */
static bool is_ours(const struct fault_log *l, const char *bdf)
{
	char path[64];

	if (!strcmp(l->bdf + 5, bdf))
		return true;
	if (strncmp(l->bdf + 5, bdf, 3) || strcmp(bdf + 3, "00.0"))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.5s%s", l->bdf, bdf);
	return access(path, F_OK) != 0;
}

bool fault_log_next(struct fault_log *l, struct fault *out)
{
	char record[RECORD_BYTES + 1];

	while (l->fd >= 0) {
		ssize_t n = read(l->fd, record, RECORD_BYTES);
		const char *text;

		/* EPIPE: the log went on faster than we read; what it lost is lost */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			return false;
		record[n] = 0;
		record[strcspn(record, "\n")] = 0;
		text = strchr(record, ';');
		if (text && fault_parse(&l->parser, text + 1, out) && is_ours(l, out->bdf))
			return true;
	}
	return false;
}
