/* SPDX-License-Identifier: MIT */
/* The page's histogram of times. The sum is exact and does not wrap in the life of a machine. */
#include "metrics/time_histogram.h"

#include "base/clock.h"

#define BILLION 1000000000ull

/* OpenMetrics' canonical numbers: Go's %g with ".0" behind what looks like an integer. */
static const char *const bounds[TIME_HISTOGRAM_BOUNDS] = {
	"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.075", "0.1",  "0.25",  "0.5",
	"0.75",  "1.0",    "2.5",   "5.0",  "7.5",   "10.0", "30.0",  "60.0", "120.0", "300.0",
};

static const uint64_t bounds_ns[TIME_HISTOGRAM_BOUNDS] = {
	1000000,    2500000,     5000000,     10000000,    25000000,     50000000,     75000000,
	100000000,  250000000,   500000000,   750000000,   1000000000,   2500000000,   5000000000,
	7500000000, 10000000000, 30000000000, 60000000000, 120000000000, 300000000000,
};

void time_histogram_add(struct time_histogram *h, uint64_t ns)
{
	static const uint64_t giga_s_in_ns = NS_PER_SEC * BILLION;
	unsigned int i = 0;

	/* Most times of a busy service lie in the first buckets: a walk beats a bisection. */
	while (i < TIME_HISTOGRAM_BOUNDS && ns > bounds_ns[i])
		i++;
	h->counts[i]++;
	h->sum_ns += ns % giga_s_in_ns;
	if (h->sum_ns >= giga_s_in_ns) {
		h->sum_ns -= giga_s_in_ns;
		h->sum_gs++;
	}
	h->sum_gs += ns / giga_s_in_ns;
}

uint64_t time_histogram_count(const struct time_histogram *h)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i <= TIME_HISTOGRAM_BOUNDS; i++)
		n += h->counts[i];
	return n;
}

void time_histogram_write(struct expo *e, const struct expo_family *f, const char *labels,
			  const struct time_histogram *h)
{
	const struct expo_sum sum = {
		.whole = h->sum_gs * BILLION + h->sum_ns / NS_PER_SEC,
		.billionth = (uint32_t)(h->sum_ns % NS_PER_SEC),
	};

	expo_histogram(e, f, labels, bounds, h->counts, TIME_HISTOGRAM_BOUNDS, sum);
}
