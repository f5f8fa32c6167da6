/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/generate/generate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/guest/egpu_gpu.h"
#include "tracer/error.h"
#include "tracer/generate/ballast.h"
#include "tracer/generate/buffers.h"

#define KERNEL_BYTES (64ull << 20) /* assumed: of the guest's memory, what is its kernel's and programs' */
#define PAGES_MIB ((1ull << 20) / PAGES_BYTES)
#define PROGRESS_EVENTS (1u << 20)

/**
 * struct player - the state of a play; as that of runtime/guest/player_play.c.
 * @held:     pages that are ballast
 * @due_ns:   when the next frame may begin
 * @progress: events at which to tell of it
 */
struct player {
	const struct generate_options *options;
	struct tracer *out;
	struct driver driver;
	__u64 random;
	uint32_t npages;
	bool *held;
	struct buffer *buffers;
	uint32_t n, room, frame;
	uint64_t fallbacks, due_ns, progress;
	unsigned int line;
	char *error;
};

static uint64_t below(struct player *p, uint64_t bound)
{
	return egpu_random(&p->random) % bound;
}

static bool done(const struct player *p)
{
	return p->driver.events == p->driver.events_max;
}

static void tell(struct player *p)
{
	if (!p->options->progress || p->driver.events < p->progress)
		return;
	p->progress = p->driver.events + PROGRESS_EVENTS;
	p->options->progress(p->driver.events, p->options->events);
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

static uint8_t wanted_page_log2(uint64_t len_bytes)
{
	return len_bytes >= 2 << 20 ? 21 : len_bytes >= 64 << 10 ? 16 : 0;
}

static int keep(struct player *p, const struct buffer *b)
{
	if (p->n == p->room) {
		uint32_t room = p->room ? p->room * 2 : 4096;
		struct buffer *more = realloc(p->buffers, room * sizeof(*more));

		if (!more)
			return -ENOSPC;
		p->buffers = more;
		p->room = room;
	}
	p->buffers[p->n++] = *b;
	return 0;
}

static int make_one(struct player *p, const struct workload_step *step, uint64_t limit_bytes)
{
	struct buffer b = { .len_bytes = choose_len(p, &step->mix) };
	bool contiguous = below(p, 100) < step->contiguous_percent;
	bool large = below(p, 100) < step->large_percent;
	int rc;

	while (b.len_bytes > limit_bytes)
		b.len_bytes /= 2;
	contiguous = contiguous && b.len_bytes <= EGPU_CONTIGUOUS_BYTES_MAX;
	if (large && contiguous)
		b.align_log2 = wanted_page_log2(b.len_bytes);
	rc = buffer_new(&p->driver, &b, contiguous);
	if (rc == -ENOMEM && contiguous && b.len_bytes > PAGES_BYTES) {
		b.align_log2 = 0;
		p->fallbacks++;
		rc = buffer_new(&p->driver, &b, false);
	}
	if (rc == 0 && keep(p, &b)) {
		buffer_drop(&b);
		rc = -ENOSPC;
	}
	return rc;
}

static int load_one(struct player *p, const struct workload_step *step, uint64_t limit_bytes)
{
	int rc = make_one(p, step, limit_bytes);

	if (rc == -ENOMEM)
		return trace_fail(p->error, -ENOMEM, "line %u: out of guest memory at buffer %u", p->line, p->n);
	return rc ? trace_fail(p->error, -ENOMEM, "no memory for what lives at buffer %u: give a smaller --scale", p->n) : 0;
}

static int load(struct player *p, const struct workload_step *step)
{
	uint64_t i;
	int rc = 0;

	for (i = 0; i < step->buffers * p->options->scale && rc == 0 && !done(p); i++) {
		rc = load_one(p, step, UINT64_MAX);
		tell(p);
	}
	return rc;
}

static void free_at(struct player *p, uint32_t i)
{
	buffer_free(&p->driver, &p->buffers[i]);
	p->buffers[i] = p->buffers[--p->n];
}

static int level(struct player *p, const struct workload_step *step)
{
	uint32_t i, count = (uint32_t)((uint64_t)p->n * step->free_percent / 100);

	for (i = 0; i < count && !done(p); i++)
		free_at(p, (uint32_t)below(p, p->n));
	return load(p, step);
}

/* ---- frames ---- */

/* what a frame uploads asks for nothing, but takes its share of the random sequence */
static void upload(struct player *p, const struct workload_step *step)
{
	uint32_t tries, n = 0;

	for (tries = 0; n < step->uploads && tries < step->uploads * 8; tries++) {
		struct buffer *b = &p->buffers[below(p, p->n)];

		if (b->frame == p->frame || b->len_bytes > step->limit_bytes)
			continue;
		b->frame = p->frame;
		n++;
	}
	while (n--)
		egpu_random(&p->random);
}

static int churn(struct player *p, const struct workload_step *step)
{
	uint64_t i;
	int rc = 0;

	for (i = 0; i < step->churn * p->options->scale && p->n && rc == 0 && !done(p); i++) {
		free_at(p, (uint32_t)below(p, p->n));
		rc = load_one(p, step, step->limit_bytes);
	}
	return rc;
}

static int frame(struct player *p, const struct workload_step *step)
{
	uint64_t fps = step->pace ? step->pace : GENERATE_FPS;
	int rc;

	if (p->driver.t_ns < p->due_ns)
		p->driver.t_ns = p->due_ns;
	p->due_ns = p->driver.t_ns + 1000000000ull / fps;
	p->frame++;
	rc = churn(p, step);
	if (rc)
		return rc;
	if (p->n)
		upload(p, step);
	driver_emit(&p->driver, (struct trace_event){ .kind = TRACE_FRAME, .device = p->driver.device, .arg = { p->frame } });
	tell(p);
	return 0;
}

static int frames(struct player *p, const struct workload_step *step)
{
	uint64_t i;
	int rc = 0;

	for (i = 0; i < step->frames && rc == 0 && !done(p); i++)
		rc = frame(p, step);
	return rc;
}

/* ---- the rest ---- */

static int fragment(struct player *p, const struct workload_step *step)
{
	int rc = ballast_take(p->driver.pages, p->held, p->npages, step, egpu_random(&p->random), p->options->scale);

	return rc ? trace_fail(p->error, rc, "no memory for the pattern of holes: give a smaller --scale") : 0;
}

static void poke(struct player *p, const struct workload_step *step)
{
	uint64_t i;

	for (i = 0; i < 2 * step->value; i++)
		egpu_random(&p->random);
}

static int play_step(struct player *p, const struct workload_step *step)
{
	p->line = step->line;
	switch (step->kind) {
	case WORKLOAD_SEED:
		p->random = step->value;
		return 0;
	case WORKLOAD_MARK:
		driver_emit(&p->driver, (struct trace_event){ .kind = TRACE_MARK, .arg = { tracer_string(p->out, step->text) } });
		return 0;
	case WORKLOAD_FRAGMENT:
		return fragment(p, step);
	case WORKLOAD_LOAD:
		return load(p, step);
	case WORKLOAD_FRAMES:
		return frames(p, step);
	case WORKLOAD_LEVEL:
		return level(p, step);
	case WORKLOAD_POKE:
		poke(p, step);
		return 0;
	case WORKLOAD_SLEEP:
		p->driver.t_ns += step->value * 1000000;
		return 0;
	default:
		return 0;
	}
}

static int play_from(struct player *p, const struct workload *w, unsigned int first)
{
	unsigned int i;
	int rc = 0;

	for (i = first; i < w->n && rc == 0 && !done(p); i++)
		rc = play_step(p, &w->step[i]);
	return rc;
}

static int play(struct player *p, const struct workload *w)
{
	unsigned int i, again = 0;
	uint64_t before;
	int rc = play_from(p, w, 0);

	for (i = 0; i < w->n; i++) {
		if (w->step[i].kind == WORKLOAD_LOAD || w->step[i].kind == WORKLOAD_FRAGMENT || w->step[i].kind == WORKLOAD_SEED)
			again = i + 1;
	}
	while (rc == 0 && p->options->events && !done(p)) {
		before = p->driver.events;
		rc = play_from(p, w, again);
		if (rc == 0 && p->driver.events == before)
			return trace_fail(p->error, -EINVAL, "nothing behind its last load makes events, so it never has %" PRIu64, p->options->events);
	}
	return rc;
}

static int start(struct player *p, const struct workload *w)
{
	uint64_t npages = w->memory_bytes * p->options->scale / PAGES_BYTES / PAGES_BLOCK * PAGES_BLOCK, kernel = KERNEL_BYTES / PAGES_BYTES;

	if (npages <= kernel || npages > PAGES_MAX)
		return trace_fail(p->error, -EINVAL, "guest memory of %llu MiB is not above %llu and at most %llu MiB", npages / PAGES_MIB, kernel / PAGES_MIB,
				  (unsigned long long)PAGES_MAX / PAGES_MIB);
	p->npages = (uint32_t)npages;
	p->held = calloc(npages, sizeof(*p->held));
	p->driver.pages = pages_new(p->npages);
	p->driver.ring = tracer_ring(p->out);
	p->driver.device = tracer_device(p->out, "sim-gpu", NULL);
	if (!p->held || !p->driver.pages || !p->driver.ring || !p->driver.device)
		return trace_fail(p->error, -ENOMEM, "no memory for a guest of %llu MiB: give a smaller --scale", npages / PAGES_MIB);
	for (; kernel; kernel -= PAGES_BLOCK)
		pages_alloc(p->driver.pages, PAGES_ORDER_MAX);
	return 0;
}

static void finish(struct player *p)
{
	while (p->n)
		buffer_drop(&p->buffers[--p->n]);
	free(p->buffers);
	free(p->held);
	pages_delete(p->driver.pages);
}

int generate(const struct workload *w, const struct generate_options *options, struct tracer *out, struct generate_result *result, char *error)
{
	struct player p = { .options = options, .out = out, .error = error };
	int rc;

	p.driver.events_max = options->events ? options->events : UINT64_MAX;
	rc = start(&p, w);
	rc = rc ? rc : play(&p, w);
	*result = (struct generate_result){ p.driver.events, p.fallbacks, p.n };
	finish(&p);
	return rc;
}
