/* SPDX-License-Identifier: MIT */
/*
 * Invariant: [head, head + given) of the ring were given, in this order. A slot changes its state under the lock only; what lies in
 * it is a thread's while it is GIVEN or BUSY, and the caller's otherwise.
 */
#include "care/work_ring.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

enum slot_state { SLOT_FREE, SLOT_GIVEN, SLOT_BUSY, SLOT_DONE };

struct slot {
	enum slot_state state;
	int err;
};

struct work_ring {
	work_ring_fn fn;
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t some_given, some_done;
	bool stop;
	pthread_t threads[WORK_RING_THREADS_MAX];
	unsigned int n_wanted, n_threads, n_numbers;
	size_t n_slots, head, n_given;
	struct slot slots[];
};

unsigned int work_ring_threads(unsigned int wanted)
{
	cpu_set_t set;

	if (!wanted) /* more CPUs than a cpu_set_t has: an error, and enough */
		wanted = sched_getaffinity(0, sizeof(set), &set) ? WORK_RING_THREADS_MAX :
								   (unsigned int)CPU_COUNT(&set);
	return wanted < WORK_RING_THREADS_MAX ? wanted : WORK_RING_THREADS_MAX;
}

static size_t next_given(const struct work_ring *r)
{
	for (size_t i = 0; i < r->n_given; i++) {
		size_t at = (r->head + i) % r->n_slots;

		if (r->slots[at].state == SLOT_GIVEN)
			return at;
	}
	return r->n_slots;
}

static void *work(void *arg)
{
	struct work_ring *r = arg;
	unsigned int number;
	size_t at;
	int err;

	pthread_mutex_lock(&r->lock);
	number = r->n_numbers++;
	while (!r->stop) {
		at = next_given(r);
		if (at == r->n_slots) {
			pthread_cond_wait(&r->some_given, &r->lock);
			continue;
		}
		r->slots[at].state = SLOT_BUSY;
		pthread_mutex_unlock(&r->lock);
		err = r->fn(at, number, r->ctx);
		pthread_mutex_lock(&r->lock);
		r->slots[at].err = err;
		r->slots[at].state = SLOT_DONE;
		pthread_cond_signal(&r->some_done);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void start_threads(struct work_ring *r)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r->n_threads < r->n_wanted &&
	       pthread_create(&r->threads[r->n_threads], NULL, work, r) == 0)
		r->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	r->n_wanted = r->n_threads;
}

int work_ring_new(unsigned int n_threads, size_t n_slots, work_ring_fn fn, void *ctx,
		  struct work_ring **ret)
{
	struct work_ring *r = calloc(1, sizeof(*r) + n_slots * sizeof(r->slots[0]));

	assert(n_slots >= 3 && n_threads && n_threads <= WORK_RING_THREADS_MAX);
	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	r->n_wanted = n_threads > 1 ? n_threads : 0;
	r->n_slots = n_slots;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->some_given, NULL);
	pthread_cond_init(&r->some_done, NULL);
	*ret = r;
	return 0;
}

void work_ring_free(struct work_ring *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->some_given);
	pthread_mutex_unlock(&r->lock);
	for (unsigned int i = 0; i < r->n_threads; i++)
		pthread_join(r->threads[i], NULL);
	pthread_cond_destroy(&r->some_given);
	pthread_cond_destroy(&r->some_done);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

size_t work_ring_given(const struct work_ring *r)
{
	return r->n_given;
}

size_t work_ring_next(const struct work_ring *r)
{
	return (r->head + r->n_given) % r->n_slots;
}

void work_ring_give(struct work_ring *r)
{
	pthread_mutex_lock(&r->lock);
	assert(r->n_given < r->n_slots);
	r->slots[work_ring_next(r)].state = SLOT_GIVEN;
	r->n_given++;
	pthread_cond_signal(&r->some_given);
	pthread_mutex_unlock(&r->lock);
	if (r->n_given > 1 && r->n_threads < r->n_wanted)
		start_threads(r);
}

/* For want of threads, or of a second piece. */
static void work_here(struct work_ring *r, size_t at)
{
	r->slots[at].err = r->fn(at, 0, r->ctx);
	r->slots[at].state = SLOT_DONE;
}

int work_ring_take(struct work_ring *r, size_t *ret_slot)
{
	size_t at = r->head;
	int err;

	assert(r->n_given);
	if (!r->n_threads)
		work_here(r, at);
	pthread_mutex_lock(&r->lock);
	while (r->slots[at].state != SLOT_DONE)
		pthread_cond_wait(&r->some_done, &r->lock);
	r->slots[at].state = SLOT_FREE;
	err = r->slots[at].err;
	r->head = (r->head + 1) % r->n_slots;
	r->n_given--;
	pthread_mutex_unlock(&r->lock);
	*ret_slot = at;
	return err;
}
