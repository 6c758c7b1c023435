/* SPDX-License-Identifier: MIT */
/* What Supervisor and systemd have in common for care/service_control.h. */
#ifndef ISAMON_MANAGER_H
#define ISAMON_MANAGER_H

#include "base/buf.h"
#include "care/service_state.h"

/*
 * Each asks the manager and returns when that has answered, not when the service has done it; at most some seconds. Returns 0
 * or -errno with one plain line in @why: -ENOENT: it does not know the program or unit; -EACCES: it may not be asked;
 * -ENOEXEC: it cannot start it; -ENOTSUP; -ETIMEDOUT: it does not answer; -EIO and others: it cannot, or is not there.
 */
struct manager_ops {
	const char *name; /* "supervisor" */
	int (*look)(void *manager, struct service_state *ret, struct buf *why);
	/* What runs or stands already is no error. */
	int (*start)(void *manager, struct buf *why);
	int (*stop)(void *manager, struct buf *why);
	/* NULL: it has none; it is a stop and a start. */
	int (*restart)(void *manager, struct buf *why);
	int (*reload)(void *manager, struct buf *why);
	/* Appends the last lines of the service's log, as they are. Nothing, if they cannot be had. */
	void (*tail)(void *manager, struct buf *out);
	void (*close)(void *manager);
};

#endif
