/* SPDX-License-Identifier: MIT */
/*
 * Minutes that wait to be pushed, oldest dropped first: beyond an age (14 days: CloudWatch takes no older) and a size.
 *
 * A minute is in the spool until the 200 is there. Before it is sent it is marked as under way, so that after a
 * kill it is known which minutes may have arrived already.
 * Everything is done by the store's thread and told in the loop; the numbers of struct spool_stats are kept in memory.
 */
#ifndef ISAMON_SPOOL_H
#define ISAMON_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct spool;

struct spool_limits {
	uint64_t max_age_s;
	uint64_t max_bytes; /* of payloads */
};

struct spool_minute {
	int64_t id;
	int64_t start_s; /* since the epoch, of the minute */
	bool maybe_sent; /* was under way when isamon ended */
	const void *payload;
	size_t payload_len;
};

struct spool_stats {
	uint64_t minutes, bytes; /* that wait */
	int64_t oldest_s;        /* start of the oldest; 0: none */
	uint64_t dropped_age, dropped_size,
		dropped_full; /* too old, too many, the disk was full; since this isamon
	                                                     began */
};

enum spool_order { SPOOL_OLDEST_FIRST, SPOOL_NEWEST_FIRST };

/* Reads what is there (blocks); minutes under way become maybe_sent. */
int spool_open(struct store *s, const struct spool_limits *limits, struct buf *why,
	       struct spool **ret);
void spool_close(struct spool *p);
void spool_set_limits(struct spool *p, const struct spool_limits *limits);

/*
 * Adds a minute; @payload is copied. Where the disk is full it is kept in memory (at most 60 of them, the oldest dropped and
 * counted) and written when there is room. @done (may be NULL) is called in the loop when it is on the disk, or with the error.
 * Returns 0 or -ENOMEM.
 */
int spool_add(struct spool *p, int64_t start_s, const void *payload, size_t n,
	      void (*done)(int err, void *ctx), void *ctx);

/* Gives minutes, at most @max_minutes and @max_bytes (one at least if there is one), none of which is under way, and
 * marks them as under way. @fn is called in the loop, once; what it is given is valid until it returns. */
typedef void (*spool_take_fn)(int err, const struct spool_minute *minutes, size_t n, void *ctx);
int spool_take(struct spool *p, enum spool_order order, size_t max_minutes, size_t max_bytes,
	       spool_take_fn fn, void *ctx);
/* They have arrived, or are given up: they leave the spool. */
int spool_remove(struct spool *p, const int64_t *ids, size_t n);
/* They are not under way any more and wait again; @maybe_sent: they may have arrived. */
int spool_return(struct spool *p, const int64_t *ids, size_t n, bool maybe_sent);

struct spool_stats spool_stats(const struct spool *p);

#endif
