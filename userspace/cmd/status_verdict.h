/* SPDX-License-Identifier: MIT */
/*
 * Whether the service is fine. It is not if
 *  - nothing listens on one of its ports;
 *  - connections have waited to be accepted for STATUS_STUCK_S, none was taken and no request answered;
 *  - it is in a crash loop, or its main process ended unexpectedly in the last STATUS_RECENT_S;
 *  - in that time a process that serves was killed by a signal, any of its processes crashed (life_status_crash()), or
 *    was killed because memory ran out;
 *  - the listen queue of a port is full, or STATUS_DROPS segments were dropped there in the interval;
 *  - STATUS_ERRORS requests or more, and STATUS_ERROR_RATIO of all, failed in the interval;
 *  - one of its processes may open fewer than STATUS_FREE_FDS further files;
 *  - it used up its CPU limit in STATUS_THROTTLED_RATIO of the periods of the interval.
 * And a restore of one of its directories must not be unfinished.
 * What is not known is no problem. Pure arithmetic.
 */
#ifndef ISAMON_STATUS_VERDICT_H
#define ISAMON_STATUS_VERDICT_H

#include "metrics/status_json.h"

#define STATUS_RECENT_S 300
#define STATUS_STUCK_S 5
#define STATUS_DROPS 10
#define STATUS_ERRORS 5
#define STATUS_ERROR_RATIO 0.05
#define STATUS_FREE_FDS 50
#define STATUS_THROTTLED_RATIO 0.5

/* Sets judged, fine, and the problems, the worst first. */
void status_judge(struct status *s);

#endif
