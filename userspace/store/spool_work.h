/* SPDX-License-Identifier: MIT */
/* What is done with the spool, as spool.h says it. For the store's thread; everything blocks on the disk. */
#ifndef ISAMON_SPOOL_WORK_H
#define ISAMON_SPOOL_WORK_H

#include "store/spool_rows.h"

/* What spool_work_take() gives. */
struct spool_taken {
	struct spool_minute *minutes;
	void **payloads; /* theirs, owned */
	size_t n;
	int err; /* 0, or why there are none */
};

void spool_taken_done(struct spool_taken *t);

/* Returns 0 or -errno; -ENOSPC, if even dropping the oldest did not make room. */
int spool_work_add(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits, int64_t id,
		   int64_t start_s, const void *payload, size_t n);

/* Returns 0, or the error of a write; the minutes are given all the same, unless it is -EUCLEAN. */
int spool_work_take(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		    enum spool_order order, size_t max_minutes, size_t max_bytes,
		    struct spool_taken *ret);

/* They leave the spool (@gone), or wait again (SPOOL_STAYS). Returns 0 or -errno; what cannot be written now is written by a later
 * call. */
int spool_work_end(struct spool_rows *r, sqlite3 *db, const int64_t *ids, size_t n,
		   enum spool_gone gone, bool maybe_sent);

/* Drops what is too old or too much. Returns 0 or -errno. */
int spool_work_limit(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits);

#endif
