/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Before anything starts: what could only fail later, and would be hard to read then. */
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>

#include "runtime/session.h"

/* Return: true if the kernel lets us lock any amount of memory */
static bool may_lock_all(void)
{
	char line[128];
	u64 capabilities = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "CapEff: %llx", (unsigned long long *)&capabilities);
	if (f)
		fclose(f);
	return capabilities >> CAP_IPC_LOCK & 1;
}

/* all that a real device can reach is locked in memory */
static int check_locked(const struct session *s, char *error, size_t n)
{
	u64 bytes = (u64)s->o->memory_mib << 20;
	struct rlimit limit;

	if (!s->iommu || s->o->serve_dir || may_lock_all() || getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur >= bytes)
		return 0;
	snprintf(error, n, "a device may reach all %u MiB of guest RAM, which must be locked, and you may lock %llu MiB: raise it (ulimit -l %llu, or "
		 "memlock in /etc/security/limits.conf)", s->o->memory_mib, (unsigned long long)(limit.rlim_cur >> 20), (unsigned long long)(bytes >> 10));
	return -EPERM;
}

static int check_premap(const struct session *s, char *error, size_t n)
{
	const struct run_options *o = s->o;
	u64 bytes = (u64)o->memory_mib << 20;

	if (o->dma != MAPPER_PREMAP || o->serve_dir || bytes <= s->limits.max_bytes)
		return 0;
	snprintf(error, n, "premap maps all %u MiB of guest RAM, and %s allows %llu MiB: give the guest less (--memory), or use --dma companion or viommu",
		 o->memory_mib, s->limits.name, (unsigned long long)(s->limits.max_bytes >> 20));
	return -EDQUOT;
}

int session_check(const struct session *s, char *error, size_t n)
{
	int err = check_premap(s, error, n);

	return err ? err : check_locked(s, error, n);
}
