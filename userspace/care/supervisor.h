/* SPDX-License-Identifier: MIT */
/*
 * One program of Supervisor, over the Unix socket of supervisord: XML-RPC in HTTP (supervisor/rpcinterface.py, 4.2).
 *
 * A program is GROUP, with all its processes (a program that is in no group of its own name is a group of its own, also with
 * numprocs > 1), GROUP:PROCESS, GROUP:*, or the name of a process in any one group.
 */
#ifndef ISAMON_SUPERVISOR_H
#define ISAMON_SUPERVISOR_H

#include <stdbool.h>

#include "base/buf.h"
#include "care/manager.h"

struct supervisor;

struct supervisor_options {
	const char *socket;
	const char *program;
	const char *user, *password; /* NULL or "": none */
};

/* For a struct supervisor. Waits for supervisord for at most 10 s at each call. */
extern const struct manager_ops supervisor_manager;

/* Copies @o; asks nothing yet. Returns 0, -ENOENT (no libcurl), -ENOMEM, explained in @why. Free it with supervisor_close(). */
int supervisor_open(const struct supervisor_options *o, struct buf *why, struct supervisor **ret);
void supervisor_close(struct supervisor *s);

/* Whether the process PID would be told by SIGHUP, and not ended: it catches it (/proc/PID/status, SigCgt, as @status has it). */
bool supervisor_catches_hup(const char *status);

#endif
