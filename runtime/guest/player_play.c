/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "runtime/guest/egpu_gpu.h"
#include "runtime/guest/player.h"

#define WAIT_MS 20000
#define PEEK_BYTES 64

/**
 * struct buffer - a live buffer of the workload.
 * @frame: number of the last frame that used it, so that none uses it twice
 * @seed:  of the pattern it was last filled with
 * @vram_bytes: where that was copied to
 */
struct buffer {
	uint32_t handle;
	uint32_t frame;
	uint64_t len_bytes;
	uint64_t seed;
	uint64_t vram_bytes;
};

/**
 * struct player - the state of a play.
 * @random:      one sequence for everything, so that a seed decides the whole play
 * @picked:      indexes of the buffers of the frame being made
 * @vram_cursor: next place for an upload
 * @fallbacks:   contiguous buffers that had to be made of single pages; @refused: see load_one()
 */
struct player {
	int fd;
	__u64 random;
	struct buffer *buffers;
	uint32_t n, room;
	uint64_t live_bytes;
	uint32_t picked[1024];
	uint32_t frame;
	uint64_t vram_bytes, vram_cursor;
	uint64_t fallbacks, refused;
	unsigned int line;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int __attribute__((format(printf, 2, 3))) fail(const struct player *p, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "player: line %u: ", p->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 1;
}

static int gpu_failed(const struct player *p, const char *what)
{
	struct egpu_stats s = { 0 };
	int error = errno;

	if (ioctl(p->fd, EGPU_IOC_STATS, &s) == 0 && s.faults)
		return fail(p, "%s: %s; the GPU reported %llu DMA faults, the first at 0x%llx", what, strerror(error),
			    (unsigned long long)s.faults, (unsigned long long)s.first_fault_iova);
	return fail(p, "%s: %s", what, strerror(error));
}

static uint64_t below(struct player *p, uint64_t bound)
{
	return egpu_random(&p->random) % bound;
}

/* ---- buffers ---- */

static uint64_t choose_len(struct player *p, const struct workload_mix *mix)
{
	uint64_t at = below(p, mix->weights);
	uint32_t i;

	for (i = 0; at >= mix->weight[i]; i++)
		at -= mix->weight[i];
	return mix->len_bytes[i];
}

static uint32_t wanted_page_log2(uint64_t len_bytes)
{
	return len_bytes >= 2 << 20 ? 21 : len_bytes >= 64 << 10 ? 16 : 0;
}

static int keep_buffer(struct player *p, const struct egpu_alloc *a)
{
	if (p->n == p->room) {
		uint32_t room = p->room ? p->room * 2 : 4096;
		struct buffer *more = realloc(p->buffers, room * sizeof(*more));

		if (!more)
			return fail(p, "no memory for the list of buffers");
		p->buffers = more;
		p->room = room;
	}
	p->buffers[p->n++] = (struct buffer){ .handle = a->handle, .len_bytes = a->len_bytes };
	p->live_bytes += a->len_bytes;
	return 0;
}

/*
 * One buffer of the mix. A contiguous one that the page allocator cannot give is made of single pages, as drivers do. One that is refused
 * because its DMA address is not aligned is left out and counted: that is what a program sees that needs it.
 */
static int load_one(struct player *p, const struct workload_step *step, uint64_t limit_bytes)
{
	struct egpu_alloc a = { .len_bytes = choose_len(p, &step->mix) };
	bool contiguous = below(p, 100) < step->contiguous_percent;
	bool large = below(p, 100) < step->large_percent;

	while (a.len_bytes > limit_bytes)
		a.len_bytes /= 2;
	if (contiguous && a.len_bytes <= EGPU_CONTIGUOUS_BYTES_MAX)
		a.flags = EGPU_BUFFER_CONTIGUOUS;
	if (large && a.flags)
		a.page_log2 = wanted_page_log2(a.len_bytes);
	if (ioctl(p->fd, EGPU_IOC_ALLOC, &a) == 0)
		return keep_buffer(p, &a);
	if (errno == EINVAL && a.page_log2) {
		p->refused++;
		return 0;
	}
	if (errno == ENOMEM && a.flags && a.len_bytes > EGPU_PAGE_BYTES) {
		a.flags = 0;
		a.page_log2 = 0;
		p->fallbacks++;
		if (ioctl(p->fd, EGPU_IOC_ALLOC, &a) == 0)
			return keep_buffer(p, &a);
	}
	if (errno == ENOMEM)
		return fail(p, "out of guest memory at buffer %u", p->n);
	if (errno == ENOSPC)
		return fail(p, "buffer %u could not be mapped for DMA: the host's IOMMU, or egpu_dma's max_requests, is full", p->n);
	return gpu_failed(p, "a buffer could not be made");
}

static int load(struct player *p, const struct workload_step *step)
{
	double start = now_s();
	uint64_t i;

	p->fallbacks = 0;
	p->refused = 0;
	for (i = 0; i < step->buffers; i++) {
		if (load_one(p, step, UINT64_MAX))
			return 1;
	}
	printf("load: %llu buffers in %.2f s; live: %u buffers, %llu MiB; %llu made of single pages instead, %llu refused (misaligned)\n",
	       (unsigned long long)step->buffers, now_s() - start, p->n, (unsigned long long)p->live_bytes >> 20,
	       (unsigned long long)p->fallbacks, (unsigned long long)p->refused);
	return 0;
}

static int free_at(struct player *p, uint32_t i)
{
	if (ioctl(p->fd, EGPU_IOC_FREE, &p->buffers[i].handle))
		return gpu_failed(p, "a buffer could not be freed");
	p->live_bytes -= p->buffers[i].len_bytes;
	p->buffers[i] = p->buffers[--p->n];
	return 0;
}

static int level(struct player *p, const struct workload_step *step)
{
	uint32_t i, count = (uint32_t)((uint64_t)p->n * step->free_percent / 100);
	double start = now_s();

	for (i = 0; i < count; i++) {
		if (free_at(p, (uint32_t)below(p, p->n)))
			return 1;
	}
	printf("level: %u buffers freed in %.2f s\n", count, now_s() - start);
	return load(p, step);
}

/* ---- frames ---- */

/* up to step->uploads different buffers that are small enough */
static uint32_t pick(struct player *p, const struct workload_step *step)
{
	uint32_t tries, n = 0;

	for (tries = 0; n < step->uploads && tries < step->uploads * 8; tries++) {
		uint32_t i = (uint32_t)below(p, p->n);

		if (p->buffers[i].frame == p->frame || p->buffers[i].len_bytes > step->limit_bytes)
			continue;
		p->buffers[i].frame = p->frame;
		p->picked[n++] = i;
	}
	return n;
}

static int fill(struct player *p, struct buffer *b, uint64_t seed)
{
	struct egpu_pattern pattern = { .handle = b->handle, .seed = seed };

	return ioctl(p->fd, EGPU_IOC_FILL, &pattern) ? gpu_failed(p, "a buffer could not be filled") : 0;
}

static int copy(struct player *p, struct buffer *b, bool upload)
{
	struct egpu_copy c = { .handle = b->handle, .upload = upload, .vram_bytes = b->vram_bytes };

	return ioctl(p->fd, EGPU_IOC_COPY, &c) ? gpu_failed(p, "a copy could not be queued") : 0;
}

static int upload(struct player *p, struct buffer *b)
{
	if (p->vram_cursor + b->len_bytes > p->vram_bytes)
		p->vram_cursor = 0;
	b->vram_bytes = p->vram_cursor;
	p->vram_cursor += b->len_bytes;
	b->seed = egpu_random(&p->random);
	return fill(p, b, b->seed) || copy(p, b, true);
}

static int finish(struct player *p)
{
	struct egpu_wait wait = { .timeout_ms = WAIT_MS };

	if (ioctl(p->fd, EGPU_IOC_FENCE, &wait.value))
		return gpu_failed(p, "a fence could not be queued");
	if (ioctl(p->fd, EGPU_IOC_WAIT, &wait))
		return gpu_failed(p, "a fence was not reached");
	return 0;
}

/* the CPU's view of VRAM, through the BAR */
static int peek(struct player *p, const struct buffer *b)
{
	uint64_t words[PEEK_BYTES / sizeof(uint64_t)];
	struct egpu_vram v = { .vram_bytes = b->vram_bytes, .data = (uintptr_t)words, .len_bytes = PEEK_BYTES };
	uint32_t i;

	if (ioctl(p->fd, EGPU_IOC_VRAM, &v))
		return gpu_failed(p, "VRAM could not be read");
	for (i = 0; i < PEEK_BYTES / sizeof(uint64_t); i++) {
		if (words[i] != egpu_pattern_word(b->seed, i))
			return fail(p, "frame %u: VRAM at 0x%llx does not hold what was uploaded", p->frame,
				    (unsigned long long)b->vram_bytes + i * sizeof(uint64_t));
	}
	return 0;
}

static int compare(struct player *p, struct buffer *b)
{
	struct egpu_pattern pattern = { .handle = b->handle, .seed = b->seed };

	if (ioctl(p->fd, EGPU_IOC_CHECK, &pattern))
		return gpu_failed(p, "a buffer could not be compared");
	if (pattern.mismatch_bytes != UINT64_MAX)
		return fail(p, "frame %u: a buffer of %llu bytes came back wrong at byte %llu", p->frame, (unsigned long long)b->len_bytes,
			    (unsigned long long)pattern.mismatch_bytes);
	return 0;
}

/* overwrite the buffers, have the GPU bring the uploaded bytes back, compare all of them */
static int verify(struct player *p, uint32_t n)
{
	uint32_t i;

	if (finish(p) || (n && peek(p, &p->buffers[p->picked[0]])))
		return 1;
	for (i = 0; i < n; i++) {
		struct buffer *b = &p->buffers[p->picked[i]];

		if (fill(p, b, ~b->seed) || copy(p, b, false))
			return 1;
	}
	if (finish(p))
		return 1;
	for (i = 0; i < n; i++) {
		if (compare(p, &p->buffers[p->picked[i]]))
			return 1;
	}
	return 0;
}

static int churn(struct player *p, const struct workload_step *step)
{
	uint64_t i;

	for (i = 0; i < step->churn && p->n; i++) {
		if (free_at(p, (uint32_t)below(p, p->n)) || load_one(p, step, step->limit_bytes))
			return 1;
	}
	return 0;
}

static int frame(struct player *p, const struct workload_step *step, uint64_t *copied_bytes, uint64_t *verified)
{
	uint32_t i, n;

	p->frame++;
	if (churn(p, step))
		return 1;
	n = p->n ? pick(p, step) : 0;
	for (i = 0; i < n; i++) {
		if (upload(p, &p->buffers[p->picked[i]]))
			return 1;
		*copied_bytes += p->buffers[p->picked[i]].len_bytes;
	}
	if (step->verify && p->frame % step->verify == 0) {
		if (verify(p, n))
			return 1;
		*verified += n;
	}
	if (ioctl(p->fd, EGPU_IOC_PRESENT, &p->frame))
		return gpu_failed(p, "a frame could not be presented");
	return finish(p);
}

/* as a display's refresh does: a frame that is early waits, one that is late is not made up for. Return: when the next is due */
static double keep_pace(double due, uint64_t pace)
{
	double left = due - now_s();

	if (!pace)
		return 0;
	if (left > 0)
		usleep((useconds_t)(left * 1e6));
	return (left > 0 ? due : due - left) + 1.0 / (double)pace;
}

static int frames(struct player *p, const struct workload_step *step)
{
	uint64_t i, copied_bytes = 0, verified = 0;
	double start = now_s(), due = start, took;

	for (i = 0; i < step->frames; i++) {
		due = keep_pace(due, step->pace);
		if (frame(p, step, &copied_bytes, &verified))
			return 1;
	}
	took = now_s() - start;
	printf("frames: %llu in %.2f s (%.1f fps), %llu KiB uploaded, %llu buffers read back and compared\n", (unsigned long long)step->frames,
	       took, (double)step->frames / took, (unsigned long long)copied_bytes >> 10, (unsigned long long)verified);
	return 0;
}

/* ---- the rest ---- */

static int fragment(struct player *p, const struct workload_step *step)
{
	struct egpu_fragment f = {
		.keep_bytes = step->keep_bytes,
		.blocks_bytes = step->blocks_bytes,
		.seed = egpu_random(&p->random),
		.touched_percent = (uint32_t)step->touched_percent,
		.pages_min = (uint32_t)step->pages_min,
		.pages_max = (uint32_t)step->pages_max,
		.cluster_log2 = (uint32_t)__builtin_ctzll(step->cluster_bytes),
	};
	double start = now_s();

	if (ioctl(p->fd, EGPU_IOC_FRAGMENT, &f))
		return gpu_failed(p, "memory could not be fragmented");
	printf("fragment: %llu MiB held, %llu holes of 4 KiB in %llu granules, %.2f s\n", (unsigned long long)f.held_bytes >> 20,
	       (unsigned long long)f.hole_pages, (unsigned long long)f.hole_granules, now_s() - start);
	return 0;
}

static int mark(struct player *p, const struct workload_step *step)
{
	struct egpu_mark m = { { 0 } };

	memcpy(m.text, step->text, sizeof(m.text));
	return ioctl(p->fd, EGPU_IOC_MARK, &m) ? gpu_failed(p, "a mark could not be set") : 0;
}

static int poke(struct player *p, const struct workload_step *step)
{
	uint64_t i, word, back;

	for (i = 0; i < step->value; i++) {
		struct egpu_vram v = { .vram_bytes = below(p, p->vram_bytes / 8) * 8, .len_bytes = 8, .write = 1, .data = (uintptr_t)&word };

		word = egpu_random(&p->random);
		if (ioctl(p->fd, EGPU_IOC_VRAM, &v))
			return gpu_failed(p, "VRAM could not be written");
		v.write = 0;
		v.data = (uintptr_t)&back;
		if (ioctl(p->fd, EGPU_IOC_VRAM, &v))
			return gpu_failed(p, "VRAM could not be read");
		if (back != word)
			return fail(p, "VRAM at 0x%llx does not hold what was written", (unsigned long long)v.vram_bytes);
	}
	printf("poke: %llu words written to VRAM and read back\n", (unsigned long long)step->value);
	return 0;
}

static int play_step(struct player *p, const struct workload_step *step)
{
	p->line = step->line;
	switch (step->kind) {
	case WORKLOAD_SEED:
		p->random = step->value;
		return 0;
	case WORKLOAD_MARK:
		return mark(p, step);
	case WORKLOAD_FRAGMENT:
		return fragment(p, step);
	case WORKLOAD_LOAD:
		return load(p, step);
	case WORKLOAD_FRAMES:
		return frames(p, step);
	case WORKLOAD_LEVEL:
		return level(p, step);
	case WORKLOAD_POKE:
		return poke(p, step);
	case WORKLOAD_SLEEP:
		usleep((useconds_t)step->value * 1000);
		return 0;
	default:
		return 0;
	}
}

int workload_play(const struct workload *w)
{
	struct player p = { .fd = open(EGPU_GPU_PATH, O_RDWR | O_CLOEXEC) };
	struct egpu_stats s;
	unsigned int i;
	int rc = 0;

	if (p.fd < 0 || ioctl(p.fd, EGPU_IOC_STATS, &s)) {
		fprintf(stderr, "player: %s: %s (is the egpu_gpu module loaded, and the device there?)\n", EGPU_GPU_PATH, strerror(errno));
		if (p.fd >= 0)
			close(p.fd);
		return 1;
	}
	p.vram_bytes = s.vram_bytes;
	for (i = 0; i < w->n && rc == 0; i++)
		rc = play_step(&p, &w->step[i]);
	if (rc == 0 && ioctl(p.fd, EGPU_IOC_STATS, &s) == 0 && s.faults)
		rc = fail(&p, "the GPU reported %llu DMA faults, the first at 0x%llx", (unsigned long long)s.faults,
			  (unsigned long long)s.first_fault_iova);
	free(p.buffers);
	close(p.fd);
	return rc;
}
