/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The clock of t_ns: CLOCK_MONOTONIC, read at half its price.
 *
 * Reading it is most of what emitting an event costs, and most of that is the ordered read of the processor's counter. Where the kernel itself keeps time
 * by that counter, a line through two readings of CLOCK_MONOTONIC turns plain reads of it into the same time for the next LINE_NS; then the
 * line is laid anew. The lines join, so time never goes back, and follow the kernel's to well under a microsecond.
 */
#include "tracer/tracer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t kernel_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#ifdef __x86_64__

#define LINE_NS 50000000u
#define RATE_MIN ((uint64_t)1 << 28) /* a counter of 16 GHz, and of 62 MHz: nothing else is believed */
#define RATE_MAX ((uint64_t)1 << 36)

enum { UNKNOWN, TRUSTED, NOT_TRUSTED };

struct reading {
	uint64_t ticks, ns;
};

/* time is ns + (ticks - start) * rate / 2^32 for the next @span ticks; 0 = there is no line yet */
static struct {
	uint32_t seq; /* odd while the rest changes */
	uint64_t start, span, ns, rate;
} line;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows, and of writing the line */
static int counter = UNKNOWN; /* once it is not, it stays, and may be read without the lock */
static struct reading last; /* of the kernel's clock */

static uint64_t ticks_now(void)
{
	return __builtin_ia32_rdtsc();
}

/* both at the same moment, as closely as one of three attempts gets */
static struct reading read_both(void)
{
	struct reading best = { 0, 0 };
	uint64_t closest = ~(uint64_t)0;
	int i;

	for (i = 0; i < 3; i++) {
		uint64_t before = ticks_now(), ns = kernel_ns(), took = ticks_now() - before;

		if (took < closest) {
			closest = took;
			best = (struct reading){ before + took / 2, ns };
		}
	}
	return best;
}

/* the least ticks that a way to read the kernel's clock takes */
static uint64_t cost_of(void (*read_clock)(void))
{
	uint64_t least = ~(uint64_t)0;
	int i;

	for (i = 0; i < 32; i++) {
		uint64_t before = ticks_now(), took;

		read_clock();
		took = ticks_now() - before;
		least = took < least ? took : least;
	}
	return least;
}

static void read_as_usual(void)
{
	(void)kernel_ns();
}

static void read_by_system_call(void)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
}

/*
 * A guest of KVM keeps time by the host's scaling of the counter. It is read without a system call only as long as the host vouches for it that the
 * counters of all processors are in step (PVCLOCK_TSC_STABLE_BIT in the kernel's arch/x86/entry/vdso); whether that is so shows in what it costs.
 */
static bool kernel_trusts_counter(void)
{
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
	char name[16] = "";
	bool known = f && fgets(name, sizeof(name), f);

	if (f)
		fclose(f);
	if (known && strcmp(name, "kvm-clock\n") == 0)
		return cost_of(read_as_usual) * 2 < cost_of(read_by_system_call);
	return known && strcmp(name, "tsc\n") == 0;
}

static uint64_t scaled(uint64_t ticks, uint64_t rate)
{
	return (uint64_t)((unsigned __int128)ticks * rate >> 32);
}

/* @span 0: there is no line any more */
static void lay_line(struct reading now, uint64_t rate, uint64_t ns, uint64_t span)
{
	uint32_t seq = line.seq;

	__atomic_store_n(&line.seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&line.start, now.ticks, __ATOMIC_RELEASE);
	__atomic_store_n(&line.ns, ns, __ATOMIC_RELEASE);
	__atomic_store_n(&line.rate, rate, __ATOMIC_RELEASE);
	__atomic_store_n(&line.span, span, __ATOMIC_RELEASE);
	__atomic_store_n(&line.seq, seq + 2, __ATOMIC_RELEASE);
}

/* Return: nanoseconds * 2^32 of a tick; 0 if the two readings do not tell: too close, or the machine slept in between, when only one of them went on */
static uint64_t rate_between(struct reading from, struct reading to)
{
	uint64_t ticks = to.ticks - from.ticks, ns = to.ns - from.ns, rate, change;

	if (ns < LINE_NS / 4 || ns > 100ull * LINE_NS || ticks == 0)
		return 0;
	rate = (uint64_t)(((unsigned __int128)ns << 32) / ticks);
	change = rate > line.rate ? rate - line.rate : line.rate - rate;
	if (rate < RATE_MIN || rate > RATE_MAX || (line.rate && change > line.rate / 1024))
		return 0;
	return rate;
}

/* a new line from @now on, at the rate since the reading before; Return: the time */
static uint64_t next_line(struct reading now)
{
	uint64_t rate = rate_between(last, now), ns = now.ns, told = 0;

	if (rate == 0) {
		/* measure from here, unless that was only a moment ago */
		if (now.ns - last.ns >= LINE_NS / 4) {
			last = now;
			lay_line(now, 0, 0, 0);
		}
		return now.ns;
	}
	if (line.span && now.ticks - line.start < 4 * line.span)
		told = line.ns + scaled(now.ticks - line.start, line.rate);
	last = now;
	if (told > now.ns) { /* wait for the kernel's time on a line that is less steep */
		uint64_t ahead_ns = told - now.ns < LINE_NS / 2 ? told - now.ns : LINE_NS / 2;

		ns = told;
		rate -= rate / LINE_NS * ahead_ns;
	}
	lay_line(now, rate, ns, ((uint64_t)LINE_NS << 32) / rate);
	return ns;
}

/* there is no line, or it has ended */
static uint64_t off_the_line(void)
{
	uint64_t ns;

	if (__atomic_load_n(&counter, __ATOMIC_RELAXED) == NOT_TRUSTED)
		return kernel_ns();
	pthread_mutex_lock(&lock);
	if (counter == UNKNOWN) {
		__atomic_store_n(&counter, kernel_trusts_counter() ? TRUSTED : NOT_TRUSTED, __ATOMIC_RELAXED);
		last = read_both();
		ns = last.ns;
	} else if (counter == NOT_TRUSTED) {
		ns = kernel_ns();
	} else {
		uint64_t ahead = ticks_now() - line.start;

		/* another thread may just have been here */
		ns = ahead < line.span ? line.ns + scaled(ahead, line.rate) : next_line(read_both());
	}
	pthread_mutex_unlock(&lock);
	return ns;
}

uint64_t tracer_now_ns(void)
{
	uint32_t seq = __atomic_load_n(&line.seq, __ATOMIC_ACQUIRE);
	uint64_t start = __atomic_load_n(&line.start, __ATOMIC_ACQUIRE), ns = __atomic_load_n(&line.ns, __ATOMIC_ACQUIRE);
	uint64_t rate = __atomic_load_n(&line.rate, __ATOMIC_ACQUIRE), span = __atomic_load_n(&line.span, __ATOMIC_ACQUIRE);
	uint64_t ahead;

	if (span == 0)
		return off_the_line();
	ahead = ticks_now() - start;
	/* ahead of 50 ms times a rate below 2^36 stays below 2^64 */
	if (ahead < span && !(seq & 1) && __atomic_load_n(&line.seq, __ATOMIC_RELAXED) == seq)
		return ns + (ahead * rate >> 32);
	return off_the_line();
}

#else

uint64_t tracer_now_ns(void)
{
	return kernel_ns();
}

#endif
