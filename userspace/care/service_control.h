/* SPDX-License-Identifier: MIT */
/*
 * The service, stopped and started: by Supervisor or systemd, whichever runs it, and waited for until that is true.
 *
 * For whoever has to have it stopped for a while (VACUUM, restore, update) and started again, and for `isamon service`.
 * Everything blocks; nothing is for several threads. Nothing is ever ended by force from here: managers do that after
 * their own time (stopwaitsecs, TimeoutStopSec).
 */
#ifndef ISAMON_SERVICE_CONTROL_H
#define ISAMON_SERVICE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "care/health.h"
#include "care/service_state.h"
#include "config/config.h"

struct service_control;

/* Sets up[i] for each of the @n ports on which somebody listens. Returns 0 or -errno (then it is not waited for). */
typedef int (*service_listening_fn)(const uint16_t *ports, size_t n, bool *up, void *ctx);
/* Told of each new thing that is seen while waiting: one plain line, "app:app BACKOFF: Exited too quickly". */
typedef void (*service_seen_fn)(const char *line, void *ctx);

struct service_hooks {
	service_listening_fn listening; /* NULL: a stop is done when the manager says so */
	service_seen_fn seen;           /* NULL: nobody wants to know */
	void *ctx;
};

/*
 * Finds out who runs the service: as [service] manager says; for auto Supervisor, if it answers and knows the program, else
 * systemd, if it knows the unit. @c must outlive it; @hooks is copied, NULL is none.
 * Returns 0; -ENOENT: nobody knows it; another -errno: the one that is configured could not be asked; each explained in @why,
 * in one line for a person. Close it with service_control_close(); NULL is fine.
 */
int service_control_open(const struct config *c, const struct service_hooks *hooks, struct buf *why,
			 struct service_control **ret);
void service_control_close(struct service_control *s);
/* For _cleanup_(). */
void service_control_closep(struct service_control **s);

const char *service_control_manager(const struct service_control *s); /* "supervisor", "systemd" */
const char *service_control_name(const struct service_control *s);    /* of program or unit */
/* Supervisor's socket; "" for systemd. */
const char *service_control_socket(const struct service_control *s);

/* What the manager says now. Returns 0 or -errno, explained in @why. */
int service_control_state(struct service_control *s, struct service_state *ret, struct buf *why);
/* Appends the last lines of its log, as the manager has them. Nothing, if they cannot be had. */
void service_control_tail(struct service_control *s, struct buf *out);
/* Whether it answers now (one GET, at most @timeout_ms). */
bool service_control_health(struct service_control *s, unsigned int timeout_ms, struct health *ret);

/*
 * Each gives the order and waits, at most @timeout_ms (0: as [service] says), until it has come true. Returns 0, or
 *   -EHOSTDOWN  the service is not fine: the manager has given it up, or it ended, or could not be started, or its reload failed
 *   -ETIMEDOUT  not within the time; what was seen last is in @why
 *   -ENOTSUP    (reload) it cannot be done to this service
 *   another     the manager could not be asked, or refuses
 * with @why explained: one line, and for a start that failed the last lines of its log under it.
 */

/* Until all processes run and the service answered its health three times in a row, without a restart between. One that
 * runs already is only asked. */
int service_control_start(struct service_control *s, unsigned int timeout_ms, struct buf *why);
/* Until no process is left to the manager and nobody listens on the service's ports. One that stands is fine. */
int service_control_stop(struct service_control *s, unsigned int timeout_ms, struct buf *why);
/* A stop, with its own time, then a start; systemd does both at once. One that stands is started. */
int service_control_restart(struct service_control *s, unsigned int timeout_ms, struct buf *why);
/* systemd: the unit's own (ExecReload=), which must succeed. Supervisor: SIGHUP to each process, if all of them catch it. Then until it is healthy. */
int service_control_reload(struct service_control *s, unsigned int timeout_ms, struct buf *why);

#endif
