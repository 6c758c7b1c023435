/* SPDX-License-Identifier: MIT */
/* The daemon: one event loop that ties probe, metrics and listeners together. */
#ifndef ISAMON_DAEMON_H
#define ISAMON_DAEMON_H

#include "base/buf.h"

struct daemon;

/* What the command line says; it stands above the configuration, also after a reload. */
struct daemon_options {
	const char *config_path; /* NULL: the default one, if it is there */
	const char *ports;       /* "8000,8001"; NULL: the configuration's */
	const char *address;     /* of the listener; NULL: the configuration's */
	const char *listen_port;
};

/*
 * Starts everything up to the point where requests are counted and pages served. On failure
 * returns -EINVAL for a wrong configuration, -EBUSY if another daemon runs, another -errno if something was
 * refused; @why explains it. @o must outlive the daemon.
 */
int daemon_start(const struct daemon_options *o, struct buf *why, struct daemon **ret_daemon);
/* Runs until SIGTERM or SIGINT. Returns 0, or -errno if the loop itself failed. */
int daemon_loop(struct daemon *d);
/* Stops and frees; NULL is fine. */
void daemon_free(struct daemon *d);

#endif
