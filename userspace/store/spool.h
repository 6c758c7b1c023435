/* SPDX-License-Identifier: MIT */
/*
 * Minutes that wait to be pushed. They leave the spool when the 200 is there; or, oldest first and counted, when they are
 * beyond an age (14 days: CloudWatch takes no older), a size, or when the disk is full and room is needed for newer ones.
 *
 * Before one is sent it is marked as under way, so that after a kill it is known which may have arrived already.
 * The file has room set aside from its first day (free pages, and a write-ahead log that is never shortened), so that
 * a full disk keeps nobody from taking, removing and, for an hour or more, adding.
 * Everything is done by the store's thread and told in the loop; the numbers of struct spool_stats are kept in
 * memory, their counters in the file, too.
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
	uint64_t max_bytes; /* of payloads as they are stored (packed) */
};

/* A minute, or a part of one that is too long for one request. */
struct spool_minute {
	int64_t id;      /* given by who made it; unique */
	int64_t start_s; /* since the epoch, of the minute */
	bool maybe_sent; /* may have arrived: the outcome of a push was unknown, or isamon ended during it */
	const void *payload;
	size_t payload_len;
};

struct spool_stats {
	uint64_t minutes, bytes; /* that wait or are under way; as stored */
	int64_t oldest_s;        /* start of the oldest; 0: none */
	/* Counters, since the state file was begun: too old, too many, the disk was full; could not be read back; pushed;
	 * refused for good; and those of pushed that may have arrived twice. */
	uint64_t dropped_age, dropped_size, dropped_full;
	uint64_t damaged, pushed, rejected, maybe_twice;
};

enum spool_order { SPOOL_OLDEST_FIRST, SPOOL_NEWEST_FIRST };

/* Reads what is there (blocks); minutes under way become maybe_sent. */
int spool_open(struct store *s, const struct spool_limits *limits, struct buf *why,
	       struct spool **ret);
/* As spool_open(), but in the store's thread: @ready is called in the loop, once, unless spool_close() was called before; with
 * an error, explained in @why, @p can only be closed. Until then nothing is known of it. Returns 0 or -ENOMEM. */
typedef void (*spool_ready_fn)(int err, const char *why, void *ctx);
int spool_begin(struct store *s, const struct spool_limits *limits, spool_ready_fn ready, void *ctx,
		struct spool **ret);
/* What is on its way is not told any more; behind store_close(), which tells it, all was. NULL is fine. */
void spool_close(struct spool *p);
void spool_set_limits(struct spool *p, const struct spool_limits *limits);

/*
 * Adds one; @payload is copied. One whose id is there already is not added again, and that is no error. @done (may be NULL)
 * is called in the loop when it is on the disk, or with the error: -ENOSPC, if even dropping the oldest did not make room.
 * Returns 0 or -ENOMEM.
 */
int spool_add(struct spool *p, int64_t id, int64_t start_s, const void *payload, size_t n,
	      void (*done)(int err, int64_t id, void *ctx), void *ctx);

/*
 * Gives minutes, at most @max_minutes and @max_bytes (one at least if there is one), none of which is under way, and
 * marks them as under way. @fn is called in the loop, once; what it is given is valid until it returns. If the mark cannot be
 * written they are given all the same, told once a state change. Returns 0 or -ENOMEM.
 */
typedef void (*spool_take_fn)(int err, const struct spool_minute *minutes, size_t n, void *ctx);
int spool_take(struct spool *p, enum spool_order order, size_t max_minutes, size_t max_bytes,
	       spool_take_fn fn, void *ctx);

enum spool_end { SPOOL_PUSHED, SPOOL_REJECTED };
/* They leave the spool, and are counted, in one transaction. Where that cannot be written it is tried again with whatever
 * comes next, and they are given to nobody meanwhile. Returns 0 or -ENOMEM. */
int spool_remove(struct spool *p, const int64_t *ids, size_t n, enum spool_end end);
/* They are not under way any more and wait again; @maybe_sent: they may have arrived. */
int spool_return(struct spool *p, const int64_t *ids, size_t n, bool maybe_sent);

/* Of what was told in the loop so far. */
struct spool_stats spool_stats(const struct spool *p);

#endif
