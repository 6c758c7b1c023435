/* SPDX-License-Identifier: MIT */
/* The root of the cgroup2 hierarchy, to which programs are attached. */
#ifndef ISAMON_CGROUP_H
#define ISAMON_CGROUP_H

#include "base/buf.h"

/*
 * Opens it where it is mounted (/sys/fs/cgroup, /sys/fs/cgroup/unified, anywhere). Where it is
 * not, or only a part of it is, mounts it for this descriptor alone, without a mount point
 * (fsmount(2), Linux 5.2). Where that is refused too but a part is mounted, as in some containers,
 * opens that part, and says in @why what will be missing. Returns 0 and a descriptor that the
 * caller closes; otherwise -errno, and @why says what was tried, why it failed, and what to do.
 */
int cgroup_open_root(struct buf *why, int *ret_fd);

/* The same with another table of mounts than /proc/self/mountinfo: for tests. */
int cgroup_open_root_by(const char *mountinfo, struct buf *why, int *ret_fd);

#endif
