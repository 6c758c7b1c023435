/* SPDX-License-Identifier: MIT */
/* What a check has found: for `isamon doctor` and `isamon audit`. */
#ifndef ISAMON_FINDING_H
#define ISAMON_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

#define FINDINGS_MAX 2000

enum finding_result {
	FINDING_FINE,
	FINDING_NOTE,    /* worth knowing; nothing is wrong. Of an audit: low */
	FINDING_WARNING, /* may be a problem, or will be one. Medium */
	FINDING_PROBLEM, /* is one now. High */
	FINDING_UNKNOWN, /* could not be looked at; the evidence says why */
};

/* What a check says. Texts are plain, one line each. */
struct finding_text {
	const char *id; /* of the check: AREA.CHECK, "service.health" */
	const char
		*subject; /* what it is about: a path, an address; NULL: the only one of its id */
	enum finding_result result;
	const char *meaning; /* what follows from it; NULL: nothing */
	const char *remedy;  /* what to do; NULL: nothing */
	const char
		*fix; /* the repair that `--fix` may do, by its name in check/fix.h; NULL: none */
};

/* The same, kept; "" where there was NULL. id and subject together name it: runs are compared by them. */
struct finding {
	char *id, *subject, *evidence, *meaning, *remedy, *fix;
	enum finding_result result;
};

/* Zeroed is empty. At most FINDINGS_MAX; @more: there were more. */
struct findings {
	struct finding *list;
	size_t n, size;
	bool more;
};

/* Adds a copy, with what was seen: one line, of which 1 KiB is kept; what is not plain UTF-8 is a question mark. Returns 0 or -ENOMEM. */
int findings_add(struct findings *f, const struct finding_text *t, const char *evidence, ...)
	_printf_(3, 4);
void findings_done(struct findings *f);
/* Brings those of @from behind those of @to, and empties it. Returns 0 or -ENOMEM (@from is emptied then, too). */
int findings_move(struct findings *to, struct findings *from);

/* The worst of them: PROBLEM before WARNING before UNKNOWN before NOTE before FINE. */
enum finding_result findings_worst(const struct findings *f);
/* "fine", "note", "warning", "problem", "unknown". */
const char *finding_result_name(enum finding_result r);

/* An array of objects: id, subject, result, evidence, meaning, remedy, fix; what is "" is left out, but id, result and evidence. The
 * caller frees; NULL: no memory. */
json_t *findings_to_json(const struct findings *f);
/* Appends what findings_to_json() made, and maybe another version of it. Returns 0, -EINVAL (it is none) or -ENOMEM; @f has then what
 * came before that. */
int findings_from_json(const json_t *array, struct findings *f);

#endif
