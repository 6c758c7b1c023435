/* SPDX-License-Identifier: MIT */
/* When is tried again, and how long is waited. */
#include "unit/unit.h"

#include "aws/retry.h"

static void bucket(void)
{
	struct retry_bucket b;
	unsigned int n = 0;

	retry_bucket_init(&b);
	EXPECT_UINT(b.tokens, 500);
	EXPECT_UINT(retry_take(&b, RETRY_NO), 0);
	EXPECT_UINT(retry_take(&b, RETRY_TRANSIENT), 14);
	EXPECT_UINT(retry_take(&b, RETRY_THROTTLED), 5);
	EXPECT_UINT(b.tokens, 481);
	while (retry_take(&b, RETRY_TRANSIENT))
		n++;
	EXPECT_UINT(n, 34);
	EXPECT_UINT(b.tokens, 5);
	EXPECT_UINT(retry_take(&b, RETRY_THROTTLED), 5);
	EXPECT_UINT(retry_take(&b, RETRY_THROTTLED), 0);
	EXPECT_UINT(b.tokens, 0);
}

static void given_back(void)
{
	struct retry_bucket b = { 0 };

	retry_give(&b, 14);
	EXPECT_UINT(b.tokens, 14);
	retry_give(&b, 0);
	EXPECT_UINT(b.tokens, 15);
	b.tokens = 499;
	retry_give(&b, 5);
	EXPECT_UINT(b.tokens, 500);
	retry_give(&b, 0);
	EXPECT_UINT(b.tokens, 500);
}

static void delays(void)
{
	static const struct {
		enum retry_class class;
		unsigned int n;
		uint32_t most;
	} rows[] = {
		{ RETRY_TRANSIENT, 1, 50 },          { RETRY_TRANSIENT, 2, 100 },
		{ RETRY_TRANSIENT, 3, 200 },         { RETRY_TRANSIENT, 9, 12800 },
		{ RETRY_TRANSIENT, 10, 20000 },      { RETRY_THROTTLED, 1, 1000 },
		{ RETRY_THROTTLED, 2, 2000 },        { RETRY_THROTTLED, 5, 16000 },
		{ RETRY_THROTTLED, 6, 20000 },       { RETRY_THROTTLED, 60, 20000 },
		{ RETRY_THROTTLED, 1000000, 20000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_UINT(retry_delay_ms(rows[i].class, rows[i].n, 0), 0);
		EXPECT_UINT(retry_delay_ms(rows[i].class, rows[i].n, UINT32_MAX), rows[i].most);
		EXPECT_NEAR(retry_delay_ms(rows[i].class, rows[i].n, UINT32_MAX / 2),
			    rows[i].most / 2, 1);
	}
}

static void asked(void)
{
	static const struct {
		const char *amz, *standard;
		uint32_t ms;
	} rows[] = {
		{ "", "", 0 },
		{ "1500", "", 1500 },
		{ "0", "7", 0 },
		{ "1500", "7", 1500 },
		{ "x", "7", 7000 },
		{ "-1", "", 0 },
		{ "", "0", 0 },
		{ "", "7", 7000 },
		{ "", "7.5", 0 },
		{ "", "300", 300000 },
		{ "", "301", 300000 },
		{ "", "18446744073709551615", 300000 },
		{ "", "18446744073709551616", 0 },
		{ "300001", "", 300000 },
		{ "18446744073709551615", "", 300000 },
		/* now is Thu, 26 Nov 2026 10:00:00 GMT */
		{ "", "Thu, 26 Nov 2026 10:00:20 GMT", 20000 },
		{ "", "Thu, 26 Nov 2026 09:00:20 GMT", 0 },
		{ "", "Fri, 26 Nov 2027 09:00:20 GMT", 300000 },
		{ "", "tomorrow", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!EXPECT_UINT(retry_asked_ms(rows[i].amz, rows[i].standard, 1795687200),
				 rows[i].ms))
			FAIL_CASE("%s, %s", rows[i].amz, rows[i].standard);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the bucket pays for retries, and is empty then", bucket },
		{ "successes fill it", given_back },
		{ "pauses double, to 20 s", delays },
		{ "what servers ask for", asked },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
