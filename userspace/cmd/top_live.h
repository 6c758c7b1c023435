/* SPDX-License-Identifier: MIT */
/* `isamon top` on a terminal. */
#ifndef ISAMON_TOP_LIVE_H
#define ISAMON_TOP_LIVE_H

#include "cmd/top_feed.h"

/*
 * Runs until q, SIGINT, SIGTERM, SIGHUP, SIGQUIT or the end of the terminal, and gives the terminal back
 * as it was. A daemon that goes away is waited for. Returns 0 or -errno (-ENOTTY: this
 * terminal cannot be drawn on).
 */
int top_live(struct top_feed *source, unsigned int interval_ms);

#endif
