/* SPDX-License-Identifier: MIT */
/* Where a state file goes that is damaged: beside its place, so that somebody can look at it. Blocks on the disk. */
#ifndef ISAMON_SET_ASIDE_H
#define ISAMON_SET_ASIDE_H

#include "base/buf.h"

/* So many are kept; then a further one is deleted instead, or a disk that rots would be filled with them. */
#define SET_ASIDE_MAX 8

/*
 * Renames @path, which nobody has open, and its log (-wal) and index (-shm) to PATH.damaged-YYYYmmdd-HHMMSS (UTC; with .2, ... behind
 * it, if that is there). @ret_name: the new path; "" if it was deleted.
 * Returns 0 or -errno; -ENOENT: it is not there.
 */
int set_aside(const char *path, struct buf *ret_name);

#endif
