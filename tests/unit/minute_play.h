/* SPDX-License-Identifier: MIT */
/* A file of the present minute, and things that happen in it. */
#ifndef ISAMON_TEST_MINUTE_PLAY_H
#define ISAMON_TEST_MINUTE_PLAY_H

#include "ship/minute_file.h"
#include "unit/minute_options.h"
#include "unit/minute_path.h"
#include "unit/minute_truth.h"

static struct buf why = BUF_INIT(1000);
static uint64_t restarts; /* that look() tells */

UNIT_USED_ static const struct minute_options five = { .interval_s = 60 };

static struct minute *open_at(const struct minute_options *o, int64_t now_s)
{
	struct minute *m = NULL;

	buf_reset(&why);
	EXPECT_INT(minute_open(path, o, now_s, &why, &m), 0);
	return m;
}

UNIT_USED_ static struct minute *begin(const struct minute_options *o)
{
	unlink(path);
	truth_forget();
	return open_at(o, START + 17);
}

UNIT_USED_ static void request(struct minute *m, const char *route, uint64_t ms)
{
	struct minute_request r = { .route = route,
				    .answered = true,
				    .duration_ns = ms * MS,
				    .has_queue = true,
				    .queue_ns = ms * MS / 10 };

	minute_request(m, &r);
}

UNIT_USED_ static void look(struct minute *m, uint64_t second, uint64_t cpu_ms)
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

UNIT_USED_ static void expect_value(const char *name, const char *unit, double value)
{
	const struct truth *t = truth_get(name, "");

	if (!t) {
		FAIL_CASE("there is no %s", name);
		return;
	}
	EXPECT_STR(t->unit, unit);
	EXPECT_UINT(t->n, 1);
	EXPECT_NEAR(t->count, 0, 0);
	EXPECT_NEAR(t->value, value, 1e-9 * value);
}

UNIT_USED_ static void expect_set(const char *name, const char *dimension, const char *unit,
				  double count, double sum, double min, double max)
{
	const struct truth *t = truth_get(name, dimension);

	if (!t) {
		FAIL_CASE("there is no %s %s", name, dimension);
		return;
	}
	EXPECT_STR(t->unit, unit);
	EXPECT_UINT(t->n, 1);
	EXPECT_NEAR(t->count, count, 0);
	EXPECT_NEAR(t->sum, sum, 1e-9 * sum);
	EXPECT_NEAR(t->min, min, 1e-9 * min);
	EXPECT_NEAR(t->max, max, 1e-9 * max);
}

#endif
