/* SPDX-License-Identifier: MIT */
/*
 * Things that happen in a minute, made of their number alone, and the sums that tell each of them from the others: for tests that end it at
 * any instant.
 */
#ifndef ISAMON_TEST_MINUTE_SUMS_H
#define ISAMON_TEST_MINUTE_SUMS_H

#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "nomem.h"

#include "base/buf.c"
#include "base/table.c"
#include "ship/minute.c"
#include "ship/minute_data.c"
#include "ship/minute_file.c"

#include "unit/minute_options.h"
#include "unit/minute_path.h"
#include "unit/minute_truth.h"

/* What is counted in the logs, each 11th event by one look. */
#define LOG_ERRORS(i) (2 * (i) + 100)
#define EXCEPTIONS(i) ((i) + 50)
/* Likewise of jobs. */
#define FAILURES(i) (3 * (i) + 70)

UNIT_USED_ static void *share(size_t n)
{
	void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

UNIT_USED_ static struct minute *reopen(int64_t now_s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct minute *m = NULL;

	EXPECT_INT(minute_open(path, &all, now_s, &why, &m), 0);
	EXPECT_STR(buf_str(&why), "");
	return m;
}

static void happen(struct minute *m, unsigned int i)
{
	char route[20];
	struct minute_request r = { .route = route,
				    .answered = i % 7 != 6,
				    .server_error = i % 5 == 0,
				    .duration_ns = (i % 1000 + 1) * MS,
				    .has_queue = i % 3 == 0,
				    .queue_ns = i % 50 * MS };
	struct minute_look l = { .monotonic_ns = (i + 1) * 10 * MS,
				 .has_processes = true,
				 .cpu_ns = i * MS,
				 .cpus = 1,
				 .memory_ratio = i % 100 / 128.0,
				 .processes = i % 10,
				 .spool_age_s = i % 30,
				 .logs = { .known = true,
					   .counter = 1,
					   .first = { LOG_ERRORS(4) - 22, EXCEPTIONS(4) - 11 },
					   .now = { LOG_ERRORS(i), EXCEPTIONS(i) } },
				 .jobs = { .known = true,
					   .lasting = true,
					   .counter = 1,
					   .first = FAILURES(4) - 33,
					   .now = FAILURES(i),
					   .overdue = i % 3 },
				 .probes = { { "http", i % 2 },
					     { i % 9 ? "life" : "queue", true } },
				 .n_probes = 2 };

	if (i % 11 == 4) {
		minute_look(m, &l);
	} else if (i % 11 == 8) {
		minute_turn(m, (i % 400 + 1) * MS);
	} else {
		snprintf(route, sizeof(route), "/%u", i * 2654435761u % 70);
		minute_request(m, &r);
	}
}

/* Sums that tell each event from the others. */
struct sums {
	double requests, errors, responses, response_ms, queues, queue_ms, turns, turn_ms, looks,
		processes, routes_ms, log_errors, exceptions, failures;
};

static void sums_add(struct sums *s, unsigned int i)
{
	bool answered = i % 7 != 6;

	if (i % 11 == 4) {
		s->looks++;
		s->processes += i % 10;
		s->log_errors += 22;
		s->exceptions += 11;
		s->failures += 33;
	} else if (i % 11 == 8) {
		s->turns++;
		s->turn_ms += i % 400 + 1;
	} else {
		s->requests++;
		s->errors += i % 5 == 0;
		s->responses += answered;
		s->response_ms += answered ? i % 1000 + 1 : 0;
		s->routes_ms += answered ? i % 1000 + 1 : 0;
		s->queues += i % 3 == 0;
		s->queue_ms += i % 3 == 0 ? i % 50 : 0;
	}
}

static struct truth total(const char *name)
{
	struct truth *t = truth_get(name, "");

	return t ? *t : (struct truth){ 0 };
}

static struct sums sums_read(void)
{
	struct sums s = { .requests = total("RequestCount").value,
			  .errors = total("ErrorCount").value,
			  .responses = total("ResponseTime").count,
			  .response_ms = total("ResponseTime").sum,
			  .queues = total("QueueTime").count,
			  .queue_ms = total("QueueTime").sum,
			  .turns = total("TurnTime").count,
			  .turn_ms = total("TurnTime").sum,
			  .looks = total("Processes").count,
			  .processes = total("Processes").sum,
			  .log_errors = total("LogErrors").value,
			  .exceptions = total("Exceptions").value,
			  .failures = total("JobFailures").value };

	for (size_t i = 0; i < truths.n; i++) {
		const struct truth *t = &truths.metrics[i];

		EXPECT_NEAR(t->counts, strcmp(t->unit, "Milliseconds") ? 0 : t->count, 0);
		if (strncmp(t->dimension, "Route=", 6) == 0)
			s.routes_ms += t->sum;
	}
	return s;
}

static bool sums_same(const struct sums *a, const struct sums *b)
{
	const double *x = &a->requests, *y = &b->requests;

	for (size_t i = 0; i < sizeof(*a) / sizeof(double); i++)
		if (fabs(x[i] - y[i]) > 1e-6 * fabs(x[i]))
			return false;
	return true;
}

#endif
