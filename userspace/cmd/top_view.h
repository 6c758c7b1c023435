/* SPDX-License-Identifier: MIT */
/* What happened between two samples, route by route. Pure arithmetic. */
#ifndef ISAMON_TOP_VIEW_H
#define ISAMON_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/top_sample.h"

enum top_sort {
	TOP_SORT_REQUESTS,
	TOP_SORT_ERRORS,
	TOP_SORT_QUEUE,
	TOP_SORT_P50,
	TOP_SORT_P99,
	TOP_SORT_MAX,
};

struct top_row {
	const char *route; /* owned by the newer sample */
	uint64_t requests; /* that ended in the interval */
	double requests_s;
	double errors_s; /* 5xx and aborts by the server */
	double client_errors_s;
	double aborts_s;
	/* Of the interval; all 0 when requests is. */
	uint64_t p50_ns;
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
	uint64_t queued; /* those of which the wait until the service read them is known */
	uint64_t queue_p99_ns;
};

/* WebSockets and streams, over all routes. */
struct top_chat {
	bool any; /* there was ever one of either */
	double messages_in_s;
	double messages_out_s;
	double turns_s;
	uint64_t turns; /* of the interval */
	uint64_t turn_p50_ns;
	uint64_t turn_p99_ns;
	double streams_s; /* that ended, aborted ones too */
	double streams_aborted_s;
};

struct top_view {
	const struct top_sample *sample; /* the newer one */
	double interval_s;
	bool restarted;       /* counting began anew between the two samples */
	uint64_t lost;        /* records lost in the interval */
	struct top_row total; /* all routes together; its route is NULL */
	struct top_row *rows; /* sorted by requests */
	size_t n_rows;
	struct top_chat chat;
	struct top_process_row *processes; /* by CPU time; none where nobody knows them */
	size_t n_processes;
};

/*
 * From @older to @newer; a route that is not in @older counts from 0. If the daemon was started anew
 * between them, so does everything, and the interval begins with that start.
 * @newer must outlive the view. 0 or -ENOMEM. Caller frees with top_view_free().
 */
int top_view_new(const struct top_sample *older, const struct top_sample *newer,
		 struct top_view **ret);
void top_view_free(struct top_view *v);
/* For _cleanup_(top_view_freep). */
void top_view_freep(struct top_view **v);

/* Largest first; routes without requests come last, equals by name. */
void top_view_sort(struct top_view *v, enum top_sort by);

#endif
