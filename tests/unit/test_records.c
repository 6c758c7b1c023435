/* SPDX-License-Identifier: MIT */
/*
 * Records of bytes: each row says what a log has and which records come of it, fed at once, byte by byte and with a
 * callback that refuses each record first; ranges must cover every byte, whatever the way.
 */
#include "records_fixture.h"

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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, records_of },
		{ "filters and masks", filters },
		{ "everything is counted", counts },
		{ "wrong rules are explained", wrong_rules },
	};

	setenv("TZ", "UTC", 1);
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
