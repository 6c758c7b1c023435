/* SPDX-License-Identifier: MIT */
/*
 * The store's thread: takes work from the queue, does it with the file, and puts it where the loop finds it.
 * Invariant: nobody else touches the file from the thread's start to its end, before which it closes it.
 */
#include "store/store_impl.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/util.h"
#include "store/sql.h"

#define THREAD_STACK_BYTES (256u << 10)

/* --- the file */

static int begin_again(struct store *s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(STORE_WHY_BYTES_MAX);
	int err = store_file_begin(&s->file, &why);

	if (err)
		log_debug("%s", buf_str(&why));
	pthread_mutex_lock(&s->mutex);
	buf_reset(&s->why);
	if (err)
		buf_add(&s->why, buf_str(&why), why.len);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

static int renew(struct store *s)
{
	int err = store_file_set_aside(&s->file);

	return err ? err : begin_again(s);
}

/* --- the work */

static int work_try(struct store *s, struct work *w)
{
	int err = w->work(s->file.db, w->job);

	if (!sqlite3_get_autocommit(s->file.db))
		sql_end(s->file.db, -ECANCELED);
	return err;
}

static void work_do(struct store *s, struct work *w)
{
	int before, err = 0;

	if (!s->file.db)
		err = begin_again(s);
	before = s->file.db ? sqlite3_total_changes(s->file.db) : 0;
	if (!err)
		err = work_try(s, w);
	if (err == -EUCLEAN && s->file.db) {
		before = 0;
		err = renew(s);
		if (!err)
			err = work_try(s, w);
	}
	w->err = err;
	/* Who only reads learns nothing of a disk that cannot be written. */
	if (err || sqlite3_total_changes(s->file.db) != before)
		store_file_tell(&s->file, err);
	if (s->file.db)
		store_file_keep_room(&s->file);
}

static struct work *work_next(struct store *s)
{
	struct work *w;

	pthread_mutex_lock(&s->mutex);
	while (TAILQ_EMPTY(&s->queue) && !s->stop)
		pthread_cond_wait(&s->work_came, &s->mutex);
	w = TAILQ_FIRST(&s->queue);
	if (w)
		TAILQ_REMOVE(&s->queue, w, entry);
	s->current = w;
	pthread_mutex_unlock(&s->mutex);
	return w;
}

static void wake_loop(struct store *s)
{
	const uint64_t one = 1;

	/* It cannot fail before 2^64 - 1 of them were not read. */
	if (write(s->told_fd, &one, sizeof(one)) != sizeof(one))
		log_debug("the store's loop cannot be woken: %m");
}

static bool has_more(struct store *s)
{
	bool more;

	pthread_mutex_lock(&s->mutex);
	more = !TAILQ_EMPTY(&s->queue);
	pthread_mutex_unlock(&s->mutex);
	return more;
}

/* Before its end is told: who hears of it may look into the file by another process. */
static void release(struct store *s)
{
	if (s->shared && !has_more(s))
		store_file_leave(&s->file);
}

/* Two megabytes that were needed for a moment. Behind the telling of the end: nobody waits for this. */
static void give_back(struct store *s)
{
	if (s->shared && !s->file.db)
		memory_trim_library(sqlite3_libversion());
}

static void work_end(struct store *s, struct work *w)
{
	bool wake = w->done != NULL;

	pthread_mutex_lock(&s->mutex);
	if (w->done)
		TAILQ_INSERT_TAIL(&s->ended, w, entry);
	w->finished = true;
	s->current = NULL;
	pthread_cond_broadcast(&s->work_finished);
	pthread_mutex_unlock(&s->mutex);
	if (wake)
		wake_loop(s);
}

static void thread_end(struct store *s)
{
	store_file_leave(&s->file);
	pthread_mutex_lock(&s->mutex);
	s->gone = true;
	pthread_cond_broadcast(&s->work_finished);
	pthread_mutex_unlock(&s->mutex);
	/* The loop may be waiting for this to end already; it does not free before it has. */
	wake_loop(s);
}

static void *thread_main(void *arg)
{
	struct store *s = arg;
	struct work *w;

	pthread_setname_np(pthread_self(), "isamon-store");
	while ((w = work_next(s))) {
		work_do(s, w);
		release(s);
		work_end(s, w);
		give_back(s);
	}
	thread_end(s);
	return NULL;
}

int store_thread_start(struct store *s)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, &attr, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}
