/* SPDX-License-Identifier: MIT */
/* Hosts are spread evenly over the interval, and what that costs. */
#include "unit.h"

#include "ship/cost.h"
#include "ship/push.h"
#include "ship/push_time.h"

/* An instance id: a row of numbers, as a fleet's are not, or some random bits. */
static void id_make(char *id, size_t size, unsigned int i, bool in_a_row)
{
	uint64_t bits = in_a_row ? i : (i + 1) * 0x9e3779b97f4a7c15ull;

	snprintf(id, size, "i-0%016" PRIx64, bits);
}

/* Pearson's statistic of 60 seconds: 59 degrees of freedom, above 98.3 once in a thousand fleets. */
static double chi_square(const unsigned int counts[60], unsigned int n)
{
	double sum = 0, expected = n / 60.0;

	for (unsigned int s = 0; s < 60; s++)
		sum += (counts[s] - expected) * (counts[s] - expected) / expected;
	return sum;
}

static void count_hosts(unsigned int counts[60], unsigned int n, bool in_a_row)
{
	char id[40];

	memset(counts, 0, 60 * sizeof(counts[0]));
	for (unsigned int i = 0; i < n; i++) {
		unsigned int ms;

		id_make(id, sizeof(id), i, in_a_row);
		ms = push_offset_ms(id, 60);
		if (EXPECT(ms < 60000))
			counts[ms / 1000]++;
	}
}

static void thousand(void)
{
	unsigned int counts[60];

	for (int in_a_row = 0; in_a_row < 2; in_a_row++) {
		count_hosts(counts, 1000, in_a_row);
		EXPECT(chi_square(counts, 1000) < 98.3);
	}
}

/* (Of 60,000 a second's 1000 would be off by more than 10 % now and then, by chance: its deviation is 3 %.) */
static void very_many(void)
{
	unsigned int counts[60];

	for (int in_a_row = 0; in_a_row < 2; in_a_row++) {
		count_hosts(counts, 60000, in_a_row);
		EXPECT(chi_square(counts, 60000) < 98.3);
		count_hosts(counts, 600000, in_a_row);
		for (unsigned int s = 0; s < 60; s++)
			EXPECT_NEAR(counts[s], 10000, 500);
	}
}

static void same_host(void)
{
	EXPECT_UINT(push_offset_ms("i-0123456789abcdef0", 60),
		    push_offset_ms("i-0123456789abcdef0", 60));
	EXPECT(push_offset_ms("web-1", 60) != push_offset_ms("web-2", 60));
	EXPECT(push_offset_ms("", 1) < 1000);
}

static void delays(void)
{
	static const unsigned int intervals[] = { 1, 5, 10, 30, 60 };
	const uint64_t start = 1764140040000;

	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		uint64_t interval_ms = intervals[i] * 1000;
		uint64_t commit_ms = interval_ms / 10 < 2000 ? interval_ms / 10 : 2000;
		uint64_t at = start + push_delay_ms("web-1", intervals[i], start);

		EXPECT_UINT((at - commit_ms) % interval_ms, push_offset_ms("web-1", intervals[i]));
		for (uint64_t now = start; now < start + 60000; now += 77) {
			uint64_t delay = push_delay_ms("web-1", intervals[i], now);

			EXPECT(delay >= 1 && delay <= interval_ms);
			EXPECT_UINT((now + delay) % interval_ms, at % interval_ms);
		}
		EXPECT_UINT(push_delay_ms("web-1", intervals[i], at), interval_ms);
		EXPECT_UINT(push_delay_ms("web-1", intervals[i], at - 1), 1);
	}
}

static void costs(void)
{
	struct cost c = cost_month(10, 60, 1);

	EXPECT_NEAR(c.requests, 43800, 1e-6);
	EXPECT_NEAR(c.metrics_usd, 3.00, 1e-9);
	EXPECT_NEAR(c.requests_usd, 0.438, 1e-9);
	c = cost_month(0, 10, 2);
	EXPECT_NEAR(c.requests, 525600, 1e-6);
	EXPECT_NEAR(c.metrics_usd, 0, 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a thousand hosts are spread as chance would spread them", thousand },
		{ "very many hosts are in each second within 5 %", very_many },
		{ "a host stays where it is, its neighbour is elsewhere", same_host },
		{ "the next moment is the host's, in every interval", delays },
		{ "what a month costs", costs },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
