/* SPDX-License-Identifier: MIT */
/*
 * The spool's rows in the state file: what is there, and transactions that change it. For the store's thread; everything blocks on
 * the disk and returns 0 or -errno.
 */
#ifndef ISAMON_SPOOL_ROWS_H
#define ISAMON_SPOOL_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/spool.h"
#include "store/spool_age.h"
#include "store/spool_marks.h"

/* So that a transaction fits into the log, also when the disk is full. */
#define SPOOL_ROWS_AT_ONCE 128

/* What is told, but at most once an hour. */
enum spool_tell {
	SPOOL_TELL_AGE,
	SPOOL_TELL_SIZE,
	SPOOL_TELL_FULL,
	SPOOL_TELL_UNREADABLE,
	SPOOL_TELLS
};

struct spool_rows {
	struct spool_marks marks;
	struct spool_age age;
	struct spool_stats stats;    /* of what is committed */
	int64_t told_s[SPOOL_TELLS]; /* CLOCK_BOOTTIME; 0: never */
	unsigned int births;         /* store_births(), when it was loaded */
	bool loaded;
};

struct spool_row {
	int64_t seq, id, start_s;
	int64_t size, stored; /* bytes, before packing and as they are */
	int64_t maybe_sent;
};

/* Returns 0 or -ENOMEM. */
int spool_rows_init(struct spool_rows *r);
void spool_rows_done(struct spool_rows *r);

/* To be called before anything else is done: reads what is there, the first time and whenever the file was begun anew
 * (@births). */
int spool_rows_load(struct spool_rows *r, sqlite3 *db, unsigned int births);

/* Begins a transaction: *next is what stats will be. */
int spool_rows_begin(const struct spool_rows *r, sqlite3 *db, struct spool_stats *next);
/* Ends it: commits, with the counters, if @err is 0. Returns @err or the error of the commit. */
int spool_rows_end(struct spool_rows *r, sqlite3 *db, struct spool_stats *next, int err);

/* One statement that gives nothing. */
int spool_rows_run(sqlite3 *db, const char *text, const int64_t *values, int n);
/* Within a transaction. */
int spool_rows_delete(sqlite3 *db, struct spool_stats *next, const struct spool_row *row);
/* 1: it is there; 0: it is not; -errno. */
int spool_rows_find(sqlite3 *db, int64_t id, struct spool_row *row);
/* Up to @max rows that wait. */
int spool_rows_pick(const struct spool_rows *r, sqlite3 *db, enum spool_order order, size_t max,
		    struct spool_row *rows, size_t *ret_n);

/* Whether it is time to tell @what; if so, it counts as told. */
bool spool_rows_tells(struct spool_rows *r, enum spool_tell what);
int64_t spool_rows_boot_s(void);

#endif
