/* SPDX-License-Identifier: MIT */
/*
 * A hash table from a byte string to a pointer.
 *
 * The table copies its keys and never touches its values. Seeded at random per table, so that keys
 * chosen by a stranger (paths) cannot be made to collide. Growth moves slots, never values.
 */
#ifndef ISAMON_TABLE_H
#define ISAMON_TABLE_H

#include <stddef.h>

struct table;

/* Returns NULL if there is no memory. */
struct table *table_new(void);
/* Calls free_value (if any) for each value, then frees the table. NULL is fine. */
void table_free(struct table *t, void (*free_value)(void *));

size_t table_count(const struct table *t);
/* The value, or NULL. */
void *table_get(const struct table *t, const void *key, size_t key_len);
/* Adds, or replaces (the old value is forgotten, not freed). @value may not be NULL. Returns 0 or
 * -ENOMEM (nothing changed). */
int table_put(struct table *t, const void *key, size_t key_len, void *value);
/* Takes the key out and returns its value, or NULL. */
void *table_remove(struct table *t, const void *key, size_t key_len);
/* Empties it, calling free_value (if any) for each. */
void table_clear(struct table *t, void (*free_value)(void *));

#endif
