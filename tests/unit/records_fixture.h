/* SPDX-License-Identifier: MIT */
/* Bytes of a log, the records that come of them as text, and the ways in which they may come. */
#ifndef ISAMON_TEST_RECORDS_FIXTURE_H
#define ISAMON_TEST_RECORDS_FIXTURE_H

#include "unit.h"

#include "nomem.h"

#include "base/buf.c"
#include "base/clock.c"
#include "base/utf8.c"
#include "logs/clean.c"
#include "logs/level.c"
#include "logs/pattern.c"
#include "logs/record_rules.c"
#include "logs/record_text.c"
#include "logs/records.c"
#include "logs/secret_forms.c"
#include "logs/secrets.c"
#include "logs/time_format.c"
#include "logs/time_stamp.c"
#include "logs/time_zone.c"
#include "logs/traceback.c"

#define NOW 1795460400000ll /* 2026-11-23 19:00:00 UTC */
#define OFFSET 1000
#define TB "Traceback (most recent call last):\n"
#define S1 "2026-11-23 18:40:00,123"
#define S2 "2026-11-23 18:40:01,000"

enum kind { AGENT, PLAIN, NGINX_ACCESS, NGINX_ERROR, FIRST_LINE, LATIN1, KINDS };

UNIT_USED_ static struct config_log config_of(enum kind kind)
{
	static char agent[] = "%Y-%m-%d %H:%M:%S,%f", access[] = "%d/%b/%Y:%H:%M:%S %z",
		    error[] = "%Y/%m/%d %H:%M:%S", none[] = "", each[] = "^", begin[] = "^BEGIN";
	struct config_log c = { .timestamp = none, .first_line = none, .mask_secrets = true };

	switch (kind) {
	case AGENT: c.timestamp = agent; break;
	case NGINX_ACCESS:
		c.timestamp = access;
		c.first_line = each;
		break;
	case NGINX_ERROR: c.timestamp = error; break;
	case FIRST_LINE: c.first_line = begin; break;
	case LATIN1: c.encoding = CONFIG_LOG_LATIN1; break;
	default: break;
	}
	return c;
}

/* What came, as text: "level time exception|text\n", "-" for a record that is not shipped. */
struct seen {
	struct buf text;
	uint64_t end;
	bool gap;
	bool refuses, refused;
	size_t n;
};

UNIT_USED_ static int see(const struct record *r, void *ctx)
{
	struct seen *s = ctx;

	s->refused = s->refuses && !s->refused;
	if (s->refused)
		return -EAGAIN;
	s->gap |= r->from != s->end || r->to <= r->from;
	s->end = r->to;
	s->n++;
	buf_printf(&s->text, "%s%s %lld ", r->shipped ? "" : "-", record_level_name(r->level),
		   r->has_time ? (long long)(r->time_ms % 100000) : -1);
	if (r->exception)
		buf_add(&s->text, r->exception, r->exception_len);
	buf_add_char(&s->text, '|');
	buf_add(&s->text, r->text, r->len);
	buf_add_char(&s->text, '\n');
	EXPECT_UINT(strlen(r->text), r->len);
	if (!r->has_time)
		EXPECT_INT(r->time_ms, NOW);
	return 0;
}

UNIT_USED_ static void feed_all(struct records *r, const char *bytes, size_t n, size_t piece,
				struct seen *s)
{
	size_t at = 0, taken;

	for (unsigned int tries = 0; at < n && tries < 10000000; tries++) {
		const size_t len = n - at < piece ? n - at : piece;
		/* exactly as long, so that the sanitizer sees a byte beyond */
		char *copy = (malloc)(len);
		int err;

		memcpy(copy, bytes + at, len);
		err = records_feed(r, copy, len, OFFSET + at, NOW, &taken);
		free(copy);
		EXPECT_INT(err, s->refused ? -EAGAIN : 0);
		EXPECT(taken <= len && (err || taken == len));
		at += taken;
	}
	for (unsigned int tries = 0; tries < 1000; tries++)
		if (records_flush(r, NOW, true) == 0)
			break;
	EXPECT_INT(records_flush(r, NOW, true), 0);
	EXPECT_INT(records_wait_ms(r, NOW), -1);
}

UNIT_USED_ static void run_log(const struct config_log *c, const char *bytes, size_t n,
			       size_t piece, bool refuses, struct seen *s,
			       struct record_counts *counts)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct record_rules *rules = NULL;
	struct records *r = NULL;

	*s = (struct seen){ .text = BUF_INIT(16 << 20), .end = OFFSET, .refuses = refuses };
	REQUIRE_INT(record_rules_new(c, &why, &rules), 0);
	if (EXPECT_INT(records_new(rules, see, s, &r), 0)) {
		feed_all(r, bytes, n, piece, s);
		*counts = *records_counts(r);
		EXPECT(!s->gap);
		EXPECT_UINT(s->end, OFFSET + n);
	}
	records_free(r);
	record_rules_free(rules);
}

UNIT_USED_ static void in_every_way(const struct config_log *c, const char *bytes, size_t n,
				    const char *expected)
{
	static const size_t pieces[] = { 1 << 20, 1, 2, 7, 1 << 20, 3 };
	struct record_counts counts, first = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct seen s;

		run_log(c, bytes, n, pieces[i], i >= 4, &s, &counts);
		EXPECT_STR(buf_str(&s.text), expected);
		if (i == 0)
			first = counts;
		EXPECT_BYTES(&counts, sizeof(counts), &first, sizeof(first));
		buf_done(&s.text);
	}
}

#endif
