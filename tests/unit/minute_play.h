/* SPDX-License-Identifier: MIT */
/* A file of the present minute, and things that happen in it. */
#ifndef ISAMON_TEST_MINUTE_PLAY_H
#define ISAMON_TEST_MINUTE_PLAY_H

#include <unistd.h>

#include "ship/minute_file.h"
#include "unit/minute_truth.h"

#define MS 1000000ull
#define START 1764140040 /* of a minute */

static char path[300];
static struct buf why = BUF_INIT(1000);
static uint64_t restarts; /* that look() tells */

UNIT_USED_ static const struct minute_options five = { .interval_s = 60 };
static const struct minute_options all = { .interval_s = 60,
					   .latency_by_route = true,
					   .queue = true,
					   .turns = true,
					   .restarts = true,
					   .probes = true,
					   .processes = true,
					   .spool_age = true,
					   .log_errors = true,
					   .exceptions = true,
					   .jobs = true };

static struct minute *open_at(const struct minute_options *o, int64_t now_s)
{
	struct minute *m = NULL;

	buf_reset(&why);
	EXPECT_INT(minute_open(path, o, now_s, &why, &m), 0);
	return m;
}

static struct minute *begin(const struct minute_options *o)
{
	unlink(path);
	truth_forget();
	return open_at(o, START + 17);
}

static void request(struct minute *m, const char *route, uint64_t ms)
{
	struct minute_request r = { .route = route,
				    .answered = true,
				    .duration_ns = ms * MS,
				    .has_queue = true,
				    .queue_ns = ms * MS / 10 };

	minute_request(m, &r);
}

static void look(struct minute *m, uint64_t second, uint64_t cpu_ms)
{
	struct minute_look l = { .monotonic_ns = second * 1000 * MS,
				 .has_processes = true,
				 .cpu_ns = cpu_ms * MS,
				 .cpus = 4,
				 .memory_ratio = 0.01 * (double)second,
				 .processes = second,
				 .restarts = restarts,
				 .spool_age_s = 60.0 * (double)second,
				 .probes = { { "http", true }, { "life", second % 2 == 0 } },
				 .n_probes = 2 };

	minute_look(m, &l);
}

#endif
