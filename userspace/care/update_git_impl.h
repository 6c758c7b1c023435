/* SPDX-License-Identifier: MIT */
/* One run of git, for care/update_git.c. All block until git has ended, or its time is over. */
#ifndef ISAMON_UPDATE_GIT_IMPL_H
#define ISAMON_UPDATE_GIT_IMPL_H

#include "care/update_git.h"

#define GIT_OUT_MAX (8u << 20)
#define GIT_ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What git says of @args (NULL behind them) is appended to @out; @variable: one more of the environment, NAME=VALUE; NULL: none. Returns as update_run(). */
int git_ask(const struct update_git *g, const char *variable, const char *const *args,
	    struct buf *out);
/* Appends why @result, of git_ask(), is no success, and what may help. Returns -errno. */
int git_failed(const struct update_git *g, const char *what, int result, const struct buf *out,
	       struct buf *why);
/* As git_ask(), where another exit status than 0 is an error: then why. Returns 0 or -errno. */
int git_run(const struct update_git *g, const char *what, const char *const *args, struct buf *out,
	    struct buf *why);
int git_quietly(const struct update_git *g, const char *what, const char *const *args,
		struct buf *why);
/* The first line of what it says. Returns 0; -ENOENT: git says that there is no such thing; -ENAMETOOLONG, or another -errno. */
int git_line(const struct update_git *g, const char *const *args, char *ret, size_t size);

#endif
