/* SPDX-License-Identifier: MIT */
/*
 * The store, seen from the loop: work is handed to its thread in one queue and comes back in another, whose eventfd wakes the
 * loop; it is opened, closed and left.
 */
#include "store/store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "store/state_file.h"

unsigned int store_births(const struct store *s)
{
	return s->file.births;
}

void store_why(struct store *s, struct buf *why)
{
	pthread_mutex_lock(&s->mutex);
	if (s->why.len)
		buf_add(why, buf_str(&s->why), s->why.len);
	pthread_mutex_unlock(&s->mutex);
}

/* --- the loop */

static void tell_ends(struct store *s)
{
	struct work_queue ended = TAILQ_HEAD_INITIALIZER(ended);
	struct work *w;

	pthread_mutex_lock(&s->mutex);
	TAILQ_CONCAT(&ended, &s->ended, entry);
	pthread_mutex_unlock(&s->mutex);
	while ((w = TAILQ_FIRST(&ended))) {
		TAILQ_REMOVE(&ended, w, entry);
		w->done(w->err, w->job);
		free(w);
	}
}

static int work_hand_over(struct store *s, struct work *w)
{
	bool stop;

	pthread_mutex_lock(&s->mutex);
	stop = s->stop;
	if (!stop)
		TAILQ_INSERT_TAIL(&s->queue, w, entry);
	pthread_cond_signal(&s->work_came);
	pthread_mutex_unlock(&s->mutex);
	return stop ? -ESHUTDOWN : 0;
}

int store_do(struct store *s, store_work_fn work, store_done_fn done, void *job)
{
	struct work *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	*w = (struct work){ .work = work, .done = done, .job = job };
	err = work_hand_over(s, w);
	if (err)
		free(w);
	return err;
}

int store_wait(struct store *s, store_work_fn work, void *job)
{
	struct work w = { .work = work, .job = job };

	int err;

	err = work_hand_over(s, &w);
	if (err)
		return err;
	pthread_mutex_lock(&s->mutex);
	while (!w.finished)
		pthread_cond_wait(&s->work_finished, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
	return w.err;
}

/* --- open and close */

static void store_free(struct store *s)
{
	if (s->told)
		event_free(s->told);
	file_closep(&s->told_fd);
	pthread_cond_destroy(&s->work_finished);
	pthread_cond_destroy(&s->work_came);
	pthread_mutex_destroy(&s->mutex);
	buf_done(&s->why);
	store_file_done(&s->file);
	free(s);
}

static void store_freep(struct store **s)
{
	if (*s)
		store_free(*s);
}

static void leave_end(struct store *s)
{
	void (*left)(void *ctx) = s->left;
	void *ctx = s->left_ctx;

	pthread_join(s->thread, NULL);
	store_free(s);
	left(ctx);
}

static void on_told(evutil_socket_t fd, short what, void *ctx)
{
	struct store *s = ctx;
	uint64_t n;
	bool gone;

	(void)what;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	pthread_mutex_lock(&s->mutex);
	gone = s->gone;
	pthread_mutex_unlock(&s->mutex);
	tell_ends(s);
	if (gone)
		leave_end(s); /* only store_leave() comes back to the loop */
}

static int store_new(struct event_base *base, const char *directory, const char *name,
		     struct store **ret)
{
	_cleanup_(store_freep) struct store *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->work_came, NULL);
	pthread_cond_init(&s->work_finished, NULL);
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->ended);
	buf_init(&s->why, STORE_WHY_BYTES_MAX);
	err = store_file_init(&s->file, directory, name);
	s->told_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->told_fd < 0)
		return -EMFILE;
	s->told = event_new(base, s->told_fd, EV_READ | EV_PERSIST, on_told, s);
	if (err || !s->told || event_add(s->told, NULL))
		return -ENOMEM;
	*ret = take(s);
	return 0;
}

#define SHARED_WAIT_MS 5000

static int begin(struct event_base *base, const char *directory, const char *name, bool shared,
		 struct store **ret)
{
	_cleanup_(store_freep) struct store *s = NULL;
	int err;

	err = store_new(base, directory, name, &s);
	if (err)
		return err;
	s->shared = shared;
	if (shared)
		s->file.wait_ms = SHARED_WAIT_MS;
	err = store_thread_start(s);
	if (!err)
		*ret = take(s);
	return err;
}

int store_begin(struct event_base *base, const char *directory, struct store **ret)
{
	return begin(base, directory, STATE_FILE_NAME, false, ret);
}

int store_begin_shared(struct event_base *base, const char *directory, const char *name,
		       struct store **ret)
{
	return begin(base, directory, name, true, ret);
}

int store_open(struct event_base *base, const char *directory, struct buf *why, struct store **ret)
{
	return store_open_file(base, directory, STATE_FILE_NAME, why, ret);
}

int store_open_file(struct event_base *base, const char *directory, const char *name,
		    struct buf *why, struct store **ret)
{
	_cleanup_(store_freep) struct store *s = NULL;
	int err;

	err = store_new(base, directory, name, &s);
	if (!err)
		err = store_file_begin(&s->file, why);
	if (err)
		goto out;
	store_file_keep_room(&s->file);
	err = store_thread_start(s);
	if (err)
		goto out;
	*ret = take(s);
	return 0;
out:
	if (!why->len)
		buf_printf(why, "cannot open the state file: %s", strerror(-err));
	return err;
}

static void stop(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_signal(&s->work_came);
	pthread_mutex_unlock(&s->mutex);
}

static bool is_idle(const struct store *s)
{
	return TAILQ_EMPTY(&s->queue) && !s->current;
}

static bool is_gone(const struct store *s)
{
	return s->gone;
}

/* @until: of CLOCK_MONOTONIC; NULL: for ever. */
static bool wait_for(struct store *s, bool (*holds)(const struct store *s),
		     const struct timespec *until)
{
	int err = 0;
	bool held;

	pthread_mutex_lock(&s->mutex);
	while (!(held = holds(s)) && !err)
		err = until ? pthread_cond_clockwait(&s->work_finished, &s->mutex, CLOCK_MONOTONIC,
						     until) :
			      pthread_cond_wait(&s->work_finished, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
	return held;
}

/* The thread goes on with the disk, and nobody frees what it uses. */
static void abandon(struct store *s)
{
	pthread_detach(s->thread);
	event_free(take(s->told));
}

static bool close_until(struct store *s, const struct timespec *until)
{
	bool gone = false;

	if (wait_for(s, is_idle, until)) {
		tell_ends(s);
		stop(s);
		gone = wait_for(s, is_gone, until);
	}
	if (!gone) {
		stop(s);
		abandon(s);
		return false;
	}
	pthread_join(s->thread, NULL);
	tell_ends(s);
	store_free(s);
	return true;
}

void store_close(struct store *s)
{
	if (s)
		close_until(s, NULL);
}

bool store_close_within(struct store *s, unsigned int ms)
{
	uint64_t until_ns = clock_monotonic_ns() + ms * (NS_PER_SEC / 1000);
	const struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_SEC),
					.tv_nsec = (long)(until_ns % NS_PER_SEC) };

	return !s || close_until(s, ms ? &until : NULL);
}

/* What was handed over before has been told, and what it handed over is in the queue. */
static void on_drained(int err, void *job)
{
	(void)err;
	stop(job);
}

static int drain(sqlite3 *db, void *job)
{
	(void)db;
	(void)job;
	return 0;
}

void store_leave(struct store *s, void (*left)(void *ctx), void *ctx)
{
	s->left = left;
	s->left_ctx = ctx;
	if (store_do(s, drain, on_drained, s))
		stop(s);
}
