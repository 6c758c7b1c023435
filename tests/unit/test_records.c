/* SPDX-License-Identifier: MIT */
/*
 * Records of bytes: each row says what a log has and which records come of it, fed at once, byte by byte and with a
 * callback that refuses each record first; ranges must cover every byte, whatever the way.
 */
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

static struct config_log config_of(enum kind kind)
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

static int see(const struct record *r, void *ctx)
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

static void feed_all(struct records *r, const char *bytes, size_t n, size_t piece, struct seen *s)
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

static void run_log(const struct config_log *c, const char *bytes, size_t n, size_t piece,
		    bool refuses, struct seen *s, struct record_counts *counts)
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

static void in_every_way(const struct config_log *c, const char *bytes, size_t n,
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

#define ROW(kind, name, bytes, expected) \
	{ \
		kind, name, bytes, sizeof(bytes) - 1, expected \
	}

static void records_of(void)
{
	static const struct {
		enum kind kind;
		const char *name, *bytes;
		size_t n;
		const char *expected;
	} rows[] = {
		ROW(AGENT, "nothing", "", ""),
		ROW(AGENT, "a line", S1 " - app - INFO - x\n",
		    "info 123 |" S1 " - app - INFO - x\n"),
		ROW(AGENT, "no newline at the end", S1 " - app - WARNING - x",
		    "warning 123 |" S1 " - app - WARNING - x\n"),
		ROW(AGENT, "a traceback belongs to its line",
		    S1 " - app - ERROR - x\n" TB
		       "  File \"a\"\n    b()\n\nValueError: y\nmore of y\n" S2
		       " - app - INFO - z\n",
		    "error 123 ValueError|" S1 " - app - ERROR - x\n" TB
		    "  File \"a\"\n    b()\n\nValueError: y\nmore of y\ninfo 1000 |" S2
		    " - app - INFO - z\n"),
		ROW(AGENT, "chained tracebacks: the last type",
		    S1 " - app - ERROR - x\n" TB
		       "  File \"a\"\nKeyError: 'y'\n\nDuring handling of the above "
		       "exception, another exception occurred:\n\n" TB
		       "  File \"b\"\nopenai.RateLimitError: 429\n",
		    "error 123 openai.RateLimitError|" S1 " - app - ERROR - x\n" TB
		    "  File \"a\"\nKeyError: 'y'\n\nDuring handling of the above exception, another exception "
		    "occurred:\n\n" TB "  File \"b\"\nopenai.RateLimitError: 429\n"),
		ROW(AGENT, "a time in an exception begins nothing",
		    S1 " - a - ERROR - x\n" TB "  File \"a\"\nValueError: " S2 "\n",
		    "error 123 ValueError|" S1 " - a - ERROR - x\n" TB
		    "  File \"a\"\nValueError: " S2 "\n"),
		ROW(AGENT, "before the first stamp each line is a record",
		    "a\nb\n" S1 " - INFO - x\nc\n",
		    "none -1 |a\nnone -1 |b\ninfo 123 |" S1 " - INFO - x\nc\n"),
		ROW(AGENT, "stamps behind a word", "INFO " S1 " a\nINFO " S2 " b\n c " S1 "\n",
		    "none 123 |INFO " S1 " a\nnone 1000 |INFO " S2 " b\n c " S1 "\n"),
		ROW(AGENT, "empty lines at the end are dropped", S1 " a\n\n\n" S2 " b\n",
		    "none 123 |" S1 " a\nnone 1000 |" S2 " b\n"),
		ROW(AGENT, "empty lines alone", "\n\n\r\n", "-none -1 |\n-none -1 |\n-none -1 |\n"),
		ROW(AGENT, "supervisor", S1 " INFO spawned: 'a' with pid 1\n" S2 " CRIT b\n",
		    "info 123 |" S1 " INFO spawned: 'a' with pid 1\ncritical 1000 |" S2
		    " CRIT b\n"),
		ROW(AGENT, "a secret", S1 " token=abc\n", "none 123 |" S1 " token=***\n"),
		ROW(PLAIN, "each line", "a\nb\n c\n", "none -1 |a\nnone -1 |b\nnone -1 | c\n"),
		ROW(PLAIN, "CRLF, and a CR within", "a\r\nb\rc\r\n\r\n",
		    "none -1 |a\nnone -1 |b\rc\n-none -1 |\n"),
		ROW(PLAIN, "NUL and bad bytes", "a\0b\xff\xc3(\xe2\x82\nc\xf0\x9f\x98",
		    "none -1 |a\xef\xbf\xbd"
		    "b\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\nnone -1 |c\xef\xbf\xbd\n"),
		ROW(PLAIN, "overlong and surrogate", "\xc0\xaf\xed\xa0\x80\xf0\x80\n",
		    "none -1 |\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"),
		ROW(PLAIN, "good UTF-8", "\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80\n",
		    "none -1 |\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80\n"),
		ROW(PLAIN, "a traceback alone",
		    "a\n" TB "  File \"a\"\n    b()\nValueError: y\nb\n",
		    "none -1 |a\nerror -1 ValueError|" TB
		    "  File \"a\"\n    b()\nValueError: y\nnone -1 |b\n"),
		ROW(PLAIN, "a traceback at the end", TB "  File \"a\"\nKeyboardInterrupt",
		    "error -1 KeyboardInterrupt|" TB "  File \"a\"\nKeyboardInterrupt\n"),
		ROW(PLAIN, "a chained one alone",
		    TB
		    "  a\nKeyError: 1\n\nThe above exception was the direct cause of the following exception:\n\n" TB
		    "  b\nvalue.E_2: 2\n\nINFO:     up\n",
		    "error -1 value.E_2|" TB
		    "  a\nKeyError: 1\n\nThe above exception was the direct cause of the "
		    "following exception:\n\n" TB "  b\nvalue.E_2: 2\ninfo -1 |INFO:     up\n"),
		ROW(PLAIN, "two tracebacks", TB "  a\nA: 1\n" TB "  b\nB: 2\n",
		    "error -1 A|" TB "  a\nA: 1\nerror -1 B|" TB "  b\nB: 2\n"),
		ROW(PLAIN, "a group of exceptions",
		    "  + Exception Group Traceback (most recent call last):\n  |   File \"a\"\n  | ExceptionGroup: x (1 "
		    "sub-exception)\n  +-+---------------- 1 ----------------\n    | " TB
		    "    |   File \"b\"\n    | ValueError: y\n    +------------------------------------\nz\n",
		    "error -1 ValueError|  + Exception Group Traceback (most recent call last):\n  |   File \"a\"\n  | "
		    "ExceptionGroup: x (1 sub-exception)\n  +-+---------------- 1 ----------------\n    | " TB
		    "    |   File \"b\"\n    | ValueError: y\n    +------------------------------------\nnone -1 |z\n"),
		ROW(PLAIN, "a traceback that another line interrupts", TB "  a\nINFO:     up\nb\n",
		    "none -1 |" TB "  a\ninfo -1 |INFO:     up\nnone -1 |b\n"),
		ROW(PLAIN, "uvicorn",
		    "INFO:     1.2.3.4:5 - \"GET / HTTP/1.1\" 200 OK\nERROR:root:x\n",
		    "info -1 |INFO:     1.2.3.4:5 - \"GET / HTTP/1.1\" 200 OK\nerror -1 |ERROR:root:x\n"),
		ROW(PLAIN, "gunicorn",
		    "[2026-11-23 18:40:00 +0000] [12] [CRITICAL] WORKER TIMEOUT\n",
		    "critical -1 |[2026-11-23 18:40:00 +0000] [12] [CRITICAL] WORKER TIMEOUT\n"),
		ROW(PLAIN, "python, without a format", S1 " - a.b - DEBUG - x\n",
		    "debug -1 |" S1 " - a.b - DEBUG - x\n"),
		ROW(PLAIN, "words that are no level", "an ERROR\nerrors: 2\nINFO\n[info\n",
		    "none -1 |an ERROR\nnone -1 |errors: 2\nnone -1 |INFO\nnone -1 |[info\n"),
		ROW(NGINX_ACCESS, "access",
		    "1.2.3.4 - - [23/Nov/2026:18:40:00 +0000] \"GET /a - ERROR - x\" 400 0\n",
		    "none 0 |1.2.3.4 - - [23/Nov/2026:18:40:00 +0000] \"GET /a - ERROR - x\" 400 0\n"),
		ROW(NGINX_ACCESS, "each line, a traceback too", TB "  a\n",
		    "none -1 |Traceback (most recent call last):\nnone -1 |  a\n"),
		ROW(NGINX_ERROR, "error",
		    "2026/11/23 18:40:00 [error] 1#0: a\n2026/11/23 18:40:01 [emerg] 1#0: b\n",
		    "error 0 |2026/11/23 18:40:00 [error] 1#0: a\ncritical 1000 |2026/11/23 18:40:01 [emerg] 1#0: b\n"),
		ROW(FIRST_LINE, "an expression", "x\ny\nBEGIN 1\na\n\nb\nBEGIN 2\n",
		    "none -1 |x\ny\nnone -1 |BEGIN 1\na\n\nb\nnone -1 |BEGIN 2\n"),
		ROW(FIRST_LINE, "empty lines before the first", "\nx\n",
		    "-none -1 |\nnone -1 |x\n"),
		ROW(LATIN1, "latin-1", "se\xf1or \xe9\0\x80\n",
		    "none -1 |se\xc3\xb1or \xc3\xa9\xef\xbf\xbd\xc2\x80\n"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_log c = config_of(rows[i].kind);

		unit_begin("records: %s", rows[i].name);
		in_every_way(&c, rows[i].bytes, rows[i].n, rows[i].expected);
	}
}

static void filters(void)
{
	static char include[] = "ERROR|WARNING", exclude[] = "health", mask[] = "user=(\\w+)";
	static const char bytes[] =
		"ERROR: a user=me\nINFO: b\nERROR: health\nWARNING: password=x\n";
	struct config_log c = config_of(PLAIN);
	struct record_counts counts;
	struct seen s;

	c.include[c.n_include++] = include;
	c.exclude[c.n_exclude++] = exclude;
	c.mask[c.n_mask++] = mask;
	in_every_way(&c, bytes, sizeof(bytes) - 1,
		     "error -1 |ERROR: a user=***\n-info -1 |INFO: b\n-error -1 |ERROR: health\n"
		     "warning -1 |WARNING: password=***\n");
	run_log(&c, bytes, sizeof(bytes) - 1, 100, false, &s, &counts);
	EXPECT_UINT(counts.lines, 4);
	EXPECT_UINT(counts.records, 4);
	EXPECT_UINT(counts.filtered, 2);
	buf_done(&s.text);
}

static void counts(void)
{
	static const char bytes[] = "x\n\n" S1 " a\0\xff\xff\n\n\n" S2 " b\n";
	const struct config_log c = config_of(AGENT);
	struct record_counts counts;
	struct seen s;

	run_log(&c, bytes, sizeof(bytes) - 1, 100, false, &s, &counts);
	EXPECT_UINT(counts.lines, 6);
	EXPECT_UINT(counts.records, 3);
	EXPECT_UINT(counts.without_time, 1);
	EXPECT_UINT(counts.empty, 3);
	EXPECT_UINT(counts.nul, 1);
	EXPECT_UINT(counts.invalid_utf8, 2);
	EXPECT_UINT(counts.cut, 0);
	buf_done(&s.text);
}

/* Cut between characters, nothing lost. */
static void long_lines(void)
{
	static const char *const units[] = { "x", "\xc3\xb1", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
					     "\xff" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		const size_t len = strlen(units[i]), n = (5 << 19) / len * len;
		const struct config_log c = config_of(i % 2 ? AGENT : PLAIN);
		struct record_counts counts;
		struct seen s;
		char *bytes = (malloc)(n + 3);

		unit_begin("long lines: of %zu bytes a character", len);
		for (size_t at = 0; at < n; at++)
			bytes[at] = units[i][at % len];
		memcpy(bytes + n, "\nz\n", 3);
		run_log(&c, bytes, n + 3, 4093, false, &s, &counts);
		EXPECT_UINT(counts.lines, 2);
		EXPECT(counts.cut >= 2);
		EXPECT_UINT(counts.records, counts.cut + 2);
		EXPECT_UINT(counts.invalid_utf8, i == 4 ? n : 0);
		EXPECT_HAS(buf_str(&s.text) + s.text.len - 12, "|z\n");
		free(bytes);
		buf_done(&s.text);
	}
}

/* first_line never matches, as fast as can be: cut by lines. */
static void endless_record(void)
{
	const struct config_log c = config_of(FIRST_LINE);
	struct buf bytes = BUF_INIT(1 << 20);
	struct record_counts counts;
	struct seen s;

	for (unsigned int i = 0; i < 2 * RECORD_LINES_MAX + 5; i++)
		buf_add_str(&bytes, "line\n");
	run_log(&c, bytes.data, bytes.len, 1000, false, &s, &counts);
	EXPECT_UINT(s.n, 3);
	EXPECT_UINT(counts.cut, 2);
	buf_done(&bytes);
	buf_done(&s.text);
}

static void a_cut_record_goes_on(void)
{
	const struct config_log c = config_of(AGENT);
	struct buf bytes = BUF_INIT(1 << 20);
	struct record_counts counts;
	struct seen s;

	buf_add_str(&bytes, S1 " - a - ERROR - x\n" TB);
	for (unsigned int i = 0; i < RECORD_LINES_MAX; i++)
		buf_add_str(&bytes, "  y\n");
	buf_add_str(&bytes, "ValueError: z\n" S2 " - a - INFO - x\n");
	run_log(&c, bytes.data, bytes.len, 1000, false, &s, &counts);
	EXPECT_UINT(s.n, 3);
	EXPECT_HAS(buf_str(&s.text), "error 123 |" S1);
	EXPECT_HAS(buf_str(&s.text), "\nerror 123 ValueError|  y\n");
	EXPECT_HAS(buf_str(&s.text), "\ninfo 1000 |" S2);
	buf_done(&bytes);
	buf_done(&s.text);
}

static void expect_feed(struct records *r, const char *text, uint64_t *offset, int64_t now_ms)
{
	size_t taken;

	EXPECT_INT(records_feed(r, text, strlen(text), *offset, now_ms, &taken), 0);
	EXPECT_UINT(taken, strlen(text));
	*offset += taken;
}

static void waits(void)
{
	const struct config_log c = config_of(FIRST_LINE);
	struct seen s = { .text = BUF_INIT(10000), .end = 0 };
	struct record_rules *rules = NULL;
	struct records *r = NULL;
	uint64_t offset = 0;
	struct buf why = BUF_INIT(100);

	REQUIRE_INT(record_rules_new(&c, &why, &rules), 0);
	REQUIRE_INT(records_new(rules, see, &s, &r), 0);
	EXPECT_INT(records_wait_ms(r, NOW), -1);
	expect_feed(r, "a\nb", &offset, NOW);
	EXPECT_INT(records_wait_ms(r, NOW + 1), 999);
	EXPECT_INT(records_flush(r, NOW + 999, false), 0);
	EXPECT_UINT(s.n, 0);
	EXPECT_INT(records_flush(r, NOW + 1000, false), 0);
	EXPECT_STR(buf_str(&s.text), "none -1 |a\n");
	EXPECT_INT(records_wait_ms(r, NOW + 1000), -1);
	/* A line is over with its newline only. */
	EXPECT_INT(records_flush(r, NOW + 100000, false), 0);
	EXPECT_UINT(s.n, 1);
	/* One that always goes on is over after ten seconds. */
	for (int i = 0; i < 20; i++) {
		expect_feed(r, "c\n", &offset, NOW);
		EXPECT_INT(records_flush(r, NOW + (i == 19 ? RECORD_AGE_MS : 0), false), 0);
	}
	EXPECT_UINT(s.n, 2);
	/* The clock is set back. */
	expect_feed(r, "BEGIN\n", &offset, NOW);
	EXPECT(records_wait_ms(r, NOW - 3600000) <= RECORD_WAIT_MS);
	EXPECT_INT(records_flush(r, NOW - 3600000, false), 0);
	EXPECT_INT(records_flush(r, NOW - 3600000 + RECORD_WAIT_MS, false), 0);
	EXPECT_UINT(s.n, 3);
	/* Forgotten. */
	expect_feed(r, "BEGIN\nhalf", &offset, NOW);
	records_reset(r);
	EXPECT_INT(records_flush(r, NOW, true), 0);
	EXPECT_UINT(s.n, 3);
	records_free(r);
	record_rules_free(rules);
	buf_done(&s.text);
	buf_done(&why);
}

static void cut_for_want_of_memory(void)
{
	const struct config_log c = config_of(AGENT);
	struct seen s = { .text = BUF_INIT(100000), .end = 0 };
	struct record_rules *rules = NULL;
	struct records *r = NULL;
	char line[5000];
	uint64_t offset = 0;
	struct buf why = BUF_INIT(100);

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	REQUIRE_INT(record_rules_new(&c, &why, &rules), 0);
	REQUIRE_INT(records_new(rules, see, &s, &r), 0);
	EXPECT_INT(records_cut(r, NOW), 0);
	EXPECT_UINT(s.n, 0);
	expect_feed(r, S1 " - a - ERROR - ", &offset, NOW);
	expect_feed(r, line, &offset, NOW);
	EXPECT_UINT(s.n, 0);
	EXPECT(records_rest(r) > sizeof(line)); /* nothing of what waits */
	EXPECT_INT(records_cut(r, NOW), 0);
	EXPECT_UINT(s.n, 1);
	EXPECT_INT(records_cut(r, NOW), 0);
	EXPECT_UINT(s.n, 1);
	EXPECT(records_rest(r) < 3000);
	expect_feed(r, "end\n  more\n" S2 " - a - INFO - x\n", &offset, NOW);
	EXPECT_INT(records_flush(r, NOW, true), 0);
	EXPECT_UINT(s.n, 3);
	EXPECT_HAS(buf_str(&s.text), "x\nerror 123 |end\n  more\ninfo 1000 |" S2);
	EXPECT_UINT(records_counts(r)->cut, 1);
	EXPECT_UINT(s.end, offset);
	EXPECT(!s.gap);
	records_free(r);
	record_rules_free(rules);
	buf_done(&s.text);
	buf_done(&why);
}

static void wrong_rules(void)
{
	static char bad[] = "(", stamp[] = "%Q";
	static const char *const expected[] = { "timestamp = %Q: %Q is not known",
						"first_line = (: missing", "include = (: missing",
						"exclude = (: missing", "mask = (: missing" };

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct config_log c = config_of(PLAIN);
		struct record_rules *rules = NULL;

		switch (i) {
		case 0: c.timestamp = stamp; break;
		case 1: c.first_line = bad; break;
		case 2: c.include[c.n_include++] = bad; break;
		case 3: c.exclude[c.n_exclude++] = bad; break;
		default: c.mask[c.n_mask++] = bad;
		}
		EXPECT_INT(record_rules_new(&c, &why, &rules), -EINVAL);
		EXPECT_HAS(buf_str(&why), expected[i]);
	}
}

/* Whatever fails, going on gives the same records. */
static void no_memory(void)
{
	static char mask[] = "[ab]x";
	static const char bytes[] = S1 " a token=1 ax\n" TB "  b\nA: 1\n" S2 " \xff b\n";
	struct config_log c = config_of(AGENT);

	c.mask[c.n_mask++] = mask;
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		static char seen_text[10000];
		struct seen s = {
			.text = { .data = seen_text, .size = sizeof(seen_text), .max = 9999 },
			.end = OFFSET
		};
		struct record_rules *rules = NULL;
		struct records *r = NULL;
		size_t at = 0, taken;
		int err = record_rules_new(&c, &why, &rules);

		seen_text[0] = '\0';
		if (!err)
			err = records_new(rules, see, &s, &r);
		if (err) {
			EXPECT(nomem_hit());
			EXPECT_INT(err, -ENOMEM);
			record_rules_free(rules);
			continue;
		}
		for (unsigned int tries = 0; at < sizeof(bytes) - 1 && tries < 100;
		     tries++, at += taken) {
			err = records_feed(r, bytes + at, sizeof(bytes) - 1 - at, OFFSET + at, NOW,
					   &taken);
			EXPECT(!err || (err == -ENOMEM && nomem_hit()));
		}
		for (unsigned int tries = 0; tries < 3; tries++)
			err = records_flush(r, NOW, true);
		EXPECT_INT(err, 0);
		EXPECT_STR(seen_text, "error 123 A|" S1 " a token=*** ***\n" TB
				      "  b\nA: 1\nnone 1000 |" S2 " \xef\xbf\xbd b\n");
		EXPECT_UINT(s.end, OFFSET + sizeof(bytes) - 1);
		EXPECT(!s.gap);
		records_free(r);
		record_rules_free(rules);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, records_of },
		{ "filters and masks", filters },
		{ "everything is counted", counts },
		{ NULL, long_lines },
		{ "a record that never ends", endless_record },
		{ "a record that was cut goes on with its time and level", a_cut_record_goes_on },
		{ "a record waits for a second, and ten at most", waits },
		{ "a record is cut for want of memory", cut_for_want_of_memory },
		{ "wrong rules are explained", wrong_rules },
		{ "without memory nothing is lost", no_memory },
	};

	setenv("TZ", "UTC", 1);
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
