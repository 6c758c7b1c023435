/* SPDX-License-Identifier: MIT */
/*
 * A look: which names there are; which files they are; what became of those that have none; who may be read.
 * The order matters: a file is left (its bytes are others now) before a copy is looked for, a copy is found before anything
 * counts as new.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "logs/follow_impl.h"

#define MS 1000000ull

/* --- names */

static void on_directory(const char *path, void *ctx)
{
	struct follow *f = ctx;
	int err = f->watch ? follow_watch_want(f->watch, path) : 0;

	if (!err || f->watch_told || (err != -ENOSPC && err != -ENOMEM))
		return;
	log_warning("log \"%s\": inotify does not take %s (%s): it is looked at every second"
		    " instead",
		    f->config->name, path,
		    err == -ENOSPC ? "fs.inotify.max_user_watches" : strerror(-err));
	f->watch_told = true;
}

static void on_refused(const char *path, int err, void *ctx)
{
	struct follow *f = ctx;

	f->unreadable++;
	follow_complain(f, path, err);
}

static int names_find(struct follow *f, struct follow_names *names)
{
	const struct follow_names_hooks hooks = { on_directory, on_refused, f };
	int err = 0;

	f->unreadable = 0;
	if (f->watch)
		follow_watch_begin(f->watch);
	for (size_t i = 0; i < f->config->n_paths && !err; i++)
		err = follow_names_add(names, f->config->paths[i], f->config->olddir, &hooks);
	if (f->watch)
		follow_watch_end(f->watch);
	if (names->cut && !f->full_told)
		log_warning("log \"%s\": more than %d files match: the others are passed over",
			    f->config->name, FOLLOW_NAMES_MAX);
	f->full_told |= names->cut;
	return err;
}

/* Changes whenever a name comes, goes, or is another file. */
static uint64_t names_sum(const struct follow_names *names)
{
	uint64_t sum = names->n;

	for (size_t i = 0; i < names->n; i++) {
		const struct follow_name *n = &names->list[i];
		uint64_t one = n->inode * 31 + (n->is_live ? 0 : n->size);

		for (const char *c = n->path; *c; c++)
			one = one * 1099511628211u + (unsigned char)*c;
		sum += one;
	}
	return sum;
}

/* --- files that are known */

static int file_seen(struct followed *d, struct follow_name *n)
{
	/* Of two names, the log's own counts. */
	if (d->named && !n->is_live)
		return 0;
	d->named = true;
	d->over = !n->is_live;
	n->user = d;
	if (n->mtime_ns != d->mtime_ns || (!d->is_gzip && n->size != d->offset))
		d->at_end = false;
	if (n->mtime_ns != d->mtime_ns)
		d->quiet_ns = clock_monotonic_ns();
	d->mtime_ns = n->mtime_ns;
	/* One that shrank shows when it is read whether it is another one; until then size is what there was. */
	if (!d->is_gzip && n->size < d->offset)
		d->cut = true;
	else if (!d->is_gzip && n->size > d->size)
		d->size = n->size;
	return followed_rename(d, n);
}

static int files_see(struct follow *f, struct follow_names *names)
{
	struct followed *d;
	int err = 0;

	TAILQ_FOREACH(d, &f->files, entry)
	d->named = false;
	for (size_t i = 0; i < names->n && !err; i++) {
		struct follow_name *n = &names->list[i];
		const uint64_t key[] = { n->device, n->inode };

		if (n->err)
			continue;
		d = table_get(f->by_inode, key, sizeof(key));
		if (!d)
			continue;
		n->user = d;
		err = file_seen(d, n);
	}
	return err;
}

static bool can_check(struct followed *d)
{
	if (d->state != FOLLOWED_HERE || d->is_gzip || d->cut)
		return false;
	return d->named ? !d->at_end && !followed_open(d) : d->source.fd >= 0;
}

/* Before anything is compared with a file: it may have other bytes by now, or more, where it was too short to say much of it. */
static void files_check(struct follow *f)
{
	struct followed *d;

	TAILQ_FOREACH(d, &f->files, entry)
	if (can_check(d) && !followed_check(d))
		d->cut = true;
}

static void names_release(struct follow_names *names, const struct followed *d)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->list[i].user == d)
			names->list[i].user = NULL;
}

static void files_leave(struct follow *f, struct follow_names *names)
{
	struct followed *d;

	TAILQ_FOREACH(d, &f->files, entry)
	{
		if (d->state != FOLLOWED_HERE)
			continue;
		if (!d->cut && !d->named && d->source.fd >= 0) {
			d->over = true;
			d->size = d->is_gzip ? d->size : source_size(&d->source);
			if (!d->is_gzip && d->size > d->offset)
				d->at_end = false;
		} else if (d->cut || !d->named) {
			names_release(names, d);
			followed_leave(d);
			/* An archive that was read, and that is used again for the next one. */
			if (d->was_over && d->size <= d->offset) {
				d->state = FOLLOWED_DEAD;
				d->at_end = true;
			}
		}
	}
}

/* --- the end of files */

static bool is_quiet(const struct followed *d, uint64_t now_ns)
{
	return d->at_end && now_ns - d->quiet_ns > FOLLOW_LINGER_MS * MS;
}

static void file_go(struct followed *d)
{
	struct follow *f = d->follow;

	follow_known_add(f, d);
	f->hooks.gone(d, f->hooks.ctx);
	followed_free(d);
}

/* One whose bytes are gone had maybe none that were not read. */
static void search_end(struct followed *d)
{
	if (d->size > d->offset || d->was_cut) {
		followed_lose(d);
		return;
	}
	d->state = FOLLOWED_DEAD;
	d->at_end = true;
}

static void file_end(struct followed *d, uint64_t now_ns)
{
	if (d->state == FOLLOWED_SEARCH && now_ns - d->search_ns > FOLLOW_SEARCH_MS * MS)
		search_end(d);
	if (d->state == FOLLOWED_DEAD && d->done >= d->offset) {
		file_go(d);
		return;
	}
	if (d->state != FOLLOWED_HERE || !is_quiet(d, now_ns) || d->done < d->offset)
		return;
	if (!d->named)
		file_go(d);
	else if (d->over)
		followed_let_go(d);
}

/* --- who may be read */

static int by_age(const void *a, const void *b)
{
	const struct followed *x = *(struct followed *const *)a, *y = *(struct followed *const *)b;
	int diff = strcmp(x->live, y->live);

	if (diff)
		return diff;
	if (x->over != y->over)
		return x->over ? -1 : 1;
	diff = (x->mtime_ns > y->mtime_ns) - (x->mtime_ns < y->mtime_ns);
	/* Within a tick of the clock: application.log.2 is older than application.log.1. */
	return diff ? diff : strverscmp(y->path, x->path);
}

/* What was rotated away comes before what is written now. Without memory for it, all at once. */
static void files_order(struct follow *f)
{
	struct followed **list = calloc(f->n_files ? f->n_files : 1, sizeof(struct followed *));
	struct followed *d;
	size_t n = 0;

	TAILQ_FOREACH(d, &f->files, entry)
	{
		d->before = NULL;
		d->waited_for = false;
		if (list && !d->at_end)
			list[n++] = d;
	}
	if (list)
		qsort(list, n, sizeof(struct followed *), by_age);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(list[i]->live, list[i - 1]->live) != 0)
			continue;
		list[i]->before = list[i - 1];
		list[i - 1]->waited_for = true;
	}
	free(list);
}

static void poll_next(struct follow *f)
{
	const struct followed *d;
	int ms = f->watch && !f->watch_told ? FOLLOW_POLL_MS : FOLLOW_POLL_ALONE_MS;
	struct timeval rest;

	TAILQ_FOREACH(d, &f->files, entry)
	if (d->state == FOLLOWED_SEARCH)
		ms = FOLLOW_POLL_SEARCH_MS;
	rest = (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	evtimer_add(f->poll, &rest);
}

/* Whether it is the one that was written when an earlier isamon saw the log last, as far as that is known. */
static bool was_last(const struct follow *f, const struct known *k)
{
	const struct followed *d;

	TAILQ_FOREACH(d, &f->files, entry)
	if (d->seen_s >= k->seen_s && strcmp(d->live, k->live) == 0)
		return false;
	for (size_t i = 0; i < f->n_known; i++)
		if (&f->known[i] != k && f->known[i].seen_s >= k->seen_s &&
		    strcmp(f->known[i].live, k->live) == 0)
			return false;
	return k->was_live && k->mark.offset && !k->ended;
}

/* How much of it was never read nobody knows: so it is told, and not counted. */
static void missing_tell(const struct follow *f)
{
	char plain[512];

	for (size_t i = 0; i < f->n_known; i++) {
		const struct known *k = &f->known[i];

		if (!was_last(f, k))
			continue;
		utf8_make_plain(k->live, strlen(k->live), plain, sizeof(plain));
		log_warning("log \"%s\": what was %s when isamon ended is found under no name:"
			    " what was written to it behind byte %llu, if anything, is not"
			    " read; if it was rotated to another directory, olddir = names it",
			    f->config->name, plain, (unsigned long long)k->mark.offset);
	}
}

static int look(struct follow *f, struct follow_names *names)
{
	uint64_t sum;
	int err;

	err = names_find(f, names);
	if (!err)
		err = files_see(f, names);
	if (err)
		return err;
	files_check(f);
	files_leave(f, names);
	sum = names_sum(names);
	f->incomplete = false;
	err = follow_match(f, names, sum != f->names_sum);
	f->names_sum = f->incomplete ? 0 : sum;
	if (!err && f->first && !f->incomplete && !f->unreadable)
		missing_tell(f);
	return err;
}

void follow_look(struct follow *f)
{
	struct follow_names names = { 0 };
	const int64_t began_ns = (int64_t)clock_realtime_ns();
	struct followed *d, *next;
	uint64_t now_ns;
	int err;

	evtimer_del(f->soon);
	err = look(f, &names);
	follow_names_done(&names);
	if (err && err != f->look_err)
		log_warning("log \"%s\": its files cannot be looked for: %s; it is tried again",
			    f->config->name, strerror(-err));
	f->look_err = err;
	if (!err)
		f->first = false;
	if (!err && !f->incomplete)
		f->looked_ns = began_ns;
	now_ns = clock_monotonic_ns();
	for (d = TAILQ_FIRST(&f->files); d; d = next) {
		next = TAILQ_NEXT(d, entry);
		file_end(d, now_ns);
	}
	files_order(f);
	TAILQ_FOREACH(d, &f->files, entry)
	followed_tell(d);
	poll_next(f);
}
