/* SPDX-License-Identifier: MIT */
/* From the text of a value to the field of a struct, by a row of the schema. */
#ifndef ISAMON_VALUE_H
#define ISAMON_VALUE_H

#include "base/buf.h"
#include "config/schema.h"

/*
 * Sets the field of @into that @k describes; SCHEMA_STRINGS: appends to it. Returns 0; -EINVAL:
 * not of the type; -ERANGE: of the type, but outside its range; -ENOMEM. On an error the field is
 * as it was, and unless it is -ENOMEM "what is wrong; what to write" is appended to @why (may be
 * NULL).
 */
int value_set(const struct schema_key *k, void *into, const char *text, struct buf *why);

/* How many strings SCHEMA_STRINGS has; 0 for every other type. */
size_t value_count(const struct schema_key *k, const void *into);

/* Empties a list; frees and forgets a string; nothing for other types. */
void value_clear(const struct schema_key *k, void *into);

/* For the keys of @section, or where it is NULL of all sections without label: sets the defaults
 * of a zeroed @into (returns 0 or -ENOMEM), frees what the fields own. */
int value_set_initial(const struct schema *s, const char *section, void *into);
void value_clear_all(const struct schema *s, const char *section, void *into);

#endif
