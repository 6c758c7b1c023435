/* SPDX-License-Identifier: MIT */
/* What is looked at within a minute is summed once, and what was not looked at is not known. */
#include "cmd/history_sum.h"

#include <string.h>

#include "base/clock.h"
#include "unit.h"

#define S NS_PER_SEC
#define START_S 1800000000 /* a multiple of 60 */

static struct history_sum sum;

static struct history_look look_at(uint64_t s, uint64_t cpu_s)
{
	const struct history_look l = {
		.monotonic_ns = s * S,
		.has_processes = true,
		.cpu_ns = cpu_s * S,
		.processes = 3,
		.workers = 2,
		.memory_bytes = 1000 + s,
		.open_fds = 20,
		.free_fds = 1000 - s,
		.has_delay = true,
		.delay_ns = cpu_s * S / 10,
		.cpus = 4,
		.has_host_cpu = true,
		.host_cpu = { .busy = 100 * cpu_s, .idle = 400 * s - 100 * cpu_s },
		.has_host_memory = true,
		.host_memory = { .total = 8000,
				 .available = 4000 - s,
				 .swap_total = 9,
				 .swap_free = 2 },
		.streams = s,
	};

	return l;
}

static void begin(void)
{
	struct history_look l = look_at(100, 10);
	const struct history_glance g = { .known = true, .ended = 1000, .connections = 70 };

	memset(&sum, 0, sizeof(sum));
	history_sum_begin(&sum, START_S, 100 * S);
	history_sum_glance(&sum, &g);
	history_sum_look(&sum, &l);
}

static void sums_a_minute(void)
{
	struct history_look l = look_at(130, 25);
	const struct history_glance g = { .known = true,
					  .ended = 1003,
					  .in_flight = 5,
					  .connections = 72,
					  .open_connections = 9,
					  .open_websockets = 1,
					  .websockets = 4 };
	const struct http_observed requests[] = {
		{ .answered = true, .duration_ns = S, .has_queue = true, .queue_ns = S / 100 },
		{ .answered = true, .duration_ns = 3 * S, .server_error = true },
		{ .kind = HTTP_OBSERVED_TURN, .answered = true, .duration_ns = 100 * S },
	};
	struct history_minute m;

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		history_sum_request(&sum, &requests[i]);
	history_sum_look(&sum, &l);
	l = look_at(160, 40);
	history_sum_glance(&sum, &g);
	history_sum_look(&sum, &l);
	history_sum_end(&sum, 160 * S, &m);
	EXPECT_INT(m.watched_s, 60);
	EXPECT_INT(m.requests, 3); /* the record of one was lost */
	EXPECT_INT(m.errors, 1);
	EXPECT_INT(m.timed, 2);
	EXPECT_INT(m.p99_ns / 100000000 >= 29 && m.p99_ns / 100000000 <= 31, 1);
	EXPECT_INT(m.queue_p99_ns / 1000000 >= 9 && m.queue_p99_ns / 1000000 <= 11, 1);
	EXPECT_INT(m.in_flight_max, 5);
	EXPECT_INT(m.connections, 2);
	EXPECT_INT(m.websockets, 4);
	EXPECT_INT(m.connections_max, 9);
	EXPECT_INT(m.websockets_max, 1);
	EXPECT_INT(m.streams, 60);
	EXPECT_INT(m.sampled_ns, 60ll * (int64_t)S);
	EXPECT_INT(m.cpu_ns, 30ll * (int64_t)S);
	EXPECT_INT(m.delay_ns, 3ll * (int64_t)S);
	EXPECT_INT(m.cpus, 4);
	EXPECT_INT(m.workers, 2);
	EXPECT_INT(m.memory_bytes, 1160);
	EXPECT_INT(m.free_fds_min, 840);
	EXPECT_INT(m.host_cpu_ppm, 125000); /* 30 s of 4 * 60 s */
	EXPECT_INT(m.host_available_bytes, 3840);
	EXPECT_INT(m.host_swap_bytes, 7);
}

static void counts_nothing_twice(void)
{
	struct history_look l = look_at(160, 40);
	struct history_minute a, b;

	begin();
	history_sum_look(&sum, &l);
	history_sum_end(&sum, 160 * S, &a);
	history_sum_begin(&sum, START_S + 60, 160 * S);
	l = look_at(170, 41);
	history_sum_look(&sum, &l);
	history_sum_end(&sum, 170 * S, &b);
	EXPECT_INT(a.cpu_ns + b.cpu_ns, 31ll * (int64_t)S);
	EXPECT_INT(b.streams, 10);
	EXPECT_INT(b.requests, HISTORY_UNKNOWN); /* without a glance */
	EXPECT_INT(b.watched_s, 10);
	EXPECT_INT(b.p99_ns, HISTORY_UNKNOWN);
	EXPECT_INT(b.host_cpu_ppm, 25000); /* 1 s of 4 * 10 s */
}

/* The service was started anew, or its processes are not known for a while. */
static void knows_what_it_does_not_know(void)
{
	struct history_look l = look_at(130, 5);
	struct history_minute m;

	begin();
	history_sum_look(&sum, &l); /* a counter that begins anew */
	l.has_processes = l.has_host_cpu = l.has_host_memory = false;
	l.monotonic_ns = 140 * S;
	history_sum_look(&sum, &l);
	l = look_at(160, 6);
	history_sum_look(&sum, &l);
	history_sum_end(&sum, 160 * S, &m);
	EXPECT_INT(m.cpu_ns, 0);
	EXPECT_INT(m.sampled_ns, 30ll * (int64_t)S);
	memset(&sum, 0, sizeof(sum));
	history_sum_begin(&sum, START_S, 0);
	history_sum_end(&sum, 60 * S, &m);
	EXPECT_INT(m.cpu_ns, HISTORY_UNKNOWN);
	EXPECT_INT(m.in_flight_max, HISTORY_UNKNOWN);
	EXPECT_INT(m.connections, HISTORY_UNKNOWN);
	EXPECT_INT(m.requests, HISTORY_UNKNOWN);
	EXPECT_INT(m.timed, HISTORY_UNKNOWN);
	/* The probe was lost within it. */
	begin();
	history_sum_end(&sum, 160 * S, &m);
	EXPECT_INT(m.requests, 0);
	history_sum_begin(&sum, START_S + 60, 160 * S);
	history_sum_end(&sum, 220 * S, &m);
	EXPECT_INT(m.requests, HISTORY_UNKNOWN);
	EXPECT_INT(m.connections, HISTORY_UNKNOWN);
}

static const struct unit_case cases[] = {
	{ "sums a minute", sums_a_minute },
	{ "nothing is counted twice", counts_nothing_twice },
	{ "what is not known is not zero", knows_what_it_does_not_know },
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
