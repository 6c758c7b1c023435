/* SPDX-License-Identifier: MIT */
/* The few things that users of jansson have in common. */
#ifndef ISAMON_JSON_H
#define ISAMON_JSON_H

#include <jansson.h>

#include "base/buf.h"

/* For _cleanup_(json_freep) json_t *j = NULL. */
void json_freep(json_t **j);

/*
 * From now on json_parse() knows whether memory was short. jansson (2.14) does not tell: it calls it wrong syntax then (and where it is a buffer
 * of its own that cannot grow, there is no telling what it does). Once, before there are threads, and before anything else of jansson.
 */
void json_watch_memory(void);
/* Parses @n bytes, @flags as for json_loadb(3). Returns 0, with what the caller owns; -EBADMSG: they are no JSON; -ENOMEM. */
int json_parse(const char *text, size_t n, size_t flags, json_t **ret);

/* Appends @j as text, @flags as for json_dumps(3). Returns 0, the buffer's error, or -ENOMEM. */
int json_add_text(const json_t *j, size_t flags, struct buf *out);

/* The text of a member; @otherwise if it is not there or none. Owned by @object, or the caller. */
const char *json_member_text(const json_t *object, const char *key, const char *otherwise);

#endif
