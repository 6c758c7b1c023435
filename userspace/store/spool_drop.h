/* SPDX-License-Identifier: MIT */
/* What leaves the spool unsent: the oldest, counted, and told once an hour. For the store's thread. */
#ifndef ISAMON_SPOOL_DROP_H
#define ISAMON_SPOOL_DROP_H

#include "store/spool_rows.h"

/* What is too old, and what is too much if @more bytes are added. Returns 0 or -errno. */
int spool_drop_beyond(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		      uint64_t more);

/* The oldest @n (or fewer), because the disk is full. Returns 0; -ENOSPC: none waits; another -errno. */
int spool_drop_oldest(struct spool_rows *r, sqlite3 *db, size_t n);

#endif
