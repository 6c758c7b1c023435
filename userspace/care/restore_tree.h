/* SPDX-License-Identifier: MIT */
/* Trees that are to go: of restore, and of update. By a descriptor of the directory above and a name in it; nothing is followed. */
#ifndef ISAMON_RESTORE_TREE_H
#define ISAMON_RESTORE_TREE_H

#include <stdbool.h>

int restore_is_mount(int dir_fd, const char *name, bool *ret);
/* Removes a directory with all that is in it, whatever its depth; what is mounted there is -EBUSY. 0 also if it is not there. Blocks. */
int restore_remove_tree(int dir_fd, const char *name);

#endif
