/* SPDX-License-Identifier: MIT */
/*
 * One inotify descriptor. inotify_add_watch(2) for a directory that is watched gives the same watch again, and another one if the
 * name is another directory by now: so all are wanted anew at each look.
 */
#include "logs/follow_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

#define CAME_OR_WENT (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)
#define IS_GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW)
#define READS_AT_ONCE 16

struct watched {
	int wd;
	bool wanted;
	char *path;
};

struct follow_watch {
	struct follow_watch_hooks hooks;
	int fd;
	struct event *readable, *again;
	struct watched *list;
	size_t n, room;
	char bytes[32768] __attribute__((aligned(8)));
};

static const char *path_of(const struct follow_watch *w, int wd)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].wd == wd)
			return w->list[i].path;
	return NULL;
}

static void tell(struct follow_watch *w, const struct inotify_event *e)
{
	const char *path = path_of(w, e->wd);

	/* IN_IGNORED of one that was given up here. */
	if (!path && !(e->mask & IN_Q_OVERFLOW))
		return;
	if (e->mask & IS_GONE)
		w->hooks.changed(path, NULL, w->hooks.ctx);
	else if (e->len && e->mask & CAME_OR_WENT)
		w->hooks.changed(path, e->name, w->hooks.ctx);
	else if (e->len)
		w->hooks.written(path, e->name, w->hooks.ctx);
}

/* Returns whether there may be more. */
static bool read_some(struct follow_watch *w)
{
	const struct inotify_event *e;
	ssize_t n = read(w->fd, w->bytes, sizeof(w->bytes));

	if (n <= 0)
		return false;
	for (const char *at = w->bytes; at < w->bytes + n; at += sizeof(*e) + e->len) {
		e = (const struct inotify_event *)(const void *)at;
		tell(w, e);
	}
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	const struct timeval rest = { .tv_usec = FOLLOW_WATCH_RATE_MS * 1000 };
	struct follow_watch *w = ctx;

	(void)fd;
	(void)what;
	for (int i = 0; i < READS_AT_ONCE && read_some(w); i++)
		;
	event_del(w->readable);
	event_add(w->again, &rest);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	struct follow_watch *w = ctx;

	(void)fd;
	(void)what;
	event_add(w->readable, NULL);
}

static void follow_watch_freep(struct follow_watch **w)
{
	follow_watch_free(*w);
}

int follow_watch_new(struct event_base *base, const struct follow_watch_hooks *hooks,
		     struct follow_watch **ret)
{
	_cleanup_(follow_watch_freep) struct follow_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->hooks = *hooks;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	w->readable = event_new(base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	w->again = evtimer_new(base, on_again, w);
	if (!w->readable || !w->again || event_add(w->readable, NULL))
		return -ENOMEM;
	*ret = take(w);
	return 0;
}

void follow_watch_free(struct follow_watch *w)
{
	if (!w)
		return;
	if (w->readable)
		event_free(w->readable);
	if (w->again)
		event_free(w->again);
	file_closep(&w->fd);
	for (size_t i = 0; i < w->n; i++)
		free(w->list[i].path);
	free(w->list);
	free(w);
}

static int watched_add(struct follow_watch *w, int wd, const char *path)
{
	struct watched *one = NULL;
	char *copy;

	for (size_t i = 0; i < w->n && !one; i++)
		if (w->list[i].wd == wd)
			one = &w->list[i];
	if (one && strcmp(one->path, path) == 0) {
		one->wanted = true;
		return 0;
	}
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	if (one) {
		free(one->path);
	} else {
		if (w->n == w->room) {
			size_t room = w->room ? 2 * w->room : 8;
			struct watched *list = realloc(w->list, room * sizeof(*list));

			if (!list) {
				free(copy);
				return -ENOMEM;
			}
			w->list = list;
			w->room = room;
		}
		one = &w->list[w->n++];
	}
	*one = (struct watched){ .wd = wd, .wanted = true, .path = copy };
	return 0;
}

void follow_watch_begin(struct follow_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->list[i].wanted = false;
}

int follow_watch_want(struct follow_watch *w, const char *directory)
{
	char path[PATH_MAX];
	char *slash;
	int wd;

	if (snprintf(path, sizeof(path), "%s", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (;;) {
		wd = inotify_add_watch(w->fd, path,
				       CAME_OR_WENT | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF |
					       IN_ONLYDIR);
		if (wd >= 0)
			return watched_add(w, wd, path);
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		slash = strrchr(path, '/');
		if (!slash || !path[1])
			return -ENOENT;
		slash[slash == path] = '\0';
	}
}

void follow_watch_end(struct follow_watch *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (w->list[i].wanted) {
			w->list[n++] = w->list[i];
			continue;
		}
		inotify_rm_watch(w->fd, w->list[i].wd);
		free(w->list[i].path);
	}
	w->n = n;
}
