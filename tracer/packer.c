/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/packer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct batch *batch_new(bool thorough)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->encoder = chunk_encoder_new(thorough);
	b->events = malloc(CHUNK_EVENTS_MAX * sizeof(*b->events));
	if (b->encoder && b->events)
		return b;
	batch_free(b);
	return NULL;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	chunk_encoder_free(b->encoder);
	free(b->events);
	free(b);
}

/* argument that is a time on another clock, 1 + its number; 0 = none */
static const uint8_t time_arg[TRACE_KINDS] = {
#define IS(form, number) TRACE_##form == TRACE_NS ? (number) + 1 :
#define X(number, NAME, name, n0, f0, n1, f1, n2, f2, n3, f3, n4, f4, n5, f5) \
	[number] = IS(f0, 0) IS(f1, 1) IS(f2, 2) IS(f3, 3) IS(f4, 4) IS(f5, 5) 0,
	TRACE_EVENTS(X)
#undef X
#undef IS
};

/* what is cut off a time is cut off that on another clock too, so that their relation stays what it was */
static void cut_to_ticks(struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct trace_event *e = &b->events[i];
		uint64_t off_ns = e->t_ns & (b->tick_ns - 1);
		unsigned int arg = e->kind < TRACE_KINDS ? time_arg[e->kind] : 0;

		e->t_ns -= off_ns;
		if (arg && e->arg[arg - 1] >= off_ns)
			e->arg[arg - 1] -= off_ns;
	}
}

void batch_pack(struct batch *b)
{
	if (b->tick_ns > 1)
		cut_to_ticks(b);
	chunk_encode(b->encoder, b->events, b->n, &b->row);
}

/**
 * struct packer - the thread.
 * @job:  what to pack; NULL = nothing. Under @lock, as is @stop
 * @turn: signalled when @job or @stop changes
 */
struct packer {
	pthread_mutex_t lock;
	pthread_cond_t turn;
	struct batch *job;
	bool stop;
	pthread_t thread;
};

static void *packer_main(void *arg)
{
	struct packer *p = arg;

	pthread_mutex_lock(&p->lock);
	while (p->job || !p->stop) {
		if (!p->job) {
			pthread_cond_wait(&p->turn, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		batch_pack(p->job);
		pthread_mutex_lock(&p->lock);
		p->job = NULL;
		pthread_cond_broadcast(&p->turn);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct packer *packer_start(void)
{
	struct packer *p = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? calloc(1, sizeof(*p)) : NULL;
	sigset_t all, before;
	int err;

	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->turn, NULL);
	/* signals are for the program's own threads */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&p->thread, NULL, packer_main, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		return p;
	pthread_cond_destroy(&p->turn);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

void packer_stop(struct packer *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->turn);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->turn);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void packer_give(struct packer *p, struct batch *b)
{
	pthread_mutex_lock(&p->lock);
	p->job = b;
	pthread_cond_broadcast(&p->turn);
	pthread_mutex_unlock(&p->lock);
}

void packer_wait(struct packer *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->job)
		pthread_cond_wait(&p->turn, &p->lock);
	pthread_mutex_unlock(&p->lock);
}
