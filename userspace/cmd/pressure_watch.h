/* SPDX-License-Identifier: MIT */
/* Hands what the pressure probe finds to its metrics; says once in the log what is refused. */
#ifndef ISAMON_PRESSURE_WATCH_H
#define ISAMON_PRESSURE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "metrics/pressure_metrics.h"
#include "probe/pressure.h"

struct pressure_watch {
	struct pressure *probe;
	struct pressure_figures figures; /* of the last look */
	bool sees_queues;                /* the probe "listen_queue" */
	bool said;
};

/* Returns 0 or -ENOMEM. */
int pressure_watch_open(struct pressure_watch *w, const struct config *c);
void pressure_watch_close(struct pressure_watch *w);
void pressure_watch_reload(struct pressure_watch *w, const struct config *c);
/* Looks, at most once a second. @pid: a process of the service, 0 if there is none. */
void pressure_watch_look(struct pressure_watch *w, pid_t pid);

#endif
