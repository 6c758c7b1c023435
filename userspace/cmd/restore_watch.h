/* SPDX-License-Identifier: MIT */
/*
 * Whether a restore of the service's data or configuration is unfinished (care/restore.h), or an update of the application
 * (care/update_app.h), for the daemon.
 *
 * Looked for when the daemon starts and when it reads its configuration again; only while one is unfinished also once a minute, until
 * it is not: each look reads the disk, which the loop must not wait for. One that is cut off later is told by the next start, which
 * after a power cut comes by itself.
 */
#ifndef ISAMON_RESTORE_WATCH_H
#define ISAMON_RESTORE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "metrics/status_json.h"

struct restore_watch {
	unsigned int n;               /* that are unfinished */
	char target[STATUS_NAME_MAX]; /* of one of them; "" */
	bool update;                  /* one is unfinished */
	char app[STATUS_NAME_MAX];    /* of that: the tree; "" */
	uint64_t next_ns;             /* 0: no look is due */
};

/* Looks, and logs what is unfinished now and was not before, or the other way round. Reads the disk. */
void restore_watch_look(struct restore_watch *w, const struct config *c, uint64_t now_ns);
/* Each second: looks if that is due. */
void restore_watch_second(struct restore_watch *w, const struct config *c, uint64_t now_ns);

#endif
