/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/crew.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * @tasks: of the current round; @next of them are taken, @done are finished
 */
struct crew {
	pthread_mutex_t lock;
	pthread_cond_t work, finished;
	void (*run)(void *ctx, u32 i);
	void *ctx;
	u32 tasks, next, done;
	bool quit;
	u32 threads_n;
	pthread_t threads[];
};

/* run tasks until none is left to take; called and left with the lock held */
static void work(struct crew *c)
{
	while (c->next < c->tasks) {
		u32 i = c->next++;

		pthread_mutex_unlock(&c->lock);
		c->run(c->ctx, i);
		pthread_mutex_lock(&c->lock);
		if (++c->done == c->tasks)
			pthread_cond_signal(&c->finished);
	}
}

static void *worker(void *arg)
{
	struct crew *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		work(c);
		if (!c->quit)
			pthread_cond_wait(&c->work, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int crew_new(u32 threads, struct crew **out)
{
	struct crew *c;
	int rc = 0;

	if (threads < 1 || threads > CREW_THREADS_MAX)
		return -EINVAL;
	c = calloc(1, sizeof(*c) + (threads - 1) * sizeof(c->threads[0]));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	pthread_cond_init(&c->finished, NULL);
	while (rc == 0 && c->threads_n < threads - 1) {
		rc = pthread_create(&c->threads[c->threads_n], NULL, worker, c);
		c->threads_n += rc == 0;
	}
	if (rc) {
		crew_free(c);
		return -rc;
	}
	*out = c;
	return 0;
}

void crew_free(struct crew *c)
{
	u32 i;

	if (!c)
		return;
	crew_wait(c);
	pthread_mutex_lock(&c->lock);
	c->quit = true;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->lock);
	for (i = 0; i < c->threads_n; i++)
		pthread_join(c->threads[i], NULL);
	pthread_cond_destroy(&c->finished);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void crew_start(struct crew *c, u32 n, void (*run)(void *ctx, u32 i), void *ctx)
{
	pthread_mutex_lock(&c->lock);
	c->run = run;
	c->ctx = ctx;
	c->next = c->done = 0;
	c->tasks = n;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->lock);
}

void crew_wait(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	work(c);
	while (c->done < c->tasks)
		pthread_cond_wait(&c->finished, &c->lock);
	c->tasks = c->next = c->done = 0;
	pthread_mutex_unlock(&c->lock);
}
