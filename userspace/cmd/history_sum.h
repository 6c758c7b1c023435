/* SPDX-License-Identifier: MIT */
/* The sums of one minute of the history (store/history.h), from what is told of requests and what is looked at. */
#ifndef ISAMON_HISTORY_SUM_H
#define ISAMON_HISTORY_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "check/host_figures.h"
#include "metrics/histogram.h"
#include "metrics/http_metrics.h"
#include "store/history.h"

/* What is cheap to look at, once a second. Counters are since isamon began, or since ever. */
struct history_glance {
	bool known;
	uint64_t ended, connections, websockets; /* counters */
	uint64_t in_flight, open_connections, open_websockets;
};

/* What is looked at more seldom, and when a minute begins and ends. */
struct history_look {
	uint64_t monotonic_ns;
	uint64_t streams, listen_drops, restarts; /* counters */
	bool has_processes;                       /* the next ones are known */
	uint64_t cpu_ns, processes, workers, memory_bytes, open_fds;
	uint64_t free_fds; /* UINT64_MAX: not known */
	bool has_delay;
	uint64_t delay_ns;
	unsigned int cpus;
	bool has_host_cpu, has_host_memory;
	struct host_cpu host_cpu;
	struct host_memory host_memory;
};

/* Zeroed is one that was never begun. */
struct history_sum {
	struct history_minute minute;
	struct histogram duration, queue;
	uint64_t begun_ns; /* CLOCK_MONOTONIC, of this minute */
	bool has_glance, has_look;
	struct history_glance glance; /* the last one */
	struct history_look look;     /* the last one */
	uint64_t ended_before, connections_before, websockets_before;
	struct history_look before; /* the one that the minute began with */
};

/* A minute begins; what is counted goes on from the last look, if there was one. */
void history_sum_begin(struct history_sum *s, int64_t start_s, uint64_t monotonic_ns);
void history_sum_request(struct history_sum *s, const struct http_observed *o);
void history_sum_glance(struct history_sum *s, const struct history_glance *g);
void history_sum_look(struct history_sum *s, const struct history_look *l);
/* What the minute is, up to @monotonic_ns. */
void history_sum_end(struct history_sum *s, uint64_t monotonic_ns, struct history_minute *ret);

#endif
