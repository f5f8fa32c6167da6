/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/guest_memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One mmap, shared by the ranges that lie in it: the kernel allows a process 65,530 of them (vm.max_map_count), and a guest behind a virtual IOMMU
 * makes as many ranges of one file. So it is of the whole file, unless the file is absurdly large or no file.
 */
struct backing {
	struct backing *next; /* most recently made first */
	u8 *base;
	u64 offset, len_bytes; /* in the file */
	dev_t dev;
	ino_t ino;
	bool writable;
	u32 refs;
};

#define WHOLE_FILE_BYTES_MAX ((u64)1 << 42)
#define BACKINGS_SEARCHED 16 /* a client has a file or two for its RAM */

struct range {
	struct span span;
	struct backing *backing; /* NULL: known, not accessible */
	u8 *at;
	bool writable;
};

struct guest_memory {
	struct backing *backings;
	struct range *ranges; /* sorted by start, disjoint */
	u32 count, room;
};

static __thread sigjmp_buf bus_escape;
static __thread volatile sig_atomic_t bus_armed;

static void on_sigbus(int sig)
{
	sigset_t set;

	/* leaving by a jump keeps the handler's mask, and saving the mask at each access would cost a system call */
	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (bus_armed)
		siglongjmp(bus_escape, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

int guest_memory_protect(void)
{
	struct sigaction sa = { .sa_handler = on_sigbus };

	return sigaction(SIGBUS, &sa, NULL) ? -errno : 0;
}

struct guest_memory *guest_memory_new(void)
{
	return calloc(1, sizeof(struct guest_memory));
}

void guest_memory_free(struct guest_memory *gm)
{
	if (!gm)
		return;
	guest_memory_clear(gm);
	free(gm->ranges);
	free(gm);
}

static void backing_put(struct guest_memory *gm, struct backing *b)
{
	struct backing **link = &gm->backings;

	if (!b || --b->refs)
		return;
	while (*link != b)
		link = &(*link)->next;
	*link = b->next;
	munmap(b->base, b->len_bytes);
	free(b);
}

void guest_memory_clear(struct guest_memory *gm)
{
	for (u32 i = 0; i < gm->count; i++)
		backing_put(gm, gm->ranges[i].backing);
	gm->count = 0;
}

/* index of the first range that ends at or after addr */
static u32 range_at_or_after(const struct guest_memory *gm, u64 addr)
{
	u32 lo = 0, hi = gm->count;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (span_last(gm->ranges[mid].span) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int range_insert(struct guest_memory *gm, u32 at, const struct range *r)
{
	if (gm->count == GUEST_MEMORY_RANGES_MAX)
		return -ENOSPC;
	if (gm->count == gm->room) {
		u32 room = gm->room ? gm->room * 2 : 16;
		struct range *more = realloc(gm->ranges, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		gm->ranges = more;
		gm->room = room;
	}
	memmove(&gm->ranges[at + 1], &gm->ranges[at], (gm->count - at) * sizeof(*r));
	gm->ranges[at] = *r;
	gm->count++;
	return 0;
}

static struct backing *backing_find(const struct guest_memory *gm, const struct stat *st, u64 offset, u64 len, bool writable)
{
	struct backing *b = gm->backings;
	u32 i;

	/* while it is mapped the file lives, and no other has its number */
	for (i = 0; b && i < BACKINGS_SEARCHED; i++, b = b->next) {
		if (b->dev == st->st_dev && b->ino == st->st_ino && b->writable == writable && offset >= b->offset &&
		    offset - b->offset <= b->len_bytes && len <= b->len_bytes - (offset - b->offset))
			return b;
	}
	return NULL;
}

static int backing_map(struct guest_memory *gm, int fd, struct backing *b)
{
	struct backing *kept = malloc(sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	b->base = mmap(NULL, b->len_bytes, PROT_READ | (b->writable ? PROT_WRITE : 0), MAP_SHARED | MAP_NORESERVE, fd, (off_t)b->offset);
	if (b->base == MAP_FAILED) {
		int err = -errno;

		free(kept);
		return err;
	}
	b->next = gm->backings;
	gm->backings = kept;
	*kept = *b;
	return 0;
}

/* find or make what maps [@offset, + @len) of the file, and count one more user of it */
static int backing_get(struct guest_memory *gm, int fd, u64 offset, u64 len, bool writable, struct backing **out)
{
	struct backing made = { .offset = offset, .len_bytes = len, .writable = writable };
	struct stat st;
	int err = -EFBIG;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode)) {
		if ((u64)st.st_size < offset || (u64)st.st_size - offset < len)
			return -ENXIO;
		*out = backing_find(gm, &st, offset, len, writable);
		if (*out) {
			(*out)->refs++;
			return 0;
		}
	}
	made.dev = st.st_dev;
	made.ino = st.st_ino;
	made.refs = 1;
	if (S_ISREG(st.st_mode) && (u64)st.st_size <= WHOLE_FILE_BYTES_MAX) {
		struct backing whole = made;

		whole.offset = 0;
		whole.len_bytes = (u64)st.st_size;
		err = backing_map(gm, fd, &whole);
	}
	if (err)
		err = backing_map(gm, fd, &made);
	*out = gm->backings;
	return err;
}

int guest_memory_add(struct guest_memory *gm, struct span range, int fd, u64 offset, bool writable)
{
	struct range r = { .span = range, .writable = writable };
	u64 page_mask = (u64)sysconf(_SC_PAGESIZE) - 1;
	u32 at;
	int err;

	if (!span_valid(range) || ((range.start | range.len) & page_mask))
		return -EINVAL;
	if (fd >= 0 && ((offset & page_mask) || offset > INT64_MAX || range.len > INT64_MAX - offset))
		return -EINVAL;
	at = range_at_or_after(gm, range.start);
	if (at < gm->count && span_overlaps(gm->ranges[at].span, range))
		return -EEXIST;
	if (fd >= 0) {
		err = backing_get(gm, fd, offset, range.len, writable, &r.backing);
		if (err)
			return err;
		r.at = r.backing->base + (offset - r.backing->offset);
	}
	err = range_insert(gm, at, &r);
	if (err)
		backing_put(gm, r.backing);
	return err;
}

/* shorten range i to @keep, which lies inside it */
static void range_cut(struct range *r, struct span keep)
{
	if (r->at)
		r->at += keep.start - r->span.start;
	r->span = keep;
}

s64 guest_memory_remove(struct guest_memory *gm, struct span gone)
{
	u64 removed = 0;
	u32 i;

	if (!span_valid(gone))
		return 0;
	i = range_at_or_after(gm, gone.start);
	while (i < gm->count && span_overlaps(gm->ranges[i].span, gone)) {
		struct range *r = &gm->ranges[i];
		u64 first = r->span.start, last = span_last(r->span), gone_last = span_last(gone);
		bool head = first < gone.start, tail = last > gone_last;

		if (head && tail) {
			struct range rest = *r;

			range_cut(&rest, (struct span){ gone_last + 1, last - gone_last });
			if (range_insert(gm, i + 1, &rest))
				return -ENOSPC;
			if (rest.backing)
				rest.backing->refs++;
			range_cut(&gm->ranges[i], (struct span){ first, gone.start - first });
			return (s64)gone.len;
		}
		removed += (tail ? gone_last : last) - (head ? gone.start : first) + 1;
		if (head) {
			range_cut(r, (struct span){ first, gone.start - first });
			i++;
		} else if (tail) {
			range_cut(r, (struct span){ gone_last + 1, last - gone_last });
		} else {
			backing_put(gm, r->backing);
			memmove(r, r + 1, (gm->count - i - 1) * sizeof(*r));
			gm->count--;
		}
	}
	return (s64)removed;
}

/* where addr lies in our address space, and for how long it is contiguous */
static u8 *reach(struct guest_memory *gm, u64 addr, bool write, u64 *len_bytes)
{
	u32 i = range_at_or_after(gm, addr);
	struct range *r = &gm->ranges[i];

	if (i == gm->count || addr < r->span.start || !r->at || (write && !r->writable))
		return NULL;
	*len_bytes = span_last(r->span) - addr + 1;
	return r->at + (addr - r->span.start);
}

void *guest_memory_reach(struct guest_memory *gm, u64 addr, u64 *len_bytes, bool *writable)
{
	u32 i = range_at_or_after(gm, addr);
	const struct range *r = i < gm->count ? &gm->ranges[i] : NULL;

	*writable = r && r->writable;
	if (r && addr >= r->span.start) {
		*len_bytes = span_last(r->span) - addr + 1;
		return r->at ? r->at + (addr - r->span.start) : NULL;
	}
	*len_bytes = r ? r->span.start - addr : ~0ULL - addr;
	return NULL;
}

/* a page behind a truncated file raises SIGBUS: come back here and report it */
static int guarded_copy(void *to, const void *from, u64 len_bytes)
{
	if (sigsetjmp(bus_escape, 0)) {
		bus_armed = 0;
		return -EFAULT;
	}
	bus_armed = 1;
	memcpy(to, from, len_bytes);
	bus_armed = 0;
	return 0;
}

static int copy(struct guest_memory *gm, u64 addr, u8 *buf, u64 len_bytes, bool write)
{
	if (len_bytes && !span_valid((struct span){ addr, len_bytes }))
		return -EFAULT;
	while (len_bytes) {
		u64 piece;
		u8 *at = reach(gm, addr, write, &piece);

		if (!at)
			return -EFAULT;
		if (piece > len_bytes)
			piece = len_bytes;
		if (write ? guarded_copy(at, buf, piece) : guarded_copy(buf, at, piece))
			return -EFAULT;
		addr += piece;
		buf += piece;
		len_bytes -= piece;
	}
	return 0;
}

int guest_memory_read(struct guest_memory *gm, u64 addr, void *buf, u64 len_bytes)
{
	return copy(gm, addr, buf, len_bytes, false);
}

int guest_memory_write(struct guest_memory *gm, u64 addr, const void *buf, u64 len_bytes)
{
	return copy(gm, addr, (u8 *)(uintptr_t)buf, len_bytes, true);
}

static u32 *reach_word(struct guest_memory *gm, u64 addr, bool write)
{
	u64 len_bytes;
	u8 *at = (addr & 3) ? NULL : reach(gm, addr, write, &len_bytes);

	return at && len_bytes >= 4 ? (u32 *)(void *)at : NULL;
}

static int access_word(struct guest_memory *gm, u64 addr, u32 *value, bool write)
{
	u32 *word = reach_word(gm, addr, write);

	if (!word)
		return -EFAULT;
	if (sigsetjmp(bus_escape, 0)) {
		bus_armed = 0;
		return -EFAULT;
	}
	bus_armed = 1;
	if (write)
		__atomic_store_n(word, *value, __ATOMIC_RELEASE);
	else
		*value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	bus_armed = 0;
	return 0;
}

int guest_memory_load32(struct guest_memory *gm, u64 addr, u32 *value)
{
	return access_word(gm, addr, value, false);
}

int guest_memory_store32(struct guest_memory *gm, u64 addr, u32 value)
{
	return access_word(gm, addr, &value, true);
}

u64 guest_memory_bytes(const struct guest_memory *gm, u32 *ranges)
{
	u64 bytes = 0;

	for (u32 i = 0; i < gm->count; i++)
		bytes += gm->ranges[i].span.len;
	if (ranges)
		*ranges = gm->count;
	return bytes;
}
