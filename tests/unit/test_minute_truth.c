/* SPDX-License-Identifier: MIT */
/* What CloudWatch makes of a minute, against what was true: percentiles within 5 %, count, sum, min, max exactly; and that
 * the largest minute of all keeps every limit of the API. */
#include "unit.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ship/datum.h"
#include "ship/minute.h"
#include "ship/put_metric_data.h"
#include "unit/minute_options.h"

#define START_S 1795651200 /* the beginning of a minute */
#define REQUESTS 20000
#define OFF 0.05 /* what a percentile may be off by */

static char directory[64];

static const char *scratch(const char *name)
{
	static char path[128];

	if (!directory[0]) {
		const char *tmp = getenv("TMPDIR");

		snprintf(directory, sizeof(directory), "%.40s/truth.XXXXXX", tmp ? tmp : "/tmp");
		if (!mkdtemp(directory))
			return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
	return path;
}

static struct minute *new_minute(const struct minute_options *o)
{
	struct buf why = BUF_INIT(4096);
	struct minute *m = NULL;

	EXPECT_INT(minute_open(scratch("minute"), o, START_S, &why, &m), 0);
	buf_done(&why);
	return m;
}

/* --- distributions, as functions of a place in the order: 0 < @q < 1 */

static uint64_t state = 88172645463325252ull;

static double random_unit(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double constant_ms(void)
{
	return 123.456789;
}

static double uniform_ms(void)
{
	return 1 + 999 * random_unit();
}

static double exponential_ms(void)
{
	return -50 * log(random_unit());
}

static double log_normal_ms(void)
{
	double normal = sqrt(-2 * log(random_unit())) * cos(2 * M_PI * random_unit());

	return 80 * exp(1.2 * normal);
}

/* Cached answers, and an agent's: a tenth of them take 2 s to 5 minutes. */
static double bimodal_ms(void)
{
	if (random_unit() < 0.9)
		return 15 + 10 * random_unit();
	return 2000 * pow(150, random_unit());
}

static double minutes_ms(void)
{
	return 60e3 + 540e3 * random_unit();
}

static double quarters_ms(void)
{
	return 900e3 + 2600e3 * random_unit();
}

static double microseconds_ms(void)
{
	return 0.010 + 0.5 * random_unit();
}

/* Six decades: as many as 150 values can tell. */
static double six_decades_ms(void)
{
	return 0.1 * pow(10, 6 * random_unit());
}

/* More than 150 values can tell. */
static double eight_decades_ms(void)
{
	return 0.01 * pow(10, 8 * random_unit());
}

/* --- what CloudWatch has then */

struct stored {
	const char *want;
	unsigned int n; /* such data */
	double count, sum, min, max;
	size_t n_values;
	double values[DATUM_VALUES_MAX], counts[DATUM_VALUES_MAX];
};

static int keep(const struct datum *d, void *ctx)
{
	struct stored *s = ctx;

	if (strcmp(d->name, s->want) != 0 || d->n_dimensions)
		return 0;
	s->n++;
	s->count = d->count;
	s->sum = d->sum;
	s->min = d->min;
	s->max = d->max;
	s->n_values = d->n_values;
	if (d->n_values <= DATUM_VALUES_MAX) {
		memcpy(s->values, d->values, d->n_values * sizeof(*d->values));
		memcpy(s->counts, d->counts, d->n_values * sizeof(*d->counts));
	}
	return 0;
}

static int on_payload(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	(void)id;
	EXPECT_INT(start_s, START_S);
	return datum_decode(payload, n, keep, ctx);
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t rank(double q, double n)
{
	return (size_t)fmax(ceil(q * n), 1);
}

static double stored_percentile(const struct stored *s, double q)
{
	size_t left = rank(q, s->count);
	double best = NAN, below = -INFINITY;

	/* They need not be in order: the least above the last one, until enough have been passed. */
	for (;;) {
		double n = 0;

		best = INFINITY;
		for (size_t i = 0; i < s->n_values; i++)
			if (s->values[i] > below && s->values[i] < best) {
				best = s->values[i];
				n = s->counts[i];
			}
		if (isinf(best) || (double)left <= n)
			return best;
		left -= (size_t)n;
		below = best;
	}
}

static void judge(const struct stored *s, double *ms, size_t n)
{
	static const double percentiles[] = { 0.5, 0.9, 0.99 };
	double counted = 0, sum = 0;

	qsort(ms, n, sizeof(*ms), ascending);
	for (size_t i = 0; i < n; i++)
		sum += ms[i];
	for (size_t i = 0; i < s->n_values; i++)
		counted += s->counts[i];
	REQUIRE_INT(s->n, 1);
	REQUIRE(s->n_values > 0 && s->n_values <= DATUM_VALUES_MAX);
	EXPECT_NEAR(s->count, (double)n, 0);
	EXPECT_NEAR(counted, (double)n, 0);
	EXPECT_NEAR(s->sum, sum, sum * 1e-9);
	EXPECT_NEAR(s->min, ms[0], ms[0] * 1e-12);
	EXPECT_NEAR(s->max, ms[n - 1], ms[n - 1] * 1e-12);
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++) {
		double truth = ms[rank(percentiles[i], (double)n) - 1];
		double got = stored_percentile(s, percentiles[i]);

		if (!(fabs(got - truth) <= truth * OFF))
			FAIL_CASE("p%g: got %g ms, expected %g ms +- 5 %%", percentiles[i] * 100,
				  got, truth);
	}
}

static void one_distribution(double (*draw_ms)(void), size_t n)
{
	const struct minute_options options = { .interval_s = 60 };
	struct minute *m = new_minute(&options);
	struct stored *s = calloc(1, sizeof(*s));
	double *ms = calloc(n, sizeof(*ms));

	if (!EXPECT(m && s && ms))
		goto out;
	for (size_t i = 0; i < n; i++) {
		const struct minute_request r = { .route = "/",
						  .answered = true,
						  .duration_ns =
							  (uint64_t)llrint(draw_ms() * 1e6) };

		ms[i] = (double)r.duration_ns / 1e6;
		minute_request(m, &r);
	}
	s->want = "ResponseTime";
	EXPECT_INT(minute_finish(m, START_S + 60, on_payload, s), 0);
	judge(s, ms, n);
out:
	minute_close(m);
	free(s);
	free(ms);
}

static void percentiles_are_true(void)
{
	static const struct {
		const char *name;
		double (*draw_ms)(void);
		size_t n;
	} rows[] = {
		{ "one request", log_normal_ms, 1 },
		{ "seven requests", log_normal_ms, 7 },
		{ "all the same", constant_ms, 1000 },
		{ "uniform", uniform_ms, REQUESTS },
		{ "exponential", exponential_ms, REQUESTS },
		{ "log-normal", log_normal_ms, REQUESTS },
		{ "bimodal, tail of minutes", bimodal_ms, REQUESTS },
		{ "all of minutes", minutes_ms, REQUESTS },
		{ "up to an hour", quarters_ms, REQUESTS },
		{ "all of microseconds", microseconds_ms, REQUESTS },
		{ "from 100 us to 100 s, evenly", six_decades_ms, REQUESTS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("percentiles within 5 %%, the rest exact: %s", rows[i].name);
		one_distribution(rows[i].draw_ms, rows[i].n);
	}
}

/* --- the largest minute: as many routes as there can be, each with more values than are allowed */

static const struct put_options three_sets = {
	.metric_namespace = "AgentISA",
	.resolution_s = 60,
	.instance_id = "i-0123456789abcdef0",
	.dimensions = { { "AutoScalingGroupName", "a-group-with-quite-a-long-name" },
			{ "Environment", "production" } },
	.n_dimensions = 2,
};

static void fill_largest(struct minute *m)
{
	char route[160];

	for (int i = 0; i < 60; i++) {
		snprintf(route, sizeof(route), "/api/%d/%0100d", i, i);
		for (int k = 0; k < 2000; k++) {
			const struct minute_request r = {
				.route = route,
				.answered = true,
				.duration_ns = (uint64_t)(eight_decades_ms() * 1e6),
				.has_queue = true,
				.queue_ns = (uint64_t)(eight_decades_ms() * 1e6),
			};

			minute_request(m, &r);
			minute_turn(m, r.duration_ns);
		}
	}
	for (uint64_t k = 1; k < 3; k++) {
		struct minute_look look = { .monotonic_ns = k * NS_PER_SEC,
					    .has_processes = true,
					    .cpu_ns = k * MS,
					    .cpus = 2,
					    .memory_ratio = 0.1,
					    .processes = 3,
					    .spool_age_s = 60 };

		for (; look.n_probes < MINUTE_PROBES_MAX; look.n_probes++) {
			look.probes[look.n_probes].name = "a_probe_of_long_name";
			look.probes[look.n_probes].up = true;
		}
		minute_look(m, &look);
	}
}

/* One request for each payload alone: the worst that a push may have to make of it. */
static int within_limits(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	struct put_request r;
	size_t *payloads = ctx;

	(void)id;
	++*payloads;
	EXPECT_INT(put_begin(&r, &three_sets), 0);
	EXPECT_INT(put_add(&r, &three_sets, start_s, payload, n), 0);
	EXPECT_INT(put_end(&r), 0);
	EXPECT(r.n_metrics > 0 && r.n_metrics <= 1000);
	EXPECT(r.body.len <= 1000000);
	put_done(&r);
	return 0;
}

static void largest_minute_fits(void)
{
	struct minute *m = new_minute(&all);
	size_t payloads = 0;

	REQUIRE(m);
	fill_largest(m);
	EXPECT_INT(put_sets(&three_sets), 3);
	EXPECT_INT(minute_finish(m, START_S + 60, within_limits, &payloads), 0);
	EXPECT(payloads >= 2); /* 51 routes and more in parts of MINUTE_PART_MAX */
	minute_close(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, percentiles_are_true },
		{ "the largest minute keeps every limit", largest_minute_fits },
	};
	int status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));

	if (directory[0]) {
		scratch("minute");
		rmdir(directory);
	}
	return status;
}
