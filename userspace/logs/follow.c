/* SPDX-License-Identifier: MIT */
/*
 * A log that is followed: what it consists of, when it is looked at, and what was known before. What a look does is in
 * follow_look.c.
 * Invariant: files come and go only in a look, which is always called by the loop (or by follow_look()), never out of a reading.
 */
#include "logs/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "logs/follow_impl.h"

/* --- complaints */

static const char *reason(int err)
{
	switch (err) {
	case -ELOOP:
		return "it is reached by a symbolic link in a directory where others than root may write:"
		       " such a link is not followed";
	case -ESPIPE:
	case -EISDIR: return "it is no regular file";
	case -EBADMSG: return "it is no gzip file, or damaged";
	default: return strerror(-err);
	}
}

static void say_limit(struct follow *f)
{
	if (!f->open_told && !f->quiet)
		log_warning("log \"%s\": no more files can be opened; raise the limit of open files"
			    " (LimitNOFILE=, systemctl edit isamon); they are tried again",
			    f->config->name);
	f->open_told = true;
}

static void say_refused(struct follow *f, const char *path, int err)
{
	char plain[512];

	if (f->quiet || table_get(f->said, path, strlen(path)))
		return;
	utf8_make_plain(path, strlen(path), plain, sizeof(plain));
	log_warning("log \"%s\": cannot read %s: %s; it is tried again", f->config->name, plain,
		    reason(err));
	if (table_count(f->said) < FOLLOW_FILES_MAX)
		table_put(f->said, path, strlen(path), f);
}

void follow_complain(struct follow *f, const char *path, int err)
{
	const uint64_t now_ns = clock_monotonic_ns();

	if (table_get(f->complaints, path, strlen(path)))
		return;
	/* Whoever changes a file all the time does not fill the log of isamon. */
	if (now_ns - f->said_ns > FOLLOW_SAY_AGAIN_MS * NS_PER_MS) {
		table_clear(f->said, NULL);
		f->said_ns = now_ns;
	}
	if (err == -EMFILE || err == -ENFILE)
		say_limit(f);
	else
		say_refused(f, path, err);
	/* Without memory it is told again. */
	if (table_count(f->complaints) < FOLLOW_FILES_MAX)
		table_put(f->complaints, path, strlen(path), f);
}

void follow_say_full(struct follow *f)
{
	if (!f->full_told)
		log_warning("log \"%s\": more than %d files match: the others are passed over",
			    f->config->name, FOLLOW_FILES_MAX);
	f->full_told = true;
}

void follow_content(struct follow *f, const char *path)
{
	table_remove(f->complaints, path, strlen(path));
}

/* --- what is known of files that are not followed */

static struct known *known_new(struct follow *f)
{
	size_t oldest = 0;

	if (f->n_known == f->known_room && f->n_known < FOLLOW_KNOWN_MAX) {
		size_t room = f->known_room ? 2 * f->known_room : 16;
		struct known *list = realloc(f->known, room * sizeof(*list));

		if (!list)
			return NULL;
		f->known = list;
		f->known_room = room;
	}
	if (f->n_known == f->known_room) {
		for (size_t i = 1; i < f->n_known; i++)
			if (f->known[i].seen_s < f->known[oldest].seen_s)
				oldest = i;
		follow_known_drop(f, &f->known[oldest]);
	}
	return &f->known[f->n_known];
}

/* The path of which @path, or what it was rotated away from, is one. NULL: no memory. */
static char *live_of(const struct follow *f, const char *path)
{
	char live[PATH_MAX];

	for (size_t i = 0; i < f->config->n_paths; i++)
		if (follow_names_live(path, f->config->paths[i], f->config->olddir, live))
			return strdup(live);
	return strdup(path);
}

static int known_load(struct follow *f, const struct position *p)
{
	struct known *k;
	char *live;

	if (p->cursor[0] || p->fingerprint_len > FINGERPRINT_MAX || p->tail_len > TAIL_MAX ||
	    p->tail_len > p->offset)
		return 0;
	live = live_of(f, p->path);
	k = live ? known_new(f) : NULL;
	if (!k) {
		free(live);
		return -ENOMEM;
	}
	*k = (struct known){ .id = p->id,
			     .device = p->device,
			     .inode = p->inode,
			     .seen_s = p->seen_s,
			     .was_live = strcmp(live, p->path) == 0,
			     .live = live };
	k->mark.print.len = p->fingerprint_len;
	memcpy(k->mark.print.hash, p->fingerprint, sizeof(k->mark.print.hash));
	k->mark.offset = p->offset;
	k->mark.tail_len = p->tail_len;
	memcpy(k->mark.tail, p->tail, sizeof(k->mark.tail));
	if (p->seen_s > f->known_seen_s)
		f->known_seen_s = p->seen_s;
	f->n_known++;
	return 0;
}

void follow_known_add(struct follow *f, const struct followed *d)
{
	char *live = strdup(d->live);
	struct known *k = live ? known_new(f) : NULL;

	if (!k) {
		free(live);
		return;
	}
	*k = (struct known){ .id = d->id,
			     .device = d->device,
			     .inode = d->inode,
			     .mark = followed_mark(d),
			     .seen_s = f->looked_ns / 1000000000,
			     .ended = true,
			     .live = live };
	f->n_known++;
}

void follow_known_drop(struct follow *f, struct known *k)
{
	free(k->live);
	*k = f->known[--f->n_known];
}

/* --- when it is looked at */

void follow_soon(struct follow *f)
{
	const struct timeval now = { 0 };

	if (!evtimer_pending(f->soon, NULL))
		evtimer_add(f->soon, &now);
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	follow_look(ctx);
}

static void on_written(const char *directory, const char *name, void *ctx)
{
	const struct timeval now = { 0 };
	struct follow *f = ctx;
	struct followed *d;
	char path[PATH_MAX];
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
		     name);
	if (n >= (int)sizeof(path))
		return;
	d = table_get(f->by_path, path, (size_t)n);
	if (!d)
		return;
	d->at_end = false;
	if (!evtimer_pending(f->written, NULL))
		evtimer_add(f->written, &now);
}

/* Where names have changed, too, the look tells: what was rotated away comes first. */
static void on_touched(evutil_socket_t fd, short what, void *ctx)
{
	struct follow *f = ctx;
	struct followed *d;

	(void)fd;
	(void)what;
	if (evtimer_pending(f->soon, NULL))
		return;
	TAILQ_FOREACH(d, &f->files, entry)
	followed_tell(d);
}

/* Whether @name of @directory may be a name of @path. A directory may also be one on the way to it. */
static bool concerns(const char *path, const char *directory, const char *name)
{
	const size_t n = (size_t)(strrchr(path, '/') - path);

	if (strcspn(path, "*?[") < n || strlen(directory) != n || strncmp(path, directory, n) != 0)
		return true;
	return follow_names_concerns(path, name);
}

static void on_changed(const char *directory, const char *name, void *ctx)
{
	struct follow *f = ctx;

	for (size_t i = 0; i < f->config->n_paths; i++)
		if (!directory || !name || concerns(f->config->paths[i], directory, name)) {
			follow_soon(f);
			return;
		}
}

/* --- new and free */

static void follow_freep(struct follow **f)
{
	follow_free(*f);
}

static int parts_new(struct follow *f, struct event_base *base)
{
	const struct follow_watch_hooks hooks = { on_written, on_changed, f };
	int err;

	f->by_inode = table_new();
	f->by_path = table_new();
	f->complaints = table_new();
	f->said = table_new();
	f->poll = evtimer_new(base, on_time, f);
	f->soon = evtimer_new(base, on_time, f);
	f->written = evtimer_new(base, on_touched, f);
	if (!f->written || !f->by_inode || !f->by_path || !f->complaints || !f->said || !f->poll ||
	    !f->soon)
		return -ENOMEM;
	err = follow_watch_new(base, &hooks, &f->watch);
	if (err == -ENOMEM)
		return err;
	if (err) {
		log_warning("log \"%s\": inotify does not work (%s): it is looked at every"
			    " second instead",
			    f->config->name, strerror(-err));
		f->watch_told = true;
	}
	return 0;
}

int follow_new(struct event_base *base, const struct config_log *c, const struct position *known,
	       size_t n_known, const struct follow_hooks *hooks, struct buf *why,
	       struct follow **ret)
{
	_cleanup_(follow_freep) struct follow *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	if (f) {
		*f = (struct follow){ .config = c,
				      .hooks = *hooks,
				      .first = true,
				      .open_max = FOLLOW_OPEN_MAX,
				      .said_ns = clock_monotonic_ns() };
		TAILQ_INIT(&f->files);
		err = parts_new(f, base);
	}
	for (size_t i = 0; i < n_known && !err; i++)
		err = known_load(f, &known[i]);
	if (err) {
		buf_printf(why, "cannot follow the log \"%s\": %s", c->name, strerror(-err));
		return err;
	}
	follow_soon(f);
	*ret = take(f);
	return 0;
}

void follow_set_quiet(struct follow *f)
{
	f->quiet = true;
}

void follow_set_open_max(struct follow *f, size_t n)
{
	f->open_max = n < FOLLOW_OPEN_MAX ? n : FOLLOW_OPEN_MAX;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	while (!TAILQ_EMPTY(&f->files))
		followed_free(TAILQ_FIRST(&f->files));
	while (f->n_known)
		follow_known_drop(f, &f->known[f->n_known - 1]);
	free(f->known);
	follow_watch_free(f->watch);
	if (f->poll)
		event_free(f->poll);
	if (f->soon)
		event_free(f->soon);
	if (f->written)
		event_free(f->written);
	table_free(f->by_inode, NULL);
	table_free(f->by_path, NULL);
	table_free(f->complaints, NULL);
	table_free(f->said, NULL);
	free(f);
}

void follow_stats(const struct follow *f, struct follow_stats *ret)
{
	const struct followed *d;

	*ret = (struct follow_stats){ .files = f->n_files,
				      .lost_bytes = f->lost_bytes,
				      .unreadable = f->unreadable };
	TAILQ_FOREACH(d, &f->files, entry)
	{
		ret->unreadable += d->failed;
		if (d->size > d->offset)
			ret->backlog_bytes += d->size - d->offset;
	}
}
