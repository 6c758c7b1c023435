/* SPDX-License-Identifier: MIT */
/*
 * Pieces of work that several threads do at the same time, and that come back in the order in which they were given.
 *
 * What a piece is lies with the caller, in slots with the numbers from 0 on: one that he fills, those that were given, and the one
 * that was taken last, until the next is given. The threads are started when there is a second piece to do, end with the ring and
 * take no signals; one that cannot be started is done without. A ring is one thread's to use.
 */
#ifndef ISAMON_WORK_RING_H
#define ISAMON_WORK_RING_H

#include <stdbool.h>
#include <stddef.h>

/* More find nothing to do: who gives the pieces hashes and copies as much as four pack. */
#define WORK_RING_THREADS_MAX 8u

/*
 * Does the work in @slot. @thread: a number below the ring's threads, which no other thread has at this time. Returns 0 or -errno.
 */
typedef int (*work_ring_fn)(size_t slot, unsigned int thread, void *ctx);

struct work_ring;

/* How many threads @wanted means; 0: as many as this process has CPUs. At least 1, at most WORK_RING_THREADS_MAX. */
unsigned int work_ring_threads(unsigned int wanted);

/* @n_slots: at least 3; @n_threads: of work_ring_threads(). Returns 0 or -ENOMEM. */
int work_ring_new(unsigned int n_threads, size_t n_slots, work_ring_fn fn, void *ctx,
		  struct work_ring **ret);
/* Waits for what the threads are at; the rest is not done. NULL is fine. */
void work_ring_free(struct work_ring *r);

/* How many were given and not taken. At n_slots - 1 there is no slot to fill but the one that was taken last. */
size_t work_ring_given(const struct work_ring *r);
/* The slot that is filled and given next. It must not be one that is still under way: take one first if given is n_slots. */
size_t work_ring_next(const struct work_ring *r);
void work_ring_give(struct work_ring *r);
/* Waits for the one that was given first, of which there must be one. Returns what its work returned. */
int work_ring_take(struct work_ring *r, size_t *ret_slot);

#endif
