/* SPDX-License-Identifier: MIT */
/* Which unit of systemd a process belongs to. */
#ifndef ISAMON_PROCESS_UNIT_H
#define ISAMON_PROCESS_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Out of the text of /proc/PID/cgroup, which may be any: the last part of the path that is a service, scope, socket or mount, "nginx.service" of
 * "0::/system.slice/nginx.service/app"; cgroup v1 has it in the line of its name=systemd. @ret is plain; "": there is none, or it is longer.
 * Returns whether there is one. */
bool process_unit_parse(const char *text, char *ret, size_t size);

/* The same of a process of @proc ("/proc"). Blocks on @proc only. */
bool process_unit(const char *proc, pid_t pid, char *ret, size_t size);

#endif
