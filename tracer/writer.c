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

static void follow_live(struct writer *w, const struct batch *b)
{
	const struct chunk_row *row = &b->row;
	uint32_t counts[CHUNK_KINDS_MAX];

	w->until_ns = row->t_max_ns > w->until_ns ? row->t_max_ns : w->until_ns;
	w->since_checkpoint += row->events;
	if (w->live.given_up || chunk_parse_kinds(row->kind_events, counts) != 0 ||
	    !(counts[TRACE_REQ_MAP] | counts[TRACE_REQ_UNMAP] | counts[TRACE_MAP] | counts[TRACE_UNMAP]))
		return;
	for (uint32_t i = 0; i < b->n; i++)
		liveset_apply(&w->live, &b->events[i]);
	if (w->live.given_up)
		store_account(w->store, "checkpoints_given_up", 1, "more was live at once than checkpoints hold; none follow from there on");
}

static int put_parts(struct writer *w, struct chunk_encoder *encoder, const struct trace_event *live, uint32_t n)
{
	uint32_t parts = (n + CHUNK_EVENTS_MAX - 1) / CHUNK_EVENTS_MAX;
	int err = 0;

	for (uint32_t part = 0; !err && part < parts; part++) {
		struct chunk_row row = { .id = STORE_CHECKPOINT_ID(w->next_chunk, part), .first_seq = w->next_seq };
		uint32_t from = part * CHUNK_EVENTS_MAX, rest = n - from;

		chunk_encode(encoder, live + from, rest < CHUNK_EVENTS_MAX ? rest : CHUNK_EVENTS_MAX, &row);
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

/* @encoder: one whose last chunk is stored */
static int writer_checkpoint(struct writer *w, struct chunk_encoder *encoder)
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
		err = store_checkpoint_end(w->store, put_parts(w, encoder, live, w->live.n));
	free(live);
	return err;
}

/* ---- from batch to file ---- */

/* the numbers of the chunk that @b will be, behind what is stored and what packers have */
static void number(const struct writer *w, struct batch *b)
{
	b->tick_ns = w->tick_ns;
	b->row = (struct chunk_row){ .id = w->next_chunk + w->lanes_used, .first_seq = w->next_seq };
	for (unsigned int i = 0; i < w->lanes_used; i++)
		b->row.first_seq += w->lane[(w->lane_oldest + i) % WRITER_LANES].batch->n;
}

/* put packed batch @b into the file, and empty it */
static void commit(struct writer *w, struct batch *b)
{
	int err = atomic_load(&w->error);

	if (!err) {
		err = store_chunk(w->store, &b->row, writer_dropped(w));
		if (!err)
			follow_live(w, b);
		atomic_store(&w->error, err);
	}
	if (err) {
		atomic_fetch_add(&w->lost, b->n);
	} else {
		w->next_seq += b->n;
		w->next_chunk++;
		atomic_store(&w->error, writer_checkpoint(w, b->encoder));
	}
	b->n = 0;
}

/* the oldest chunk with a packer into the file; its batch is the spare one then */
static void commit_oldest(struct writer *w)
{
	unsigned int i = w->lane_oldest;

	packer_wait(w->lane[i].packer);
	commit(w, w->lane[i].batch);
	w->spare = w->lane[i].batch;
	w->lane[i].batch = NULL;
	w->lane_oldest = (i + 1) % WRITER_LANES;
	w->lanes_used--;
}

/* everything into the file */
static void writer_cut(struct writer *w)
{
	while (w->lanes_used) {
		struct batch *unused = w->spare;

		commit_oldest(w);
		/* keep one only: they come back when chunks fill up again */
		batch_free(unused);
	}
	if (!w->filling->n)
		return;
	if (!atomic_load(&w->error)) {
		number(w, w->filling);
		batch_pack(w->filling);
	}
	commit(w, w->filling);
}

static bool has_packers(struct writer *w)
{
	for (unsigned int i = 0; !w->alone && i < WRITER_LANES; i++) {
		if (!w->lane[i].packer)
			w->lane[i].packer = packer_start();
		w->alone = !w->lane[i].packer;
	}
	if (!w->spare && !w->alone && w->lanes_used < WRITER_LANES)
		w->spare = batch_new(w->thorough);
	return !w->alone && (w->spare || w->lanes_used);
}

/* the batch is full: a packer gets it, if need be when the oldest chunk has left its own */
static void writer_full(struct writer *w)
{
	unsigned int free_lane;

	if (!has_packers(w)) {
		writer_cut(w);
		return;
	}
	if (!w->spare || w->lanes_used == WRITER_LANES)
		commit_oldest(w);
	number(w, w->filling);
	free_lane = (w->lane_oldest + w->lanes_used++) % WRITER_LANES;
	w->lane[free_lane].batch = w->filling;
	packer_give(w->lane[free_lane].packer, w->filling);
	w->filling = w->spare;
	w->spare = NULL;
}

static void writer_take(struct writer *w, const struct trace_event *events, uint64_t n)
{
	while (n) {
		struct batch *b = w->filling;
		uint64_t room = CHUNK_EVENTS_MAX - b->n;
		uint64_t part = n < room ? n : room;

		if (!b->n)
			b->since_ns = tracer_now_ns();
		memcpy(b->events + b->n, events, part * sizeof(*events));
		b->n += (uint32_t)part;
		events += part;
		n -= part;
		if (b->n == CHUNK_EVENTS_MAX)
			writer_full(w);
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
	const struct batch *oldest = w->lanes_used ? w->lane[w->lane_oldest].batch : w->filling;
	uint64_t age_ns = tracer_now_ns() - oldest->since_ns;

	/* an event may have waited one round in its ring, and will wait another if we do not cut now */
	return oldest->n && age_ns + 2 * (uint64_t)round_ms * 1000000 >= (uint64_t)w->flush_ms * 1000000;
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
	w->thorough = thorough;
	w->filling = batch_new(thorough);
	if (w->filling)
		return 0;
	writer_free(w);
	return -ENOMEM;
}

int writer_start(struct writer *w, struct store *store, uint32_t flush_ms, uint32_t tick_ns)
{
	int err = writer_init(w, store, false);

	if (err)
		return err;
	w->flush_ms = flush_ms;
	w->tick_ns = tick_ns;
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
	for (unsigned int i = 0; i < WRITER_LANES; i++) {
		packer_stop(w->lane[i].packer);
		batch_free(w->lane[i].batch);
	}
	batch_free(w->filling);
	batch_free(w->spare);
	liveset_free(&w->live);
	ring_bell_destroy(&w->bell);
}
