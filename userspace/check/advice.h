/* SPDX-License-Identifier: MIT */
/*
 * What `isamon advise` says: changes that what was measured speaks for. Each has its evidence, the change itself (a unified diff of the real file
 * where one was found), what is to be expected of it, and how to undo it. docs/advise.md lists them all.
 *
 * An advice that rests on the history wants enough of it: with less there is none, and that is said (struct advice_lack). Nothing here changes
 * anything.
 */
#ifndef ISAMON_ADVICE_H
#define ISAMON_ADVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "check/advice_host.h"
#include "check/advice_minutes.h"
#include "config/config.h"

#define ADVICE_MAX 64
#define ADVICE_TEXT_MAX 32768

struct advice {
	char *id; /* SUBJECT.WHAT, "workers.more" */
	char *title;
	char *evidence; /* lines, each of which ends with a newline */
	char *change;   /* likewise */
	char *effect, *undo;
	bool applies; /* isamon can do it: --apply ID */
};

/* What there is too little history for. */
struct advice_lack {
	const char *subject; /* static */
	int64_t need_s, have_s;
};

/* Zeroed is empty. */
struct advices {
	struct advice *list;
	size_t n;
	struct advice_lack lacks[ADVICE_MAX];
	size_t n_lacks;
};

/* All that advice is made from; owned by the caller. */
struct advice_case {
	const struct config *config;
	const char *config_path;              /* of its file */
	const struct advice_minutes *minutes; /* of the last days that are looked at */
	const struct advice_minutes *all;     /* of all that is kept */
	const struct advice_host *host;
	int64_t now_s;
};

/* A text that is not for a diff: with newlines where lines end. All are copied. */
struct advice_text {
	const char *id, *title;
	const struct buf *evidence, *change;
	const char *effect, *undo;
	bool applies;
};

/* Returns 0, -E2BIG (ADVICE_MAX), the error of a buffer, or -ENOMEM. */
int advices_add(struct advices *a, const struct advice_text *t);
void advices_done(struct advices *a);
/* NULL: there is none of that id. */
const struct advice *advices_find(const struct advices *a, const char *id);
/* An array of objects: id, title, evidence (an array of lines), change, effect, undo, applies. The caller frees; NULL: no memory. */
json_t *advices_to_json(const struct advices *a);

/* Every advice that @c speaks for, in the order of the table. Reads files of the host, blocks on them. Returns 0 or -errno. */
int advise(const struct advice_case *c, struct advices *ret);

#endif
