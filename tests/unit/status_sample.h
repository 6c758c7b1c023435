/* SPDX-License-Identifier: MIT */
/* A service that is up and fine, and of which everything is known. */
#ifndef ISAMON_STATUS_SAMPLE_H
#define ISAMON_STATUS_SAMPLE_H

#include "metrics/status_json.h"

#define SAMPLE_NOW 1795480512.5

static inline struct status status_sample(void)
{
	struct status s;

	status_init(&s);
	s = (struct status){
		.service = "shop",
		.service_up = true,
		.now_s = SAMPLE_NOW,
		.isamon_since_s = SAMPLE_NOW - 90061,
		.up_since_s = SAMPLE_NOW - 4350,
		.down_since_s = s.down_since_s,
		.main_pid = 4711,
		.mains = 1,
		.workers = 4,
		.helpers = 1,
		.interval_s = 14.25,
		.requests_per_second = 12.5,
		.errors_per_second = 0.25,
		.errors = 3,
		.error_ratio = 0.02,
		.p50_s = 0.0123,
		.p99_s = 0.34,
		.queue_p99_s = 0.0012,
		.turn_p99_s = 2.4,
		.in_flight = 3,
		.connections = 12,
		.websockets_open = 1,
		.cpu_ratio = 0.125,
		.cpus_used = 0.5,
		.memory_bytes = 412 << 20,
		.swap_bytes = 3 << 20,
		.memory_ratio = 0.051,
		.threads = 17,
		.open_fds = 87,
		.least_free_fds = 937,
		.cpu_throttled_ratio = 0.25,
		.restarts = 2,
		.oom_kills = 1,
		.crashes = 1,
		.crash_loop = 0,
		.last_exit = "uvicorn 4242: exit status 3",
		.last_exit_expected = 0,
		.last_exit_s = SAMPLE_NOW - 4353,
		.last_kill = "uvicorn 4243: signal 9 (Killed)",
		.last_kill_s = SAMPLE_NOW - 9000,
		.last_crash = "uvicorn 4244: signal 11 (Segmentation fault)",
		.last_crash_s = SAMPLE_NOW - 9500,
		.last_oom = "uvicorn 4245: signal 9 (Killed)",
		.last_oom_s = SAMPLE_NOW - 9001,
		.ports = { { 8000, true, 0, 2048, 0, s.down_since_s },
			   { 8001, true, 1, 128, 2, SAMPLE_NOW - 1.5 } },
		.n_ports = 2,
		.probes = { { "http", true }, { "life", false } },
		.n_probes = 2,
		.records_lost = 0,
		.cloudwatch_on = 1,
		.cloudwatch_minutes = 2,
		.cloudwatch_success_s = SAMPLE_NOW - 12.5,
		.cloudwatch_problem = "no credentials",
		.logs_on = 1,
		.logs_events = 70000,
		.logs_backlog_bytes = 3 << 20,
		.logs_oldest_s = SAMPLE_NOW - 90,
		.logs_success_s = SAMPLE_NOW - 1.5,
		.logs_problem = "",
		.jobs = 3,
		.jobs_running = 1,
		.jobs_problem = "backup failed",
	};
	return s;
}

#endif
