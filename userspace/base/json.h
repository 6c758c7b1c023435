/* SPDX-License-Identifier: MIT */
/* The few things that users of jansson have in common. */
#ifndef ISAMON_JSON_H
#define ISAMON_JSON_H

#include <jansson.h>

#include "base/buf.h"

/* For _cleanup_(json_freep) json_t *j = NULL. */
void json_freep(json_t **j);

/* Appends @j as text, @flags as for json_dumps(3). Returns 0, the buffer's error, or -ENOMEM. */
int json_add_text(const json_t *j, size_t flags, struct buf *out);

/* The text of a member; @otherwise if it is not there or none. Owned by @object, or the caller. */
const char *json_member_text(const json_t *object, const char *key, const char *otherwise);

#endif
