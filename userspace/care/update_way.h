/* SPDX-License-Identifier: MIT */
/* Where an update works as root, nobody else may say where that is. */
#ifndef ISAMON_UPDATE_WAY_H
#define ISAMON_UPDATE_WAY_H

#include <sys/types.h>

#include "base/buf.h"

/*
 * Whether only root could lead elsewhere what is done at @path, which is absolute: every directory and every symbolic link on the way is root's, and
 * others may not write there, but where a sticky bit keeps them from what is root's. What the path leads to may also be @last's; what is root's
 * may be written by root only. Returns 0; -EPERM, which @why explains by naming the place; another -errno.
 */
int update_way_check(const char *path, uid_t last, struct buf *why);

/* Opens the directory @path, which is absolute, if no part of it is a symbolic link. Returns a descriptor; -ELOOP: one is; another -errno. */
int update_way_open(const char *path);

#endif
