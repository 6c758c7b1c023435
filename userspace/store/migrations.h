/* SPDX-License-Identifier: MIT */
/*
 * The state file's schema, version by version (PRAGMA user_version): version 0 is an empty file, and entry n of the
 * table makes version n + 1 of version n. An entry that was released is never changed; a new one is added.
 */
#ifndef ISAMON_MIGRATIONS_H
#define ISAMON_MIGRATIONS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* What we write into application_id: "isam". */
#define MIGRATIONS_APPLICATION_ID 0x6973616d

/* The SQL text of each entry. */
const char *const *migrations_list(size_t *ret_n);

/*
 * Brings @db to version @n by the entries of @list, each in a transaction of its own, so that an isamon that is
 * killed goes on where it stopped. Returns 0; -ENOTSUP: the file is of a later version (nothing was changed), which is in
 * *ret_version; another -errno.
 */
int migrations_run(sqlite3 *db, const char *const *list, size_t n, int64_t *ret_version);

#endif
