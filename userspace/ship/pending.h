/* SPDX-License-Identifier: MIT */
/*
 * Finished minutes that are not in the spool yet: a file each, RUNTIME_DIRECTORY/minutes/START-ID, in memory (tmpfs). They are
 * there for the moments, or with a full or slow disk the hours, between a minute's end and its commit, so that a kill -9
 * then loses nothing. Nothing here waits for a disk.
 */
#ifndef ISAMON_PENDING_H
#define ISAMON_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* More than these, or more bytes: the oldest is dropped, and counted. */
#define PENDING_MAX 1440
#define PENDING_BYTES_MAX (16u << 20)

struct pending;

/* Makes the directory if it is missing, and looks at what is there; half-written files are removed. Returns 0 or -errno,
 * explained in @why. */
int pending_open(const char *directory, struct buf *why, struct pending **ret);
/* The files stay. NULL is fine. */
void pending_close(struct pending *p);
/* Writes a file beside its place, then renames it; one that is there already is replaced. @start_s is not negative.
 * Returns 0, -EFBIG (more than PENDING_BYTES_MAX), or another -errno. */
int pending_add(struct pending *p, int64_t id, int64_t start_s, const void *payload, size_t n);
/* Calls @fn for each, oldest first, until it returns an error, and returns that, 0, or why one could not be read: that one is
 * passed over, and stays. @fn may add and remove. */
int pending_each(struct pending *p,
		 int (*fn)(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx),
		 void *ctx);
/* It is in the spool. */
void pending_remove(struct pending *p, int64_t id);
size_t pending_count(const struct pending *p);
/* Since it was opened. */
uint64_t pending_dropped(const struct pending *p);

#endif
