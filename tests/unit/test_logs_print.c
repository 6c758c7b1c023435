/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <locale.h>

#include "unit.h"

#include "base/json.h"
#include "cmd/logs_print.h"
#include "cmd/logs_table.h"

static void text_is(const struct logs_printer *p, const struct logs_line *l, const char *expected)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);

	EXPECT_INT(logs_format(p, l, &out), 0);
	EXPECT_STR(buf_str(&out), expected);
}

static struct logs_line line_of(const char *text, enum record_level level)
{
	return (struct logs_line){ .source = "app",
				   .time_ms = 1795687200123,
				   .level = level,
				   .text = text,
				   .len = strlen(text) };
}

static void as_text(void)
{
	static const struct {
		const char *name, *text;
		enum record_level level;
		bool colour;
		int width;
		const char *expected;
	} table[] = {
		{ "one source", "a b", RECORD_INFO, false, 0, "a b\n" },
		{ "several", "a b", RECORD_INFO, false, 5, "app    a b\n" },
		{ "several lines", "a\n  b\n\nc", RECORD_ERROR, false, 3,
		  "app  a\n       b\n     \n     c\n" },
		{ "carriage returns", "a\r\nb\r", RECORD_INFO, false, 0, "a\nb\n" },
		{ "what a terminal would obey", "\x1b[2J\a\tx\xc2\x9b\xe2\x80\xae\x7f", RECORD_INFO,
		  false, 0, "?[2J?\tx???\n" },
		{ "not UTF-8", "a\xff\xc3", RECORD_INFO, false, 0, "a??\n" },
		{ "colours", "x\ny", RECORD_WARNING, true, 3,
		  "\x1b[36mapp\x1b[0m  \x1b[33mx\x1b[0m\n     \x1b[33my\x1b[0m\n" },
		{ "no level, no colour", "x", RECORD_NO_LEVEL, true, 0, "x\n" },
		{ "nothing", "", RECORD_INFO, false, 0, "\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct logs_printer p = { .colour = table[i].colour,
						.source_width = table[i].width };
		const struct logs_line l = line_of(table[i].text, table[i].level);

		unit_begin("as text: %s", table[i].name);
		text_is(&p, &l, table[i].expected);
	}
}

static void as_json(void)
{
	struct logs_printer p = { .json = true, .source_width = 5 };
	struct logs_line l = line_of("a\nb\x1b \xc3\xa4", RECORD_ERROR);

	l.exception = "ValueErrorX";
	l.exception_len = 10;
	text_is(&p, &l,
		"{\"time\":\"2026-11-26T10:00:00.123Z\",\"source\":\"app\",\"level\":\"error\","
		"\"message\":\"a\\nb\\u001B \xc3\xa4\",\"exception\":\"ValueError\"}\n");
	l = line_of("\xc3\xa4", RECORD_NO_LEVEL);
	l.time_ms = LOGS_NO_TIME;
	p.ascii = true;
	text_is(&p, &l,
		"{\"time\":null,\"source\":\"app\",\"level\":null,\"message\":\"\\u00E4\"}\n");
	l.time_ms = -1;
	l.len = 0;
	text_is(&p, &l,
		"{\"time\":\"1969-12-31T23:59:59.999Z\",\"source\":\"app\",\"level\":null,\"message\":\"\"}\n");
}

static void table_is(const char *answer, const char *expected)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	_cleanup_(json_freep) json_t *j = json_loads(answer, 0, NULL);

	REQUIRE(j);
	EXPECT_INT(logs_table_format(j, &out), 0);
	EXPECT_STR(buf_str(&out), expected);
}

static void tables(void)
{
	table_is(
		"{\"results\":[[{\"field\":\"@timestamp\",\"value\":\"t1\"},{\"field\":\"@message\",\"value\":\"a\\n b\\n\"},"
		"{\"field\":\"@ptr\",\"value\":\"x\"}],[{\"field\":\"@timestamp\",\"value\":\"t\\n2\"},"
		"{\"field\":\"@message\",\"value\":\"\\u001bc\"}],[{\"field\":\"@message\"},{\"field\":\"n\",\"value\":\"7\"}]],"
		"\"statistics\":{\"recordsMatched\":3.0,\"recordsScanned\":12.0,\"bytesScanned\":12345.0}}",
		"@timestamp  @message  n\n"
		"t1          a  b      \n"
		"t 2         ?c        \n"
		"                      7\n"
		"\n3 rows; 3 records matched of 12 scanned, 12.3 KB\n");
	table_is(
		"{\"results\":[[{\"field\":\"m\",\"value\":\"a\\nb\"}]],\"statistics\":{\"bytesScanned\":12.0}}",
		"m\na\nb\n\n1 rows; 0 records matched of 0 scanned, 12 bytes\n");
	table_is("{\"results\":[],\"status\":\"Complete\"}",
		 "0 rows; 0 records matched of 0 scanned, 0 bytes\n");
	table_is("{\"results\":[7,[8,{}],{}]}",
		 "\n\n\n\n\n3 rows; 0 records matched of 0 scanned, 0 bytes\n");
}

/* On a terminal a line of megabytes would take minutes, and all that was there before. */
static void long_lines(void)
{
	static const struct {
		const char *text, *expected;
		size_t line_max;
	} table[] = {
		{ "12345678", "12345678\n", 8 },
		{ "123456789", "12345678 [1 more bytes; in a pipe the line is whole]\n", 8 },
		{ "123456789\nx", "12345678 [1 more bytes; in a pipe the line is whole]\nx\n", 8 },
		{ "1234567\xc3\xa9x", "1234567 [3 more bytes; in a pipe the line is whole]\n", 8 },
		{ "\x9b\x9b\x9b", " [3 more bytes; in a pipe the line is whole]\n", 2 },
		{ "123456789", "123456789\n", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct logs_printer p = { .line_max = table[i].line_max };
		const struct logs_line l = line_of(table[i].text, RECORD_INFO);

		unit_begin("long lines: %zu", i);
		text_is(&p, &l, table[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, as_text },
		{ "as JSON", as_json },
		{ NULL, long_lines },
		{ "tables of a query", tables },
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
