/* SPDX-License-Identifier: MIT */
/*
 * The rows of the history, handed to a store's thread, or read at once.
 * Invariant: what waits there has a copy of all it needs, and is counted; a row and what goes for it are one transaction. A row is with the
 * thread, or kept for the next one, or written; never two of these.
 */
#include "store/history.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "store/sql.h"
#include "store/state_file.h"
#include "store/store.h"

#define NAMED(name, how) ", " #name
#define ASKED(name, how) ", ?"
#define MERGED(name, how) ", " MERGED_##how(#name)
#define MERGED_ADD(name) \
	name " = coalesce(" name " + excluded." name ", " name ", excluded." name ")"
#define MERGED_MAX(name) \
	name " = coalesce(max(" name ", excluded." name "), " name ", excluded." name ")"
#define MERGED_MIN(name) \
	name " = coalesce(min(" name ", excluded." name "), " name ", excluded." name ")"
#define MERGED_LAST(name) name " = coalesce(excluded." name ", " name ")"

#define SQL_PUT \
	"INSERT INTO history (start_s" HISTORY_COLUMNS( \
		NAMED) ")" \
		       " VALUES (?" HISTORY_COLUMNS( \
			       ASKED) ")" \
				      " ON CONFLICT (start_s) DO UPDATE SET start_s = excluded.start_s" HISTORY_COLUMNS( \
					      MERGED)
#define SQL_FORGET_OLD \
	"DELETE FROM history WHERE start_s IN" \
	" (SELECT start_s FROM history WHERE start_s <= ? ORDER BY start_s LIMIT 60)"
#define SQL_FORGET_WRONG \
	"DELETE FROM history WHERE start_s IN" \
	" (SELECT start_s FROM history WHERE start_s > ? ORDER BY start_s DESC LIMIT 60)"
#define SQL_EACH \
	"SELECT start_s" HISTORY_COLUMNS( \
		NAMED) " FROM history WHERE start_s >= ? AND start_s < ? ORDER BY start_s"

#define WAITING_MAX 60
/* The daemon has the file for some milliseconds each minute. */
#define READ_WAIT_NS (5 * NS_PER_SEC)
#define READ_LOOK_MS 20

#define MEMBER(name, how) &m->name,

struct history_work {
	struct history_work *next; /* among those that are kept */
	struct history *history;
	struct history_minute minute;
	history_fn done; /* NULL once it was called */
	void *ctx;
	struct history_work *before; /* that are written with it, the oldest first */
	char disk[];                 /* "": none */
};

struct history {
	struct store *store;
	unsigned int waiting;      /* with the thread */
	struct history_work *kept; /* what could not be written, the oldest first */
	unsigned int n_kept;
	uint64_t n_lost;
};

struct reading {
	int64_t from_s, until_s;
	int (*fn)(const struct history_minute *m, void *ctx);
	void *ctx;
};

void history_minute_init(struct history_minute *m, int64_t start_s)
{
	int64_t *const members[] = { HISTORY_COLUMNS(MEMBER) };

	m->start_s = start_s;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		*members[i] = HISTORY_UNKNOWN;
}

int history_new(struct event_base *base, const char *directory, struct history **ret)
{
	struct history *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	err = store_begin_shared(base, directory, HISTORY_FILE, &h->store);
	if (err)
		free(h);
	else
		*ret = h;
	return err;
}

void history_why(struct history *h, struct buf *why)
{
	store_why(h->store, why);
}

/* --- in the store's thread */

static int put(sqlite3 *db, struct history_minute *m)
{
	int64_t *const members[] = { HISTORY_COLUMNS(MEMBER) };
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_PUT, &st), code;

	if (err)
		return err;
	code = sqlite3_bind_int64(st, 1, m->start_s);
	for (size_t i = 0; i < ARRAY_SIZE(members) && code == SQLITE_OK; i++)
		if (*members[i] >= 0) /* else it stays NULL */
			code = sqlite3_bind_int64(st, (int)i + 2, *members[i]);
	err = sql_errno(db, code);
	return err ? err : sql_step(st);
}

static int forget(sqlite3 *db, const char *text, int64_t start_s)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, text, &st);

	if (!err)
		err = sql_bind(st, &start_s, 1);
	return err ? err : sql_step(st);
}

static void look_at_disk(sqlite3 *db, const char *path, struct history_minute *m)
{
	const char *own = sqlite3_db_filename(db, "main");
	struct statvfs fs;

	if (!*path || m->disk_bytes >= 0 || (statvfs(path, &fs) && (!own || statvfs(own, &fs))))
		return;
	m->disk_bytes = (int64_t)(fs.f_blocks * fs.f_frsize);
	m->disk_free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
}

static int add_row(sqlite3 *db, void *arg)
{
	struct history_work *w = arg;
	const int64_t start_s = w->minute.start_s;
	int err;

	look_at_disk(db, w->disk, &w->minute);
	err = sql_begin(db);
	if (!err)
		err = forget(db, SQL_FORGET_OLD, start_s - (int64_t)HISTORY_DAYS * DAY_S);
	if (!err)
		err = forget(db, SQL_FORGET_WRONG, start_s + DAY_S);
	for (struct history_work *b = w->before; b && !err; b = b->next)
		err = put(db, &b->minute);
	if (!err)
		err = put(db, &w->minute);
	return sql_end(db, err);
}

/* Integers are all that we write; what is none, or cannot be, is not known. */
static void read_row(sqlite3_stmt *st, struct history_minute *m)
{
	int64_t *const members[] = { HISTORY_COLUMNS(MEMBER) };

	history_minute_init(m, sqlite3_column_int64(st, 0));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const int at = (int)i + 1;

		if (sqlite3_column_type(st, at) == SQLITE_INTEGER &&
		    sqlite3_column_int64(st, at) >= 0)
			*members[i] = sqlite3_column_int64(st, at);
	}
	/* The clock was put back into a minute that was written already. */
	if (m->watched_s > HISTORY_MINUTE_S)
		m->watched_s = HISTORY_MINUTE_S;
}

static int each_row(sqlite3 *db, void *arg)
{
	const struct reading *r = arg;
	const int64_t window[] = { r->from_s, r->until_s };
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	struct history_minute m;
	int err = sql_prepare(db, SQL_EACH, &st);

	if (!err)
		err = sql_bind(st, window, ARRAY_SIZE(window));
	while (!err) {
		const int row = sql_step(st);

		if (row <= 0)
			return row;
		read_row(st, &m);
		err = r->fn(&m, r->ctx);
	}
	return err;
}

/* --- behind the loop's back */

static void free_works(struct history_work *w)
{
	while (w) {
		struct history_work *next = w->next;

		free(w);
		w = next;
	}
}

/* Behind those that are kept already; the oldest goes if they are too many. */
static void keep_works(struct history *h, struct history_work *w)
{
	struct history_work **end = &h->kept;

	while (*end)
		end = &(*end)->next;
	*end = w;
	for (; w; w = w->next)
		h->n_kept++;
	while (h->kept && h->n_kept > WAITING_MAX) {
		w = h->kept;
		h->kept = w->next;
		free(w);
		h->n_kept--;
		h->n_lost++;
	}
}

static void work_done(int err, void *arg)
{
	struct history_work *w = arg;
	struct history *h = w->history;
	const history_fn done = w->done;

	h->waiting--;
	w->done = NULL;
	if (err) {
		keep_works(h, take(w->before));
		keep_works(h, w);
	} else {
		free_works(w->before);
	}
	if (done)
		done(err, w->ctx);
	if (!err)
		free(w);
}

/* Hands @w over, and with it all that is kept. */
static int hand_over(struct history *h, struct history_work *w)
{
	const unsigned int n = h->n_kept;
	int err;

	w->before = take(h->kept);
	h->n_kept = 0;
	err = store_do(h->store, add_row, work_done, w);
	if (err) {
		h->kept = take(w->before);
		h->n_kept = n;
	} else {
		h->waiting++;
	}
	return err;
}

int history_add(struct history *h, const struct history_minute *m, const char *disk,
		history_fn done, void *ctx)
{
	const size_t len = disk ? strlen(disk) : 0;
	struct history_work *w;
	int err;

	if (h->waiting >= WAITING_MAX)
		return -EAGAIN;
	w = calloc(1, sizeof(*w) + len + 1);
	if (!w)
		return -ENOMEM;
	w->history = h;
	w->minute = *m;
	w->done = done;
	w->ctx = ctx;
	if (len)
		memcpy(w->disk, disk, len);
	err = hand_over(h, w);
	if (err)
		free(w);
	return err;
}

/* The last try: the newest of them takes the others along. */
static void write_kept(struct history *h)
{
	struct history_work **last = &h->kept, *w;

	if (!h->kept)
		return;
	while ((*last)->next)
		last = &(*last)->next;
	w = take(*last);
	h->n_kept--;
	if (hand_over(h, w))
		free(w);
}

bool history_close(struct history *h, unsigned int ms)
{
	bool in_time;

	if (!h)
		return true;
	write_kept(h);
	in_time = store_close_within(h->store, ms);
	free_works(h->kept);
	free(h);
	return in_time;
}

unsigned int history_kept(const struct history *h, uint64_t *ret_lost)
{
	*ret_lost = h->n_lost;
	return h->n_kept;
}

/* --- at once */

static int open_to_read(const char *directory, struct buf *why, sqlite3 **ret)
{
	const uint64_t end_ns = clock_monotonic_ns() + READ_WAIT_NS;
	char *path = NULL;
	int err = state_file_path(directory, HISTORY_FILE, why, &path);

	while (!err && (err = state_file_look(path, why, ret)) == -EBUSY &&
	       clock_monotonic_ns() < end_ns) {
		buf_reset(why);
		poll(NULL, 0, READ_LOOK_MS);
		err = 0;
	}
	free(path);
	return err;
}

static int read_all(const char *directory, struct reading *r, struct buf *why)
{
	sqlite3 *db = NULL;
	int err = open_to_read(directory, why, &db);

	if (err == -ENODATA)
		return 0;
	if (!err)
		err = each_row(db, r);
	if (err == -EPROTO)
		buf_add_str(why,
			    "it was made by an older isamon: restart the daemon (systemctl restart "
			    "isamon), and ask again");
	else if (db && err < 0)
		buf_printf(why, "%s (%s)", strerror(-err), sqlite3_errmsg(db));
	state_file_close(db, true);
	return err;
}

int history_read(const char *directory, int64_t from_s, int64_t until_s,
		 int (*fn)(const struct history_minute *m, void *ctx), void *ctx, struct buf *why)
{
	_cleanup_(buf_done) struct buf told = BUF_INIT(4096);
	struct reading r = { from_s, until_s, fn, ctx };
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/%s", directory, HISTORY_FILE);
	if (access(path, F_OK)) {
		err = -errno;
		if (err == -ENOENT)
			buf_printf(why, "there is no history %s: %s", path, strerror(-err));
		else
			buf_printf(why, "the history %s cannot be read: %s", path, strerror(-err));
		return err;
	}
	err = read_all(directory, &r, &told);
	if (err < 0)
		buf_printf(why, "the history %s cannot be read: %s%s", path,
			   told.len ? buf_str(&told) : strerror(-err),
			   err == -EUCLEAN ?
				   "; the daemon sets it aside with its next minute, and begins "
				   "a new one" :
				   "");
	return err;
}
