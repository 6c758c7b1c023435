/* SPDX-License-Identifier: MIT */
/* The spool in the state file: what spool.h says, said in SQL. For the store's thread; everything blocks on the disk. */
#ifndef ISAMON_SPOOL_ROWS_H
#define ISAMON_SPOOL_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/spool.h"
#include "store/spool_age.h"
#include "store/spool_marks.h"

enum spool_drop { SPOOL_DROP_AGE, SPOOL_DROP_SIZE, SPOOL_DROP_FULL, SPOOL_DROPS };

struct spool_rows {
	struct spool_marks marks;
	struct spool_age age;
	struct spool_stats stats; /* of what is committed */
	int64_t told_s
		[SPOOL_DROPS]; /* CLOCK_BOOTTIME, when it was last told that some are dropped; 0: never */
	unsigned int births; /* store_births(), when it was loaded */
	bool loaded;
};

/* What is given by spool_rows_take(). */
struct spool_taken {
	struct spool_minute *minutes;
	void **payloads; /* theirs, owned */
	size_t n;
	int err; /* 0, or why there are none */
};

/* Returns 0 or -ENOMEM. */
int spool_rows_init(struct spool_rows *r);
void spool_rows_done(struct spool_rows *r);

/* To be called before any of the below: reads what is there, the first time and whenever the file was begun anew (@births). */
int spool_rows_load(struct spool_rows *r, sqlite3 *db, unsigned int births);

int spool_rows_add(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits, int64_t id,
		   int64_t start_s, const void *payload, size_t n);

/* Returns 0, or the error of a write; the minutes are given all the same, unless it is -EUCLEAN. */
int spool_rows_take(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		    enum spool_order order, size_t max_minutes, size_t max_bytes,
		    struct spool_taken *ret);
void spool_taken_done(struct spool_taken *t);

/* They leave the spool (@gone), or wait again (SPOOL_STAYS); what cannot be written now is written by a later call. */
int spool_rows_end(struct spool_rows *r, sqlite3 *db, const int64_t *ids, size_t n,
		   enum spool_gone gone, bool maybe_sent);

/* Drops what is too old or too much. */
int spool_rows_limit(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits);

#endif
