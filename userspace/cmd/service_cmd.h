/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon service`, and for other commands that stop and start the service. */
#ifndef ISAMON_SERVICE_CMD_H
#define ISAMON_SERVICE_CMD_H

#include <stdbool.h>

#include "care/restore.h"
#include "care/service_control.h"
#include "config/config.h"

/* Opens it with the hooks of a command: what is seen goes to standard error, if that is a terminal. As service_control_open(),
 * but what is wrong is said, beginning with @command. */
int service_cmd_open(const char *command, const struct config *c, struct service_control **ret);
/* How a restore or an update stops and starts it; for as long as @s is open. */
struct restore_service service_cmd_hooks(struct service_control *s);
/* For whoever stops the service for a while: nobody else does so, and starts it, until *ret_fd is closed. What is wrong is said; returns the
 * exit status. */
int service_cmd_lock(const char *command, const struct config *c, int *ret_fd);
/* The exit status for what service_control_start() and its like return. */
int service_cmd_status(int err);

/* isamon service status. Returns the exit status. */
int service_show(struct service_control *s, const struct config *c, bool json);

#endif
