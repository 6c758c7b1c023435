/* SPDX-License-Identifier: MIT */
/*
 * Unpacks on several cores what care/gzip_parallel.h has packed: the members at the beginning of a file that say how long they are.
 * Memory: about 2.5 MiB a thread for our own; at most twice that, whatever a stranger's say.
 */
#ifndef ISAMON_GUNZIP_MEMBERS_H
#define ISAMON_GUNZIP_MEMBERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "care/archive_input.h"

struct gunzip_members;

/* Returns 0 or -ENOMEM. */
int gunzip_members_new(const struct archive_input *in, struct gunzip_members **ret);
void gunzip_members_free(struct gunzip_members *g);

/*
 * The next bytes, which are valid until the next call. Returns how many; 0: no such member follows, see gunzip_members_rest();
 * -EBADMSG: damaged or not whole, see gunzip_members_why(); another -errno of archive_input_read(). After that every call returns the same.
 */
ssize_t gunzip_members_next(struct gunzip_members *g, const void **ret);
/* What was read of what follows, at most GZIP_MEMBER_HEAD bytes; fewer at the end of the file only. */
const unsigned char *gunzip_members_rest(const struct gunzip_members *g, size_t *ret_n);
/* Whether there was a member at all. */
bool gunzip_members_any(const struct gunzip_members *g);
const char *gunzip_members_why(const struct gunzip_members *g);

#endif
