/* SPDX-License-Identifier: MIT */
/*
 * How far each log was shipped, in the state file of the shipper: of a file by device, inode and fingerprint, of a
 * journal its cursor. And which batch is under way: written before it is sent, gone in the same transaction in which its
 * positions move, so after a kill it is known which lines may have arrived already.
 */
#ifndef ISAMON_POSITIONS_H
#define ISAMON_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define POSITION_NAME_MAX 72 /* with its NUL */
#define POSITION_FINGERPRINT_BYTES 32
#define POSITION_TAIL_MAX 256
#define POSITION_CURSOR_MAX 256
/* Of one log; beyond it those that were seen last stay. Twice as many as are followed at most. */
#define POSITION_LOG_MAX 8192

struct position {
	char log[POSITION_NAME_MAX]; /* of the [log] section, and what its owner puts before it */
	/* Of these bytes, whatever file they are in: a file that was copied and truncated, or compressed, goes on under its id, and what
	 * is written to its old inode has another. 0: a journal. */
	uint64_t id;
	char path[4096]; /* where it was seen last; for people */
	uint64_t device, inode;
	/* SHA-256 of the first fingerprint_len bytes (1024 at most): a new file that got the inode of an old one is another one. */
	unsigned char fingerprint[POSITION_FINGERPRINT_BYTES];
	uint32_t fingerprint_len;
	uint64_t offset; /* bytes that have arrived */
	/* SHA-256 of the tail_len bytes before offset; 0: not known. */
	unsigned char tail[POSITION_FINGERPRINT_BYTES];
	uint32_t tail_len;
	char cursor[POSITION_CURSOR_MAX]; /* of a journal; "" */
	int64_t seen_s;                   /* when it was there last, since the epoch */
	bool under_way;        /* bytes from offset on were being sent when isamon ended ... */
	uint64_t under_way_to; /* ... up to here */
};

struct positions;

/* Fails only where the state file can be neither read nor begun anew (blocks). Returns 0 or -errno, explained in @why. */
int positions_open(struct store *s, struct buf *why, struct positions **ret);
/* What was handed over is still written, but not told. NULL is fine. */
void positions_close(struct positions *p);

/* Calls @fn for each that is known, in the order of (log, id), until it returns other than 0, which is returned. Blocks on the
 * disk: for what comes before the loop. */
int positions_each(struct positions *p, int (*fn)(const struct position *at, void *ctx), void *ctx);

/* Writes @n of them in one transaction, each replacing what is there of the same (log, id). @done (may be NULL) in the
 * loop. Returns 0 or -ENOMEM (nothing is done then). */
int positions_put(struct positions *p, const struct position *list, size_t n,
		  void (*done)(int err, void *ctx), void *ctx);

/* Forgets files that were not seen since @seen_s, and what is beyond POSITION_LOG_MAX. */
int positions_forget(struct positions *p, int64_t seen_s);

/* Forgets those whose log begins with @prefix, which is copied. */
int positions_forget_logs(struct positions *p, const char *prefix);

/* True, once, after the state file was begun anew because it was damaged: whoever knows positions is to put all of them again. */
bool positions_lost(struct positions *p);

#endif
