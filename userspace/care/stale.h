/* SPDX-License-Identifier: MIT */
/* Who still runs what was replaced: after an update, services that are to be restarted, and whether the host is to be rebooted. Reads only. */
#ifndef ISAMON_STALE_H
#define ISAMON_STALE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define STALE_UNITS_MAX 256
#define STALE_NAME_MAX 256

struct stale_unit {
	char name
		[STALE_NAME_MAX]; /* "nginx.service"; a process outside of units: its name, in parentheses */
	unsigned int n_processes;
	char library[STALE_NAME_MAX]; /* one of the files that are gone */
};

struct stale {
	struct stale_unit units[STALE_UNITS_MAX];
	size_t n;
	bool more; /* there were more units than fit */
};

/*
 * The units whose processes have code mapped that is deleted or was replaced, by name: lines of @proc/PID/maps ("/proc") that may be executed and
 * end in " (deleted)". Processes that cannot be read are passed over: all are seen by root only. Returns 0 or -errno.
 */
int stale_find(const char *proc, struct stale *ret);

/*
 * Whether a reboot is due, and @why: Debian's file run/reboot-required under @root (""), or a kernel of the same kind as @running (uname -r)
 * that is newer, in lib/modules.
 */
bool stale_reboot(const char *root, const char *running, struct buf *why);

#endif
