/* SPDX-License-Identifier: MIT */
/*
 * Inside the store: what its loop (store.c) and its thread (store_thread.c) share.
 * The mutex guards the queues, why, the flags beside them and each work's finished. The file is the thread's alone from
 * store_thread_start() until gone is seen.
 */
#ifndef ISAMON_STORE_IMPL_H
#define ISAMON_STORE_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/store.h"
#include "store/store_file.h"

#define STORE_WHY_BYTES_MAX 8192

struct work {
	TAILQ_ENTRY(work) entry;
	store_work_fn work;
	store_done_fn done; /* NULL: somebody waits for it */
	void *job;
	int err;
	bool finished;
};

TAILQ_HEAD(work_queue, work);

struct store {
	struct event *told;
	int told_fd;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t work_came, work_finished;
	struct work_queue queue, ended;
	struct work *
		current; /* what the thread does at present: of a thread that was given up it is known what it has */
	bool stop, gone;
	struct buf why; /* the file could not be opened */
	void (*left)(void *ctx);
	void *left_ctx;
	bool shared; /* the file is closed whenever there is no work */
	struct store_file file;
};

/* Starts the thread, which ends when stop is set and the queue is empty: it closes the file, sets gone and wakes the loop.
 * What has ended is in the queue of that name; told_fd is written to for each. Returns 0 or -errno. */
int store_thread_start(struct store *s);

#endif
