/* SPDX-License-Identifier: MIT */
/*
 * What happens in the present minute (or whatever [cloudwatch] interval says), and the metrics that are made of it
 * when it is over.
 *
 * The sums live in a file that is mapped (RUNTIME_DIRECTORY/isamon.minute, so in memory: nothing here waits for a disk).
 * Each change is first noted beside them, as the values that will stand there, and then made: whoever opens the file
 * after a kill -9 at any instant makes it again, so nothing that was taken is lost or counted twice. The isamon that comes
 * next goes on with the minute, or finishes it if it is over.
 * A finished minute is a payload as ship/datum.h has it, or several, each small enough for one request with any
 * configured dimensions. It belongs to ship/pending.h then.
 */
#ifndef ISAMON_MINUTE_H
#define ISAMON_MINUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Routes with times of their own; what is beyond them is in "other". */
#define MINUTE_ROUTES_MAX 50
/* Elements of one payload: with three sets of dimensions and 150 values each, less than 1 MB. */
#define MINUTE_PART_MAX 40
#define MINUTE_PROBES_MAX 16

struct minute;

/* What is published beside the five metrics of every minute. */
struct minute_options {
	unsigned int interval_s; /* 1, 5, 10, 30, 60: the length of a minute */
	bool latency_by_route, queue, turns, restarts, probes, processes, spool_age;
};

/* A request that ended. */
struct minute_request {
	const char *route;
	bool answered;     /* its duration counts for ResponseTime */
	bool server_error; /* status >= 500, or aborted by the server */
	uint64_t duration_ns;
	bool has_queue;
	uint64_t queue_ns;
};

/* What is looked at from time to time. */
struct minute_look {
	uint64_t monotonic_ns;
	bool has_processes;
	uint64_t cpu_ns; /* of the service, cumulative since isamon began; may begin anew */
	unsigned int cpus;
	double memory_ratio; /* of MemTotal; NaN: not known */
	uint64_t processes;
	uint64_t restarts;  /* cumulative since isamon began */
	double spool_age_s; /* of the oldest minute that waits; 0: none does */
	struct {
		const char *name;
		bool up;
	} probes[MINUTE_PROBES_MAX];
	size_t n_probes;
};

/*
 * Opens or makes the file; one that is damaged, of another version, or was made with other options is set aside by being
 * begun anew, after what it has was finished if it could be read (told in @why, with 0 returned). Does not wait.
 * @now_s: since the epoch. Returns 0 or -errno, explained in @why.
 */
int minute_open(const char *path, const struct minute_options *o, int64_t now_s, struct buf *why,
		struct minute **ret);
/* The file stays. NULL is fine. */
void minute_close(struct minute *m);

void minute_request(struct minute *m, const struct minute_request *r);
/* A turn of a WebSocket was answered. */
void minute_turn(struct minute *m, uint64_t ns);
/* CPU is the difference to the look before, over the time between them; memory is the mean, least and most of the looks. */
void minute_look(struct minute *m, const struct minute_look *l);

/* When the present one began, since the epoch: a multiple of the interval. */
int64_t minute_start_s(const struct minute *m);

/*
 * If @now_s is not in the present minute: calls @fn for each payload of it, with an id that no other minute of any host has,
 * and begins the minute of @now_s. If @fn returns an error nothing is changed, and the same ids and payloads come again next
 * time, maybe with more in them. Nothing is given for a minute that was not looked at and in which no request ended.
 * Minutes in between, in which isamon did not run or was asleep, have no data. A clock that was set back begins
 * another minute of the same start.
 * Returns 0 or the error of @fn.
 */
typedef int (*minute_fn)(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx);
int minute_finish(struct minute *m, int64_t now_s, minute_fn fn, void *ctx);

/* Calls @fn with what would be given if the present minute ended now, and changes nothing. */
int minute_preview(const struct minute *m, minute_fn fn, void *ctx);

#endif
