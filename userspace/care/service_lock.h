/* SPDX-License-Identifier: MIT */
/*
 * Who has the service in hand. Whoever stops it for a while, changes what is its own, and starts it (an update, a restore, VACUUM) has the lock
 * alone; an order or a repair that is one step (start, stop, restart, reload) shares it with its like. So nobody starts the service in the middle
 * of an exchange. It is a file in the state directory, and goes with the process, however that ends.
 */
#ifndef ISAMON_SERVICE_LOCK_H
#define ISAMON_SERVICE_LOCK_H

#include "base/buf.h"

#define SERVICE_LOCK "update.lock"

/*
 * Takes it until *ret_fd is closed. Does not wait: -EBUSY: another process has it, and @why says which, since when, and what to do. Another
 * -errno, explained in @why, too: -EACCES and -EROFS are those of who may not write to the state directory, and cannot tell.
 */
int service_lock_alone(const char *state_directory, struct buf *why, int *ret_fd);
int service_lock_shared(const char *state_directory, struct buf *why, int *ret_fd);

#endif
