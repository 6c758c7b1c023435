/* SPDX-License-Identifier: MIT */
/*
 * The store's thread. Work goes to it in one queue and comes back in another, whose eventfd wakes the loop.
 * Invariant: the mutex guards the queues, why, the flags beside them and each work's finished; what is under "the thread's" is
 * touched by nobody else from its start to its end, before which it closes the file.
 */
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "store/room.h"
#include "store/set_aside.h"
#include "store/sql.h"
#include "store/state_file.h"

#define THREAD_STACK_BYTES (256u << 10)
#define WHY_BYTES_MAX 8192
#define SHARED_WAIT_NS (5 * NS_PER_SEC)
#define SHARED_LOOK_MS 20

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
	bool busy, stop, gone;
	struct buf why; /* the file could not be opened */
	void (*left)(void *ctx);
	void *left_ctx;

	/* the thread's */
	char *directory, *name, *path;
	sqlite3 *db; /* NULL: could not be opened again */
	bool shared; /* closed whenever there is no work */
	unsigned int births;
	int trouble; /* the error that was told last */
	bool tight;  /* it was told that the disk is full */
};

unsigned int store_births(const struct store *s)
{
	return s->births;
}

/* --- what is told */

/* Of other errors only the job's owner knows what they mean. */
static bool is_trouble(int err)
{
	switch (err) {
	case 0:
	case -ENOSPC:
	case -EIO:
	case -EROFS:
	case -EACCES:
	case -EBUSY:
	case -EUCLEAN: return true;
	default: return false;
	}
}

static void tell_trouble(struct store *s, int err)
{
	/* What was never open is told by who wanted it. */
	if (err == s->trouble || !is_trouble(err) || !s->births)
		return;
	s->trouble = err;
	if (err)
		log_error(
			"%s: cannot be written: %s; what belongs there waits in memory, as far as "
			"there is room",
			s->path, err == -EUCLEAN ? "it is damaged" : strerror(-err));
	else
		log_info("%s: is written again", s->path);
}

static void tell_room(struct store *s, int err)
{
	const bool tight = err == -ENOSPC;
	uint64_t left = 0;

	if ((err && !tight) || tight == s->tight)
		return;
	s->tight = tight;
	if (!tight) {
		log_info("%s: there is room on the disk again", s->path);
		return;
	}
	room_left(s->db, &left);
	log_warning("%s: the disk is full; going on in %llu KiB that were set aside: make room",
		    s->path, (unsigned long long)left >> 10);
}

/* --- the file */

/* Returns 0 when it is out of the way. */
static int file_set_aside(const char *path, const char *why)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT(2 * 4096);
	int err;

	err = set_aside(path, &name);
	if (err)
		log_error("%s; it cannot be set aside: %s", why, strerror(-err));
	else if (name.len)
		log_error(
			"%s; it is set aside as %s, and a new one is begun: what waited in it is not "
			"sent",
			why, buf_str(&name));
	else
		log_error(
			"%s; it is deleted, because %d such files are there already, and a new one is "
			"begun: what waited in it is lost",
			why, SET_ASIDE_MAX);
	return err;
}

/* A damaged one is set aside on the way. */
static int file_open(struct store *s, struct buf *why)
{
	int err;

	err = state_file_open(s->path, why, &s->db);
	if (err != -EUCLEAN)
		return err;
	err = file_set_aside(s->path, buf_str(why));
	buf_reset(why);
	if (err) {
		buf_printf(why, "%s is damaged, and cannot be set aside: %s", s->path,
			   strerror(-err));
		return err;
	}
	return state_file_open(s->path, why, &s->db);
}

static int file_begin(struct store *s, struct buf *why)
{
	int err = 0;

	if (!s->path)
		err = state_file_path(s->directory, s->name, why, &s->path);
	if (!err)
		err = file_open(s, why);
	if (!err)
		s->births++;
	else if (!why->len)
		buf_printf(why, "cannot open the state file: %s", strerror(-err));
	return err;
}

/* Others have a shared file for moments only. */
static int file_begin_shared(struct store *s, struct buf *why)
{
	const uint64_t end_ns = clock_monotonic_ns() + SHARED_WAIT_NS;
	int err;

	while ((err = file_begin(s, why)) == -EBUSY && clock_monotonic_ns() < end_ns) {
		buf_reset(why);
		poll(NULL, 0, SHARED_LOOK_MS);
	}
	return err;
}

static int file_begin_again(struct store *s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_BYTES_MAX);
	int err = s->shared ? file_begin_shared(s, &why) : file_begin(s, &why);

	if (err)
		log_debug("%s", buf_str(&why));
	pthread_mutex_lock(&s->mutex);
	buf_reset(&s->why);
	if (err)
		buf_add(&s->why, buf_str(&why), why.len);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

void store_why(struct store *s, struct buf *why)
{
	pthread_mutex_lock(&s->mutex);
	if (s->why.len)
		buf_add(why, buf_str(&s->why), s->why.len);
	pthread_mutex_unlock(&s->mutex);
}

static int file_renew(struct store *s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1024);
	int err;

	buf_printf(&why, "%s was found to be damaged", s->path);
	state_file_close(take(s->db), true);
	err = file_set_aside(s->path, buf_str(&why));
	return err ? err : file_begin_again(s);
}

/* --- the thread */

static int work_try(struct store *s, struct work *w)
{
	int err = w->work(s->db, w->job);

	if (!sqlite3_get_autocommit(s->db))
		sql_end(s->db, -ECANCELED);
	return err;
}

static void work_do(struct store *s, struct work *w)
{
	int before, err = 0;

	if (!s->db)
		err = file_begin_again(s);
	before = s->db ? sqlite3_total_changes(s->db) : 0;
	if (!err)
		err = work_try(s, w);
	if (err == -EUCLEAN && s->db) {
		before = 0;
		err = file_renew(s);
		if (!err)
			err = work_try(s, w);
	}
	w->err = err;
	/* Who only reads learns nothing of a disk that cannot be written. */
	if (err || sqlite3_total_changes(s->db) != before)
		tell_trouble(s, err);
	if (s->db)
		tell_room(s, room_keep(s->db));
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
	s->busy = w != NULL;
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

/* Before its end is told: who hears of it may look into the file by another process. */
static void file_release(struct store *s)
{
	bool more;

	if (!s->shared)
		return;
	pthread_mutex_lock(&s->mutex);
	more = !TAILQ_EMPTY(&s->queue);
	pthread_mutex_unlock(&s->mutex);
	if (!more)
		state_file_close(take(s->db), false);
}

static void work_end(struct store *s, struct work *w)
{
	bool wake = w->done != NULL;

	pthread_mutex_lock(&s->mutex);
	if (w->done)
		TAILQ_INSERT_TAIL(&s->ended, w, entry);
	w->finished = true;
	s->busy = false;
	pthread_cond_broadcast(&s->work_finished);
	pthread_mutex_unlock(&s->mutex);
	if (wake)
		wake_loop(s);
}

static void thread_end(struct store *s)
{
	state_file_close(take(s->db), false);
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
		file_release(s);
		work_end(s, w);
	}
	thread_end(s);
	return NULL;
}

static int thread_start(struct store *s)
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
	state_file_close(s->db, false);
	if (s->told)
		event_free(s->told);
	file_closep(&s->told_fd);
	pthread_cond_destroy(&s->work_finished);
	pthread_cond_destroy(&s->work_came);
	pthread_mutex_destroy(&s->mutex);
	buf_done(&s->why);
	free(s->path);
	free(s->directory);
	free(s->name);
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

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->work_came, NULL);
	pthread_cond_init(&s->work_finished, NULL);
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->ended);
	buf_init(&s->why, WHY_BYTES_MAX);
	s->directory = strdup(directory);
	s->name = strdup(name);
	s->told_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->told_fd < 0)
		return -EMFILE;
	s->told = event_new(base, s->told_fd, EV_READ | EV_PERSIST, on_told, s);
	if (!s->directory || !s->name || !s->told || event_add(s->told, NULL))
		return -ENOMEM;
	*ret = take(s);
	return 0;
}

static int begin(struct event_base *base, const char *directory, const char *name, bool shared,
		 struct store **ret)
{
	_cleanup_(store_freep) struct store *s = NULL;
	int err;

	err = store_new(base, directory, name, &s);
	if (err)
		return err;
	s->shared = shared;
	err = thread_start(s);
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
		err = file_begin(s, why);
	if (err)
		goto out;
	tell_room(s, room_keep(s->db));
	err = thread_start(s);
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
	return TAILQ_EMPTY(&s->queue) && !s->busy;
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

	return !s || close_until(s, &until);
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
