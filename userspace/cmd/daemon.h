/* SPDX-License-Identifier: MIT */
/* The daemon: one event loop that ties probe, metrics and listeners together. */
#ifndef ISAMON_DAEMON_H
#define ISAMON_DAEMON_H

#include "base/buf.h"
#include "cmd/options.h"

struct daemon;

/*
 * Starts everything up to the point where requests are counted and pages served. On failure
 * returns -EINVAL for a wrong configuration, -EBUSY if another daemon runs, another -errno if something was
 * refused; @why explains it. @o must outlive the daemon.
 */
int daemon_start(const struct options *o, struct buf *why, struct daemon **ret_daemon);
/* Runs until SIGTERM or SIGINT. Returns 0, or -errno if the loop itself failed. */
int daemon_loop(struct daemon *d);
/* Stops and frees; NULL is fine. */
void daemon_free(struct daemon *d);

#endif
