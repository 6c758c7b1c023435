/* SPDX-License-Identifier: MIT */
/*
 * What a service tells its manager: the protocol of sd_notify(3), over our own datagrams.
 *
 * Where there is no manager that listens (NOTIFY_SOCKET is unset) each call does nothing and
 * returns 0. None blocks: a manager that does not read loses the message (-EAGAIN). Another -errno
 * says that it was not sent; -EINVAL, that NOTIFY_SOCKET is neither a path nor an @abstract name.
 */
#ifndef ISAMON_NOTIFY_H
#define ISAMON_NOTIFY_H

#include <stdint.h>

#include "base/util.h"

/* Started, or done with reloading. */
int notify_ready(void);
/* The configuration is being read again; notify_ready() must follow. */
int notify_reloading(void);
int notify_stopping(void);
/* Still alive. */
int notify_watchdog(void);
/* One line for `systemctl status`; cut at 240 bytes. */
int notify_status(const char *fmt, ...) _printf_(1, 2);

/* How long the manager waits for notify_watchdog() before it kills us (call it at half of that);
 * 0: it does not. From WATCHDOG_USEC, if WATCHDOG_PID is unset or names this process. */
uint64_t notify_watchdog_ns(void);

#endif
