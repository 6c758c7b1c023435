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
 * configured dimensions. It belongs to ship/pending.h then. Which metrics there are, and of what: ship/minute_data.h.
 */
#ifndef ISAMON_MINUTE_H
#define ISAMON_MINUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Routes with times of their own, of one minute; what is beyond them is in "other". */
#define MINUTE_ROUTES_MAX 50
/* Elements of one payload: with three sets of dimensions and 150 values each, less than 1 MB. */
#define MINUTE_PART_MAX 40
#define MINUTE_PROBES_MAX 16

struct minute;

/* What is published beside the five metrics of every minute. */
struct minute_options {
	unsigned int interval_s; /* 1, 5, 10, 30, 60: the length of a minute */
	bool latency_by_route, queue, turns, restarts, probes, processes, spool_age, log_errors,
		exceptions, jobs;
};

/* A request that ended. */
struct minute_request {
	const char *route; /* NULL: "other" */
	bool answered;     /* its duration counts for ResponseTime */
	bool server_error; /* status >= 500, or aborted by the server */
	uint64_t duration_ns;
	bool has_queue;
	uint64_t queue_ns;
};

/* What was counted in the logs: since ever, also by those who counted before. */
struct minute_counted {
	uint64_t errors, exceptions;
};

struct minute_logs {
	bool known;                       /* somebody counts, and has said so just now */
	uint64_t counter;                 /* who: another number, not 0, for each that begins */
	struct minute_counted first, now; /* when it began, before it read anything; now */
};

/* Runs of jobs that did not succeed, and jobs that are overdue. */
struct minute_jobs {
	bool known;   /* somebody counts */
	bool lasting; /* since ever, also by those who counted before; else since @counter began */
	uint64_t counter;    /* who: another number, not 0, for each that begins */
	uint64_t first, now; /* failures when it began, before it found any; now */
	uint64_t overdue;    /* now */
};

/* What is looked at from time to time. */
struct minute_look {
	uint64_t monotonic_ns;
	bool has_processes;
	uint64_t cpu_ns; /* of the service, cumulative since isamon began; may begin anew */
	unsigned int cpus;
	double memory_ratio; /* of MemTotal; NaN: not known */
	uint64_t processes;
	uint64_t restarts;  /* cumulative; the first look says from where on */
	double spool_age_s; /* of the oldest minute that waits; 0: none does */
	struct minute_logs logs;
	struct minute_jobs jobs;
	struct {
		const char *name;
		bool up;
	} probes[MINUTE_PROBES_MAX];
	size_t n_probes;
};

/*
 * Opens or makes the file. One that is damaged or of another version is begun anew, told in @why with 0 returned. Other
 * options than those it was made with hold from the next minute on. Does not wait.
 * What ended before a kill and was not given yet is given by the first minute_finish(): call that before minutes go from
 * ship/pending.h to the spool.
 * @now_s: since the epoch. Returns 0 or -errno, explained in @why.
 */
int minute_open(const char *path, const struct minute_options *o, int64_t now_s, struct buf *why,
		struct minute **ret);
/* The file stays. NULL is fine. */
void minute_close(struct minute *m);

void minute_request(struct minute *m, const struct minute_request *r);
/* A turn of a WebSocket was answered. */
void minute_turn(struct minute *m, uint64_t ns);
/* CPU is the difference to the look before, over the time between them, if both know of processes; the others are the
 * mean, least and most of the looks. Of the logs it counts what is more than at the look before, also that of an isamon that was
 * killed; what was counted before any look is not of this minute. A minute in which no look knows has no count. So it does of
 * failures of jobs, but for what failed while they were not wanted. Of jobs that are overdue the last look of the minute is all. */
void minute_look(struct minute *m, const struct minute_look *l);

/* When the present one began, since the epoch: a multiple of the interval. */
int64_t minute_start_s(const struct minute *m);
/* How long it is: what was wanted when it began. */
unsigned int minute_interval_s(const struct minute *m);

/*
 * If @now_s is not in the present minute that is finished, and the minute of @now_s begins. What is finished is given to @fn:
 * each payload once, with an id that no other has. If @fn returns an error that payload comes again next time, with the
 * same id and the same content, before anything else is finished: until then the present minute goes on, however long.
 * (After a kill while @fn ran, too: it may have done its work already, but an id always has the same content.)
 * Nothing is given for a minute that was not looked at and in which nothing happened.
 * Minutes in between, in which isamon did not run or was asleep, have no data. A clock that was set back begins
 * another minute of the same start.
 * Returns 0, -ENOMEM or the error of @fn.
 */
typedef int (*minute_fn)(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx);
int minute_finish(struct minute *m, int64_t now_s, minute_fn fn, void *ctx);

/* Calls @fn with what would be given if the present minute ended now, and changes nothing. Errors likewise. */
int minute_preview(const struct minute *m, minute_fn fn, void *ctx);

#endif
