/* SPDX-License-Identifier: MIT */
/*
 * Rates for `isamon status`, which wants its answer at once: what was counted some seconds ago is remembered
 * whenever somebody asks for a page, so that nothing is done while nobody asks. If the last one is
 * too long ago there is no interval in the first answer; who asks again a second later has one.
 */
#ifndef ISAMON_STATUS_WATCH_H
#define ISAMON_STATUS_WATCH_H

#include <stdint.h>

#include "metrics/histogram.h"
#include "metrics/http_metrics.h"
#include "metrics/pressure_metrics.h"
#include "metrics/status_json.h"

/* Rates are over this time at least if that is to be had, and never over more than the other. */
#define STATUS_INTERVAL_S 5
#define STATUS_INTERVAL_MAX_S 65
/* What the second of two answers needs between them. */
#define STATUS_INTERVAL_MIN_MS 900

/* What was counted at a time; all cumulative. */
struct status_reading {
	uint64_t at_ns; /* 0: there is none */
	uint64_t requests, errors, aborts, records_lost;
	uint64_t periods, throttled_periods;
	uint64_t drops[STATUS_PORTS_MAX];
	uint16_t ports[STATUS_PORTS_MAX];
	struct histogram duration, queue, turn;
};

struct status_watch {
	struct status_reading older, newer;
};

/* Remembers what is counted now, unless that was done some seconds ago. For each page. */
void status_watch_look(struct status_watch *w, const struct http_metrics *m,
		       const struct pressure_figures *p, uint64_t now_ns);
/* Fills in what happened in the interval and what the requests' metrics know. After a look; if @now_ns is from before
 * it, the reading before that one is used, or none. */
void status_watch_fill(const struct status_watch *w, const struct http_metrics *m,
		       const struct pressure_figures *p, uint64_t now_ns, struct status *s);

/* What lies between two readings; for status_watch_fill() and tests. */
void status_compare(const struct status_reading *from, const struct status_reading *to,
		    struct status *s);

#endif
