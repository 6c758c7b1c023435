/* SPDX-License-Identifier: MIT */
/*
 * fill_spool DIRECTORY MINUTES STEP REQUESTS ROUTES    a state file in which minutes wait to be pushed
 *
 * Made by the same modules that the daemon has. The newest is the last whole minute, the others are STEP seconds apart,
 * back from there; each has so many requests, of a log-normal duration, on so many routes (0: without LatencyByRoute, the
 * five metrics only). Says how many payloads, of how many bytes. With routes the durations are from 10 us to hours.
 */
#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/number.h"
#include "ship/minute.h"
#include "store/spool.h"
#include "store/store.h"

#define IN_FLIGHT_MAX 256 /* handed to the store and not on the disk yet */

struct fill {
	struct event_base *base;
	struct store *store;
	struct spool *spool;
	struct minute *minute;
	uint64_t minutes, step_s, requests, routes;
	size_t in_flight, payloads, bytes;
	int err;
};

static uint64_t state = 88172645463325252ull;

/* xorshift64: 0 < result < 1, the same each time. */
static double random_unit(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

/* Median 80 ms, and a tail; the wider fills all the values that a metric can have. */
static uint64_t random_duration_ns(bool wide)
{
	double normal = sqrt(-2 * log(random_unit())) * cos(2 * M_PI * random_unit());

	return (uint64_t)(80e6 * exp((wide ? 3 : 1.2) * normal));
}

static void on_added(int err, int64_t id, void *ctx)
{
	struct fill *f = ctx;

	(void)id;
	f->in_flight--;
	if (err)
		f->err = err;
}

static int wait_for_store(struct fill *f, size_t in_flight)
{
	while (f->in_flight > in_flight && !f->err)
		event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
	return f->err;
}

static int on_payload(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	struct fill *f = ctx;
	int err = spool_add(f->spool, id, start_s, payload, n, on_added, f);

	if (err)
		return err;
	f->in_flight++;
	f->payloads++;
	f->bytes += n;
	return wait_for_store(f, IN_FLIGHT_MAX);
}

static void add_requests(struct fill *f)
{
	char route[32] = "/api/models";

	for (uint64_t i = 0; i < f->requests; i++) {
		uint64_t ns = random_duration_ns(f->routes > 0);
		struct minute_request r = { .route = route, .answered = true, .duration_ns = ns };

		if (f->routes)
			snprintf(route, sizeof(route), "/api/route-%u",
				 (unsigned int)(i % f->routes));
		r.server_error = i % 100 == 99;
		minute_request(f->minute, &r);
	}
}

static void add_look(struct fill *f, uint64_t monotonic_ns)
{
	const struct minute_look look = {
		.monotonic_ns = monotonic_ns,
		.has_processes = true,
		.cpu_ns = monotonic_ns / 7,
		.cpus = 2,
		.memory_ratio = 0.1 + 0.01 * random_unit(),
		.processes = 3,
	};

	minute_look(f->minute, &look);
}

static int fill(struct fill *f, const char *directory)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096), path = BUF_INIT(4096);
	const struct minute_options options = { .interval_s = 60,
						.latency_by_route = f->routes > 0 };
	int64_t end_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC) / 60 * 60;
	int64_t start_s = end_s - 60 - (int64_t)((f->minutes - 1) * f->step_s);
	int err = buf_printf(&path, "%s/fill.minute", directory);

	if (!err)
		err = minute_open(buf_str(&path), &options, start_s, &why, &f->minute);
	for (uint64_t i = 0; i < f->minutes && !err; i++) {
		int64_t next_s = i + 1 < f->minutes ? start_s + (int64_t)f->step_s : end_s;

		add_look(f, i * 60 * NS_PER_SEC + NS_PER_SEC);
		add_requests(f);
		add_look(f, i * 60 * NS_PER_SEC + 59 * NS_PER_SEC);
		err = minute_finish(f->minute, next_s, on_payload, f);
		start_s = next_s;
	}
	if (!err)
		err = wait_for_store(f, 0);
	minute_close(f->minute);
	unlink(buf_str(&path));
	if (err)
		fprintf(stderr, "fill_spool: %s %s\n", strerror(-err), buf_str(&why));
	return err;
}

static int with_store(struct fill *f, const char *directory)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	const struct spool_limits limits = { .max_age_s = 14 * 86400, .max_bytes = 16ull << 30 };
	int err;

	f->base = event_base_new();
	if (!f->base)
		return -ENOMEM;
	err = store_open(f->base, directory, &why, &f->store);
	if (!err)
		err = spool_open(f->store, &limits, &why, &f->spool);
	if (err)
		fprintf(stderr, "fill_spool: %s\n", buf_str(&why));
	else
		err = fill(f, directory);
	spool_close(f->spool);
	store_close(f->store);
	event_base_free(f->base);
	return err;
}

int main(int argc, char **argv)
{
	struct fill f = { 0 };

	if (argc != 6 || number_parse_u64(argv[2], 1, 100000, &f.minutes) != 0 ||
	    number_parse_u64(argv[3], 60, 14 * 86400, &f.step_s) != 0 ||
	    number_parse_u64(argv[4], 0, 1000000, &f.requests) != 0 ||
	    number_parse_u64(argv[5], 0, MINUTE_ROUTES_MAX, &f.routes) != 0) {
		fprintf(stderr, "usage: fill_spool DIRECTORY MINUTES STEP REQUESTS ROUTES\n");
		return 2;
	}
	if (with_store(&f, argv[1]) != 0)
		return 1;
	printf("%zu payloads, %zu bytes\n", f.payloads, f.bytes);
	return 0;
}
