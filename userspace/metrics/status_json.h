/* SPDX-License-Identifier: MIT */
/*
 * The state of the service now, as the daemon knows it, and the JSON in which `isamon status` gets it (GET /status
 * on the control socket) and passes it on (--json). Names and units of the JSON's keys are those of the members
 * here, but for times, which end in _seconds; ports and probes are lists of objects. What is not known is
 * absent there, and here a number that is none: NAN, or STATUS_UNKNOWN.
 */
#ifndef ISAMON_STATUS_JSON_H
#define ISAMON_STATUS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define STATUS_NAME_MAX 256
#define STATUS_WORDS_MAX 96
#define STATUS_PORTS_MAX 16
#define STATUS_PROBES_MAX 16
#define STATUS_PROBLEMS_MAX 32
#define STATUS_PROBLEM_BYTES 160
#define STATUS_UNKNOWN UINT64_MAX

struct status_port {
	uint16_t port;
	bool listening;
	uint64_t queue_length, queue_limit; /* connections that wait to be accepted */
	uint64_t drops;                     /* in the interval */
	double waiting_since_s; /* since when some wait, none was taken, and no request of any port was answered */
};

struct status_probe {
	char name[32];
	bool up;
};

struct status {
	char service[STATUS_NAME_MAX];
	bool service_up; /* something listens on one of the ports */
	double now_s;    /* since the epoch, as the others ending in _s that are no durations */
	double isamon_since_s; /* when isamon began */
	double up_since_s;     /* when the main process began */
	double down_since_s;   /* when isamon saw that nothing listens any more */
	uint64_t main_pid;
	uint64_t mains, workers, helpers; /* processes */

	/* Requests that ended in the interval before now; all are NAN and unknown without an interval. */
	double interval_s;
	double requests_per_second;
	double errors_per_second; /* 5xx, and aborts by the service */
	uint64_t errors;
	double error_ratio; /* of the requests; NAN: there were none */
	double p50_s, p99_s, queue_p99_s;
	double turn_p99_s; /* of the turns of its WebSockets */

	uint64_t in_flight, connections, websockets_open;
	double cpu_ratio; /* of all CPUs of the host */
	double cpus_used; /* 1: one whole CPU */
	uint64_t memory_bytes, swap_bytes;
	double memory_ratio; /* of the host's */
	uint64_t threads, open_fds;
	uint64_t least_free_fds; /* of the process that is nearest to its limit */
	double cpu_throttled_ratio; /* in the interval: share of the periods in which the CPU limit was reached */

	/* Since isamon began. */
	uint64_t restarts, oom_kills;
	uint64_t crashes;    /* unexpected ends of the main process in the time of a crash loop */
	uint64_t crash_loop; /* 0, 1 */
	char last_exit
		[STATUS_WORDS_MAX];  /* of the main process: "exit status 3"; "": none was seen */
	uint64_t last_exit_expected; /* 0, 1 */
	double last_exit_s;
	char last_kill
		[STATUS_WORDS_MAX]; /* of any process of the service by a signal nobody sends in peace */
	double last_kill_s;
	char last_crash
		[STATUS_WORDS_MAX]; /* of these the last one that speaks against the service */
	double last_crash_s;
	char last_oom[STATUS_WORDS_MAX]; /* because memory ran out */
	double last_oom_s;

	struct status_port ports[STATUS_PORTS_MAX];
	size_t n_ports;
	struct status_probe probes[STATUS_PROBES_MAX];
	size_t n_probes;
	uint64_t records_lost; /* in the interval */

	/* Pushing to CloudWatch; nothing of it is known where that is off. */
	uint64_t cloudwatch_on;      /* 1 */
	uint64_t cloudwatch_minutes; /* that wait */
	double cloudwatch_success_s; /* when CloudWatch last took some */
	char cloudwatch_problem[2 * STATUS_NAME_MAX];

	/* Shipping logs; nothing of it is known where that is off. */
	uint64_t logs_on;            /* 1 */
	uint64_t logs_events;        /* that CloudWatch Logs took, since isamon began */
	uint64_t logs_backlog_bytes; /* that were not read yet */
	double logs_oldest_s;  /* time of the oldest event that was read and has not arrived */
	double logs_success_s; /* when it last took some */
	char logs_problem[2 * STATUS_NAME_MAX];

	/* Jobs; nothing of them is known where none is configured. */
	uint64_t jobs, jobs_running;
	char jobs_problem[2 * STATUS_NAME_MAX]; /* which ended badly, or is overdue */

	char update_unfinished[STATUS_NAME_MAX];  /* the tree of an update that was cut off */
	char restore_unfinished[STATUS_NAME_MAX]; /* the directory of a restore that was cut off */

	/* What cmd/status_verdict.h says of all this; only written, and only if it has. */
	bool judged;
	bool fine;
	char problems[STATUS_PROBLEMS_MAX][STATUS_PROBLEM_BYTES];
	size_t n_problems;
};

/* Nothing is known. */
void status_init(struct status *s);

/* Appends it as one JSON object. What is not UTF-8 is replaced. Returns 0 or -errno. */
int status_json_write(const struct status *s, struct buf *out);

/* Reads it. Keys that are not known are passed over. Returns 0; -EPROTO: it is not what a daemon writes; -ENOMEM.
 * Every text in *ret ends with a NUL, every double is finite or NAN, and none of the ratios is below 0. */
int status_json_parse(const char *json, size_t len, struct status *ret);

#endif
