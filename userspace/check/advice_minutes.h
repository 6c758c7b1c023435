/* SPDX-License-Identifier: MIT */
/* Minutes of the history (store/history.h), and what is asked of many of them. */
#ifndef ISAMON_ADVICE_MINUTES_H
#define ISAMON_ADVICE_MINUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/history.h"

/* Zeroed is none. At most HISTORY_MINUTES_MAX, the oldest first. */
struct advice_minutes {
	struct history_minute *list;
	size_t n, size;
	int64_t watched_s; /* of all together */
};

/* For history_read(): @ctx is the struct advice_minutes. Returns 0 or -ENOMEM. */
int advice_minutes_add(const struct history_minute *m, void *ctx);
void advice_minutes_done(struct advice_minutes *a);

/* What a minute says; NaN: nothing. */
typedef double (*advice_value_fn)(const struct history_minute *m);

/* Of the minutes that say something: the value below which a share @q (0..1) of them lies, NaN if none does or there is no memory.
 * *ret_n (may be NULL): how many they are. */
double advice_quantile(const struct advice_minutes *a, advice_value_fn value, double q,
		       size_t *ret_n);
/* Of these, the share at or above @least. 0 if none says anything. */
double advice_share(const struct advice_minutes *a, advice_value_fn value, double least);
double advice_sum(const struct advice_minutes *a, advice_value_fn value);
double advice_most(const struct advice_minutes *a, advice_value_fn value);
/* NaN if none says anything. */
double advice_least(const struct advice_minutes *a, advice_value_fn value);
/* The last that says something; NaN. */
double advice_last(const struct advice_minutes *a, advice_value_fn value);

/* Values. Ratios are of 1; of CPUs, 1 is one CPU. "busy": of minutes in which at least one request ended. */
double advice_requests(const struct history_minute *m);
double advice_connections(const struct history_minute *m);
double advice_open_connections(const struct history_minute *m);
double advice_websockets(const struct history_minute *m); /* open */
double advice_websockets_opened(const struct history_minute *m);
double advice_streams(const struct history_minute *m);
double advice_listen_drops(const struct history_minute *m);
double advice_in_flight(const struct history_minute *m);
double advice_busy_queue_s(const struct history_minute *m); /* p99 */
double advice_busy_delay(
	const struct history_minute *m); /* waited for a CPU, of the time that it had one */
double advice_worker_cpu(const struct history_minute *m); /* CPUs in use, of one a worker */
double advice_cpus(const struct history_minute *m);
double advice_workers(const struct history_minute *m);
double advice_memory(const struct history_minute *m);
double advice_free_fds(const struct history_minute *m);
double advice_fds_a_process(const struct history_minute *m);
double advice_host_cpu(const struct history_minute *m);
double advice_host_steal(const struct history_minute *m);
double advice_host_memory(const struct history_minute *m);
double advice_host_available(const struct history_minute *m); /* of all */
double advice_host_swap(const struct history_minute *m);

#endif
