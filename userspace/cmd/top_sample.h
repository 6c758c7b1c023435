/* SPDX-License-Identifier: MIT */
/*
 * One reading of the service's counters, for `isamon top`: out of the daemon's JSON or out of metrics of
 * our own. Everything but in_flight, connections, max_ns and what is open is cumulative since since_ns.
 */
#ifndef ISAMON_TOP_SAMPLE_H
#define ISAMON_TOP_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/top_process.h"
#include "metrics/histogram.h"
#include "metrics/http_metrics.h"

/* More routes in one answer are no daemon's. */
#define TOP_ROUTES_MAX 100000

struct top_route {
	char *route;
	uint64_t requests;
	uint64_t client_errors;
	uint64_t server_errors;
	uint64_t aborts;
	uint64_t max_ns[2]; /* of the present and of the last full second */
	struct histogram duration;
	struct histogram queue;
};

struct top_sample {
	char *service;
	bool service_up;
	uint64_t monotonic_ns; /* when it was taken */
	uint64_t since_ns;     /* when counting began */
	uint64_t in_flight;
	uint64_t connections; /* open now */
	uint64_t records_lost;
	struct http_chat_stats chat;
	struct top_process *processes; /* NULL: nobody knows them */
	size_t n_processes;
	struct top_process_rest rest;
	struct top_route *routes;
	size_t n_routes;
};

/* Reads the daemon's answer. 0; -EPROTO: it is not what the daemon writes; -ENOMEM. Caller frees. */
int top_sample_parse(const char *json, size_t len, struct top_sample **ret);

/* Reads @m. *head gives everything but the routes and what @m's totals say; its service is copied.
 * 0 or -ENOMEM. */
int top_sample_take(const struct http_metrics *m, const struct top_sample *head,
		    struct top_sample **ret);

void top_sample_free(struct top_sample *s);
/* For _cleanup_(top_sample_freep). */
void top_sample_freep(struct top_sample **s);

#endif
