/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a log, cut anywhere (the first two bytes choose rules and seed), refused at times, the first half of it an entry of a
 * journal at times: the same records as of the bytes at once, of UTF-8 without NUL, their ranges without a gap.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "logs/records.h"

#define NOW 1795460400000ll

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct buf text;
	uint64_t end;
	uint32_t seed; /* 0: never refuses, and cuts nowhere */
};

static void require(int holds)
{
	if (!holds)
		abort();
}

static uint32_t next_random(struct seen *s)
{
	s->seed = s->seed * 1664525u + 1013904223u;
	return s->seed >> 8;
}

static void check_text(const char *text, size_t n)
{
	uint32_t c;

	for (size_t at = 0, len; at < n; at += len) {
		len = utf8_next(text + at, n - at, &c);
		require(len && c);
	}
}

static int see(const struct record *r, void *ctx)
{
	struct seen *s = ctx;

	if (s->seed && next_random(s) % 4 == 0)
		return -EAGAIN;
	require(r->from == s->end && r->to > r->from);
	require(r->len <= RECORD_MAX && (r->len || !r->shipped));
	require(!r->exception == !r->exception_len && r->exception_len <= 100);
	check_text(r->text, r->len);
	s->end = r->to;
	buf_printf(&s->text, "%d %d %lld %zu ", r->shipped, (int)r->level, (long long)r->time_ms,
		   r->len);
	buf_add(&s->text, r->exception, r->exception_len);
	buf_add(&s->text, r->text, r->len);
	return 0;
}

/* The lines that begin in the first half. */
static size_t entry_len(const char *bytes, size_t n)
{
	const char *newline = memchr(bytes + n / 2, '\n', n - n / 2);

	return newline ? (size_t)(newline - bytes) + 1 : 0;
}

static void run(const struct record_rules *rules, bool join, const char *bytes, size_t n,
		struct seen *s)
{
	struct records *r;
	size_t at = 0, taken;
	int err;

	require(records_new(rules, see, s, &r) == 0);
	if (join)
		records_join(r, 0, entry_len(bytes, n));
	while (at < n) {
		size_t len = s->seed ? next_random(s) % (n - at) + 1 : n - at;
		int got = records_feed(r, bytes + at, len, at, NOW, &taken);

		require(got == 0 || (got == -EAGAIN && s->seed));
		require(taken == len || got);
		at += taken;
	}
	do
		err = records_flush(r, NOW, true);
	while (err == -EAGAIN);
	require(err == 0 && s->end == n && records_wait_ms(r, NOW) == -1);
	records_free(r);
}

static struct record_rules *rules_of(uint8_t kind)
{
	static char stamp[] = "%Y-%m-%d %H:%M:%S,%f", none[] = "", each[] = "^", begin[] = "^[A-Z]",
		    mask[] = "x(y+)", exclude[] = "no";
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct config_log c = { .timestamp = kind & 1 ? stamp : none, .first_line = none };
	struct record_rules *rules;

	if (kind & 2)
		c.first_line = kind & 4 ? each : begin;
	c.encoding = kind & 8 ? CONFIG_LOG_LATIN1 : CONFIG_LOG_UTF8;
	c.mask_secrets = kind & 16;
	if (kind & 32)
		c.mask[c.n_mask++] = mask;
	if (kind & 64)
		c.exclude[c.n_exclude++] = exclude;
	require(record_rules_new(&c, &why, &rules) == 0);
	return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = { .text = BUF_INIT(16 << 20) }, cut = { .text = BUF_INIT(16 << 20) };
	struct record_rules *rules;

	if (size < 2)
		return 0;
	setenv("TZ", "UTC", 1);
	rules = rules_of(data[0]);
	cut.seed = data[1] + 1u;
	run(rules, data[0] & 128, (const char *)data + 2, size - 2, &whole);
	run(rules, data[0] & 128, (const char *)data + 2, size - 2, &cut);
	require(whole.text.err ||
		(whole.text.len == cut.text.len &&
		 memcmp(buf_str(&whole.text), buf_str(&cut.text), whole.text.len) == 0));
	record_rules_free(rules);
	buf_done(&whole.text);
	buf_done(&cut.text);
	return 0;
}
