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

#define POSITION_FINGERPRINT_BYTES 32
#define POSITION_CURSOR_MAX 256

struct position {
	char log[64];    /* of the [log] section */
	char path[4096]; /* where it was seen last; for people */
	uint64_t device, inode;
	/* SHA-256 of the first fingerprint_len bytes (1024 at most): a new file that got the inode of an old one is another one. */
	unsigned char fingerprint[POSITION_FINGERPRINT_BYTES];
	uint32_t fingerprint_len;
	uint64_t offset;                  /* bytes that have arrived */
	char cursor[POSITION_CURSOR_MAX]; /* of a journal; "" */
	int64_t seen_s;                   /* when it was there last, since the epoch */
	bool under_way;        /* bytes from offset on were being sent when isamon ended ... */
	uint64_t under_way_to; /* ... up to here */
};

struct positions;

/* Reads all (blocks). */
int positions_open(struct store *s, struct buf *why, struct positions **ret);
void positions_close(struct positions *p);
/* Calls @fn for each that is known. */
int positions_each(struct positions *p, int (*fn)(const struct position *at, void *ctx), void *ctx);
/* Writes @n of them in one transaction, each replacing what is there of the same (log, device, inode) or (log, unit). @done in the loop. */
int positions_put(struct positions *p, const struct position *list, size_t n,
		  void (*done)(int err, void *ctx), void *ctx);
/* Forgets those that were not seen since @seen_s. */
int positions_forget(struct positions *p, int64_t seen_s);

#endif
