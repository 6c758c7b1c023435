/* SPDX-License-Identifier: MIT */
/* A restore or an update that is under way, or was cut off: the service may be stopped for it, and nobody else is to start it then. */
#ifndef ISAMON_UNFINISHED_H
#define ISAMON_UNFINISHED_H

#include <stdbool.h>

#include "base/buf.h"
#include "config/config.h"

struct unfinished {
	bool is;            /* there is one */
	bool working;       /* and a process is at it */
	char what[512];     /* "the restore 20261126-020000 of /opt/x"; one line */
	const char *remedy; /* how it is finished */
};

/* Whether there is one; of a directory of [backup], of the application. Reads journals. Return 0 or -errno: it cannot be told (only root can). */
int unfinished_restore(const struct config *c, struct unfinished *ret);
int unfinished_update(const struct config *c, struct unfinished *ret);
/* Either, one that was cut off first. */
int unfinished_find(const struct config *c, struct unfinished *ret);

/* -EBUSY: there is one, and @why says what to do; another -errno: it cannot be told, and @why says why. */
int unfinished_refuse(const struct config *c, struct buf *why);
/*
 * For one step with the service, until *ret_fd (-1: there is nothing) is closed: it is in nobody else's hands (care/service_lock.h), and, if it
 * @starts, nothing is unfinished. Returns as unfinished_refuse(); what cannot be told (no rights, a full disk) need not keep the caller from it.
 */
int unfinished_hold(const struct config *c, bool starts, struct buf *why, int *ret_fd);

#endif
