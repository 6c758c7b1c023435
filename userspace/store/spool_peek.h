/* SPDX-License-Identifier: MIT */
/* Looks at the minutes of a state file that nobody has open, and changes nothing. */
#ifndef ISAMON_SPOOL_PEEK_H
#define ISAMON_SPOOL_PEEK_H

#include "store/spool.h"

/*
 * Calls @fn for each minute, oldest first, until it returns something else than 0; what it is given is valid until it
 * returns. *ret_minutes: how many there are, also beyond that. Blocks on the disk.
 * Returns 0; -ENOENT: there is no state file; -EBUSY: somebody has it open; -EUCLEAN, -EBADMSG, -EPROTO: it is damaged, or none; another -errno. All
 * explained in @why.
 */
int spool_peek(const char *directory, int (*fn)(const struct spool_minute *m, void *ctx), void *ctx,
	       uint64_t *ret_minutes, struct buf *why);

#endif
