/* SPDX-License-Identifier: MIT */
/*
 * hosts [N]    how the pushes of N hosts (1000) spread over a minute, and what they cost
 *
 * Each host is an instance id, as EC2 gives them: 17 random hexadecimal digits. Nothing is sent.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "ship/cost.h"
#include "ship/push.h"

#define FIVE 5

/* Splitmix64 (Vigna 2015): the same hosts in each run. */
static uint64_t random_bits(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void count_hosts(unsigned int counts[60], uint64_t n)
{
	uint64_t state = 2026;
	char id[24];

	for (uint64_t i = 0; i < n; i++) {
		uint64_t bits = random_bits(&state);

		snprintf(id, sizeof(id), "i-%01x%016" PRIx64,
			 (unsigned int)(random_bits(&state) % 16), bits);
		counts[push_offset_ms(id, 60) / 1000]++;
	}
}

static void print_spread(const unsigned int counts[60], uint64_t n)
{
	unsigned int least = counts[0], most = counts[0];
	double expected = (double)n / 60, chi_square = 0;

	for (unsigned int s = 0; s < 60; s++) {
		least = counts[s] < least ? counts[s] : least;
		most = counts[s] > most ? counts[s] : most;
		chi_square += (counts[s] - expected) * (counts[s] - expected) / expected;
	}
	for (unsigned int s = 0; s < 60; s++) {
		int width = (int)lround(50.0 * counts[s] / most);

		printf("%4u s %6u  %.*s\n", s, counts[s], width,
		       "##################################################");
	}
	printf("\n%" PRIu64 " hosts: %.1f a second on average, least %u, most %u\n", n, expected,
	       least, most);
	printf("chi-square %.1f with 59 degrees of freedom (chance: 59 +- 11)\n\n", chi_square);
}

static void print_cost(uint64_t n)
{
	struct cost own = cost_month(FIVE, 60, 1), shared = cost_month(FIVE, 60, 0);
	double host = own.metrics_usd + own.requests_usd;

	printf("per host and month: %.0f requests, USD %.2f; %d metrics with InstanceId, USD %.2f; "
	       "together USD %.2f\n",
	       own.requests, own.requests_usd, FIVE, own.metrics_usd, host);
	printf("once for all hosts: %d metrics without dimensions, USD %.2f (a single host: USD %.2f "
	       "in all)\n",
	       FIVE, shared.metrics_usd, host + shared.metrics_usd);
	printf("%" PRIu64
	       " hosts: %.1f requests/s on average (CloudWatch takes 500), USD %.2f a month\n",
	       n, (double)n / 60, (double)n * host + shared.metrics_usd);
}

int main(int argc, char **argv)
{
	unsigned int counts[60] = { 0 };
	uint64_t n = 1000;

	if (argc > 2 || (argc == 2 && number_parse_u64(argv[1], 60, 10000000, &n))) {
		fprintf(stderr, "hosts [N]: N is 60 to 10000000\n");
		return 2;
	}
	count_hosts(counts, n);
	print_spread(counts, n);
	print_cost(n);
	return 0;
}
