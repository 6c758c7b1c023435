/* SPDX-License-Identifier: MIT */
/* Whether a process listens on a Unix socket. */
#ifndef ISAMON_SERVICE_UNIX_H
#define ISAMON_SERVICE_UNIX_H

#include <stdbool.h>
#include <sys/types.h>

#define SERVICE_UNIX_PATH_MAX 256

/* The first one that @pid has open, with a path, by @proc/net/unix (unix_seq_show, net/unix/af_unix.c): the path as it stands there, which may hold any
 * bytes. 0 has none. Returns whether there is one. */
bool service_unix_find(const char *proc, pid_t pid, char path[static SERVICE_UNIX_PATH_MAX]);

#endif
