/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/tracer.h"

#define ROUND_MS_MAX 50u

/* ---- counters ---- */

uint64_t writer_events(struct writer *w)
{
	uint64_t n = 0;

	for (struct tracer_ring *r = atomic_load(&w->rings); r; r = r->next)
		n += ring_pushed(r);
	return n;
}

uint64_t writer_dropped(struct writer *w)
{
	uint64_t n = atomic_load(&w->lost);

	for (struct tracer_ring *r = atomic_load(&w->rings); r; r = r->next)
		n += ring_dropped(r);
	return n;
}

/* ---- checkpoints of the live set ---- */

static void follow_live(struct writer *w, const struct chunk_row *row)
{
	uint32_t counts[CHUNK_KINDS_MAX];

	w->until_ns = row->t_max_ns > w->until_ns ? row->t_max_ns : w->until_ns;
	w->since_checkpoint += row->events;
	if (w->live.given_up || chunk_parse_kinds(row->kind_events, counts) != 0 ||
	    !(counts[TRACE_REQ_MAP] | counts[TRACE_REQ_UNMAP] | counts[TRACE_MAP] | counts[TRACE_UNMAP]))
		return;
	for (uint32_t i = 0; i < w->batch_events; i++)
		liveset_apply(&w->live, &w->batch[i]);
	if (w->live.given_up)
		store_account(w->store, "checkpoints_given_up", 1, "more was live at once than checkpoints hold; none follow from there on");
}

static int put_parts(struct writer *w, const struct trace_event *live, uint32_t n)
{
	uint32_t parts = (n + CHUNK_EVENTS_MAX - 1) / CHUNK_EVENTS_MAX;
	int err = 0;

	for (uint32_t part = 0; !err && part < parts; part++) {
		struct chunk_row row = { .id = STORE_CHECKPOINT_ID(w->next_chunk, part), .first_seq = w->next_seq };
		uint32_t from = part * CHUNK_EVENTS_MAX, rest = n - from;

		chunk_encode(w->encoder, live + from, rest < CHUNK_EVENTS_MAX ? rest : CHUNK_EVENTS_MAX, &row);
		err = store_checkpoint_part(w->store, &row, parts, w->until_ns);
	}
	return err;
}

/* rare enough to cost little: at most one stored live event for so many recorded ones */
static bool checkpoint_due(const struct writer *w)
{
	return w->live.n && w->since_checkpoint >= WRITER_CHECKPOINT_EVENTS &&
	       w->since_checkpoint >= (uint64_t)w->live.n * WRITER_CHECKPOINT_SHARE;
}

static int writer_checkpoint(struct writer *w)
{
	struct trace_event *live;
	int err;

	if (!checkpoint_due(w))
		return 0;
	w->since_checkpoint = 0;
	live = malloc(w->live.n * sizeof(*live));
	/* a trace without this checkpoint is as good, only slower to enter in the middle */
	if (!live || !liveset_copy(&w->live, live)) {
		free(live);
		return 0;
	}
	err = store_checkpoint_begin(w->store);
	if (!err)
		err = store_checkpoint_end(w->store, put_parts(w, live, w->live.n));
	free(live);
	return err;
}

/* ---- from batch to file ---- */

static void writer_cut(struct writer *w)
{
	struct chunk_row row = { .id = w->next_chunk, .first_seq = w->next_seq };
	int err = atomic_load(&w->error);

	if (!w->batch_events)
		return;
	if (!err) {
		chunk_encode(w->encoder, w->batch, w->batch_events, &row);
		err = store_chunk(w->store, &row, writer_dropped(w));
		if (!err)
			follow_live(w, &row);
		atomic_store(&w->error, err);
	}
	if (err) {
		atomic_fetch_add(&w->lost, w->batch_events);
	} else {
		w->next_seq += w->batch_events;
		w->next_chunk++;
		atomic_store(&w->error, writer_checkpoint(w));
	}
	w->batch_events = 0;
}

static void writer_take(struct writer *w, const struct trace_event *events, uint64_t n)
{
	while (n) {
		uint64_t room = CHUNK_EVENTS_MAX - w->batch_events;
		uint64_t part = n < room ? n : room;

		if (!w->batch_events)
			w->batch_since_ns = tracer_now_ns();
		memcpy(w->batch + w->batch_events, events, part * sizeof(*events));
		w->batch_events += (uint32_t)part;
		events += part;
		n -= part;
		if (w->batch_events == CHUNK_EVENTS_MAX)
			writer_cut(w);
	}
}

/* ---- from rings to batch ---- */

/* a ring as one round sees it */
struct source {
	struct tracer_ring *ring;
	uint64_t until_head;
	const struct trace_event *events; /* the next @n in a row */
	uint64_t n;
};

static void source_refill(struct source *s)
{
	s->events = ring_peek(s->ring, s->until_head, &s->n);
}

/* the source whose next event is earliest; *@limit_ns: up to which time it stays so. NULL if all are empty */
static struct source *earliest(struct source *sources, unsigned int count, uint64_t *limit_ns)
{
	struct source *first = NULL;

	*limit_ns = UINT64_MAX;
	for (unsigned int i = 0; i < count; i++) {
		struct source *s = &sources[i];

		if (!s->n)
			continue;
		if (!first || s->events->t_ns < first->events->t_ns) {
			if (first)
				*limit_ns = first->events->t_ns;
			first = s;
		} else if (s->events->t_ns < *limit_ns) {
			*limit_ns = s->events->t_ns;
		}
	}
	return first;
}

static void writer_round(struct writer *w)
{
	struct source sources[WRITER_RINGS_MAX], *s;
	unsigned int count = 0;
	uint64_t limit_ns;

	for (struct tracer_ring *r = atomic_load(&w->rings); r; r = r->next) {
		sources[count] = (struct source){ .ring = r, .until_head = ring_pushed(r) };
		source_refill(&sources[count++]);
	}
	while ((s = earliest(sources, count, &limit_ns)) != NULL) {
		uint64_t run = 1;

		while (run < s->n && s->events[run].t_ns <= limit_ns)
			run++;
		writer_take(w, s->events, run);
		ring_pop(s->ring, run);
		source_refill(s);
	}
}

/* gaps at the very end of a ring, behind which no event came that could have carried them */
static void writer_take_last_gaps(struct writer *w)
{
	struct trace_event gap;

	for (struct tracer_ring *r = atomic_load(&w->rings); r; r = r->next) {
		if (ring_take_gap(r, &gap))
			writer_take(w, &gap, 1);
	}
}

static bool writer_due(const struct writer *w, uint32_t round_ms)
{
	uint64_t age_ns = tracer_now_ns() - w->batch_since_ns;

	/* an event may have waited one round in its ring, and will wait another if we do not cut now */
	return w->batch_events && age_ns + 2 * (uint64_t)round_ms * 1000000 >= (uint64_t)w->flush_ms * 1000000;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	uint32_t round_ms = w->flush_ms / 4 < ROUND_MS_MAX ? w->flush_ms / 4 : ROUND_MS_MAX;
	bool stop;

	round_ms = round_ms ? round_ms : 1;
	do {
		ring_bell_wait(&w->bell, round_ms);
		stop = atomic_load(&w->stop);
		writer_round(w);
		if (writer_due(w, round_ms))
			writer_cut(w);
	} while (!stop);
	writer_take_last_gaps(w);
	writer_cut(w);
	return NULL;
}

/* ---- begin and end ---- */

/* signals are for the program's own threads */
static int start_thread(struct writer *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->running = err == 0;
	return -err;
}

int writer_init(struct writer *w, struct store *store, bool thorough)
{
	int err;

	memset(w, 0, sizeof(*w));
	err = ring_bell_init(&w->bell);
	if (err)
		return err;
	w->store = store;
	w->next_chunk = 1;
	w->encoder = chunk_encoder_new(thorough);
	w->batch = malloc(CHUNK_EVENTS_MAX * sizeof(*w->batch));
	if (w->encoder && w->batch)
		return 0;
	writer_free(w);
	return -ENOMEM;
}

int writer_start(struct writer *w, struct store *store, uint32_t flush_ms)
{
	int err = writer_init(w, store, false);

	if (err)
		return err;
	w->flush_ms = flush_ms;
	err = start_thread(w);
	if (err)
		writer_free(w);
	return err;
}

void writer_put(struct writer *w, const struct trace_event *events, uint64_t n)
{
	writer_take(w, events, n);
}

int writer_finish(struct writer *w)
{
	writer_cut(w);
	return atomic_load(&w->error);
}

struct tracer_ring *writer_add_ring(struct writer *w, uint32_t ring_events, bool drop)
{
	struct tracer_ring *ring;

	if (atomic_fetch_add(&w->rings_count, 1) >= WRITER_RINGS_MAX) {
		atomic_fetch_sub(&w->rings_count, 1);
		return NULL;
	}
	ring = ring_new(&w->bell, ring_events, drop);
	if (!ring) {
		atomic_fetch_sub(&w->rings_count, 1);
		return NULL;
	}
	ring->next = atomic_load(&w->rings);
	while (!atomic_compare_exchange_weak(&w->rings, &ring->next, ring))
		;
	return ring;
}

void writer_stop(struct writer *w)
{
	if (!w->running)
		return;
	atomic_store(&w->stop, true);
	ring_bell_ring(&w->bell);
	pthread_join(w->thread, NULL);
	w->running = false;
}

void writer_free(struct writer *w)
{
	struct tracer_ring *next;

	for (struct tracer_ring *r = atomic_load(&w->rings); r; r = next) {
		next = r->next;
		ring_free(r);
	}
	atomic_store(&w->rings, NULL);
	free(w->batch);
	chunk_encoder_free(w->encoder);
	liveset_free(&w->live);
	ring_bell_destroy(&w->bell);
}
