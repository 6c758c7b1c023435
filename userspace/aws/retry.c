/* SPDX-License-Identifier: MIT */
/* Retries: the bucket holds 0 to RETRY_TOKENS_MAX tokens. */
#include "aws/retry.h"

#include "aws/timestamp.h"
#include "base/number.h"
#include "base/util.h"

static const struct {
	unsigned int cost;
	uint32_t base_ms;
} classes[] = {
	[RETRY_NO] = { 0, 0 },
	[RETRY_TRANSIENT] = { 14, 50 },
	[RETRY_THROTTLED] = { 5, 1000 },
};

void retry_bucket_init(struct retry_bucket *b)
{
	b->tokens = RETRY_TOKENS_MAX;
}

unsigned int retry_take(struct retry_bucket *b, enum retry_class class)
{
	const unsigned int cost = classes[class].cost;

	if (b->tokens < cost)
		return 0;
	b->tokens -= cost;
	return cost;
}

void retry_give(struct retry_bucket *b, unsigned int cost)
{
	if (!cost)
		cost = 1;
	b->tokens = cost > RETRY_TOKENS_MAX - b->tokens ? RETRY_TOKENS_MAX : b->tokens + cost;
}

uint32_t retry_delay_ms(enum retry_class class, unsigned int n, uint32_t random)
{
	uint64_t most = classes[class].base_ms;

	while (--n && most < RETRY_DELAY_MAX_MS)
		most *= 2;
	if (most > RETRY_DELAY_MAX_MS)
		most = RETRY_DELAY_MAX_MS;
	return (uint32_t)((most + 1) * random >> 32);
}

uint32_t retry_asked_ms(const char *amz_retry_after, const char *retry_after, time_t now)
{
	uint64_t n;
	time_t then;

	if (!number_parse_u64(amz_retry_after, 0, UINT64_MAX, &n))
		return n > RETRY_ASKED_MAX_MS ? RETRY_ASKED_MAX_MS : (uint32_t)n;
	if (timestamp_parse_http(retry_after, &then) == 0)
		n = then > now ? (uint64_t)(then - now) : 0;
	else if (number_parse_u64(retry_after, 0, UINT64_MAX, &n))
		return 0;
	return n > RETRY_ASKED_MAX_MS / 1000 ? RETRY_ASKED_MAX_MS : (uint32_t)n * 1000;
}
