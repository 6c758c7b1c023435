/* SPDX-License-Identifier: MIT */
/*
 * inotify(7) on directories: says when to look, at most FOLLOW_WATCH_RATE_MS apart, so that a file that is written all the
 * time costs some wake-ups a second. Where inotify does not work (fs.inotify.max_user_watches, NFS), whoever uses it polls.
 */
#ifndef ISAMON_FOLLOW_WATCH_H
#define ISAMON_FOLLOW_WATCH_H

#include <event2/event.h>
#include <stdbool.h>

#define FOLLOW_WATCH_RATE_MS 50

struct follow_watch;

struct follow_watch_hooks {
	/* @name of @directory was written to. */
	void (*written)(const char *directory, const char *name, void *ctx);
	/* It came, or went. Without a name: anything may have happened. */
	void (*changed)(const char *directory, const char *name, void *ctx);
	void *ctx;
};

/* Returns 0 or -errno; -EMFILE: fs.inotify.max_user_instances. */
int follow_watch_new(struct event_base *base, const struct follow_watch_hooks *hooks,
		     struct follow_watch **ret);
void follow_watch_free(struct follow_watch *w);

/* From here on until follow_watch_end() those that are wanted are named; the others are given up. */
void follow_watch_begin(struct follow_watch *w);
/* If it is not there, the nearest of those above it. Returns 0 or -errno; -ENOSPC: fs.inotify.max_user_watches. */
int follow_watch_want(struct follow_watch *w, const char *directory);
void follow_watch_end(struct follow_watch *w);

#endif
