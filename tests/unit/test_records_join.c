/* SPDX-License-Identifier: MIT */
/*
 * Entries of a journal as records: one of several lines is one record, whatever they look like; those of one line follow the rules of
 * files. Fed at once and byte by byte, and with a callback that refuses each record first.
 */
#include "unit.h"

#include "logs/record_rules.h"
#include "logs/records.h"

#define NOW 1795460400000ll /* 2026-11-23 19:00:00 UTC */
#define TB "Traceback (most recent call last):"
#define ENTRIES 8

struct seen {
	struct buf text;
	uint64_t end;
	bool gap, refuses, refused;
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
	s->n += r->len != 0;
	if (!r->len)
		return 0;
	buf_printf(&s->text, "%s ", record_level_name(r->level));
	if (r->exception)
		buf_add(&s->text, r->exception, r->exception_len);
	buf_add_char(&s->text, '|');
	buf_add(&s->text, r->text, r->len);
	buf_add_char(&s->text, '\n');
	return 0;
}

static void feed(struct records *r, const char *entry, size_t piece, uint64_t *offset)
{
	const size_t n = strlen(entry) + 1;
	char *line = malloc(n + 1);

	memcpy(line, entry, n - 1);
	memcpy(line + n - 1, "\n", 2);
	if (strchr(entry, '\n'))
		records_join(r, *offset, *offset + n);
	for (size_t at = 0, taken; at < n; at += taken, *offset += taken) {
		const size_t len = n - at < piece ? n - at : piece;
		int err = records_feed(r, line + at, len, *offset, NOW, &taken);

		EXPECT(!err || err == -EAGAIN);
		EXPECT(taken <= len && (err || taken == len));
	}
	free(line);
}

static void run(char *timestamp, char *first_line, const char *const *entries, size_t piece,
		bool refuses, struct seen *s, struct record_counts *ret_counts)
{
	const struct config_log c = { .timestamp = timestamp, .first_line = first_line };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct record_rules *rules = NULL;
	struct records *r = NULL;
	uint64_t offset = 0;

	*s = (struct seen){ .text = BUF_INIT(16 << 20), .refuses = refuses };
	REQUIRE_INT(record_rules_new(&c, &why, &rules), 0);
	REQUIRE_INT(records_new(rules, see, s, &r), 0);
	for (size_t i = 0; i < ENTRIES && entries[i]; i++)
		feed(r, entries[i], piece, &offset);
	for (unsigned int tries = 0; tries < 100 && records_flush(r, NOW, true);)
		tries++;
	*ret_counts = *records_counts(r);
	EXPECT(!s->gap);
	EXPECT_UINT(s->end, offset);
	records_free(r);
	record_rules_free(rules);
}

static void entries(void)
{
	static char none[] = "", each[] = "^", begin[] = "^BEGIN", stamp[] = "%Y-%m-%d %H:%M:%S";
	static const struct {
		const char *name;
		char *timestamp, *first_line;
		const char *entries[ENTRIES + 1];
		const char *expected;
	} rows[] = {
		{ "of one line", none, none, { "a", "b" }, "none |a\nnone |b\n" },
		{ "of several", none, none, { "a\nb\nc", "d" }, "none |a\nb\nc\nnone |d\n" },
		{ "a traceback behind its message",
		  none,
		  none,
		  { "it failed\n" TB "\n  File \"a\"\nValueError: x", "  d" },
		  "error ValueError|it failed\n" TB "\n  File \"a\"\nValueError: x\nnone |  d\n" },
		{ "a traceback that is not over goes on in no other entry",
		  none,
		  none,
		  { TB "\n  File \"a\"", "  File \"b\"", "KeyError: x" },
		  "none |" TB "\n  File \"a\"\nnone |  File \"b\"\nnone |KeyError: x\n" },
		{ "a traceback line by line",
		  none,
		  none,
		  { "a", TB, "  File \"a\"", "ValueError: x", "b" },
		  "none |a\nerror ValueError|" TB "\n  File \"a\"\nValueError: x\nnone |b\n" },
		{ "several lines behind a traceback line by line",
		  none,
		  none,
		  { TB, "  File \"a\"", "ValueError: x", "  b\n  c", "  d" },
		  "error ValueError|" TB
		  "\n  File \"a\"\nValueError: x\nnone |  b\n  c\nnone |  d\n" },
		{ "two tracebacks",
		  none,
		  none,
		  { TB "\n  a\nA: 1", TB "\n  b\nB: 2" },
		  "error A|" TB "\n  a\nA: 1\nerror B|" TB "\n  b\nB: 2\n" },
		{ "empty lines before and within",
		  none,
		  none,
		  { "\n\na\n\nb", "c" },
		  "none |a\n\nb\nnone |c\n" },
		{ "nothing but empty lines", none, none, { "\n\n", "c" }, "none |c\n" },
		{ "CR LF", none, none, { "a\r\nb\r", "c" }, "none |a\nb\nnone |c\n" },
		{ "each line a record: each entry",
		  none,
		  each,
		  { "a\nb", "c", TB "\n  x\nOSError: y" },
		  "none |a\nb\nnone |c\nerror OSError|" TB "\n  x\nOSError: y\n" },
		{ "first_line holds for entries of one line",
		  none,
		  begin,
		  { "BEGIN 1", "a", "x\nBEGIN 2\ny", "z", "BEGIN 3" },
		  "none |BEGIN 1\na\nnone |x\nBEGIN 2\ny\nnone |z\nnone |BEGIN 3\n" },
		{ "so do stamps",
		  stamp,
		  none,
		  { "2026-11-23 18:40:00 a", " b", "c\n2026-11-23 18:40:01 d", "e" },
		  "none |2026-11-23 18:40:00 a\n b\nnone |c\n2026-11-23 18:40:01 d\nnone |e\n" },
	};
	static const size_t pieces[] = { 1 << 20, 1, 3 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("entries: %s", rows[i].name);
		for (size_t way = 0; way < 2 * ARRAY_SIZE(pieces); way++) {
			struct record_counts counts;
			struct seen s;

			run(rows[i].timestamp, rows[i].first_line, rows[i].entries, pieces[way / 2],
			    way % 2, &s, &counts);
			EXPECT_STR(buf_str(&s.text), rows[i].expected);
			EXPECT_UINT(counts.cut, 0);
			buf_done(&s.text);
		}
	}
}

/* As others: by lines and by bytes, counted; nothing is lost, and the next entry is none of it. */
static void too_long(void)
{
	static char none[] = "";
	static const struct {
		const char *name, *line;
		size_t n, parts;
	} rows[] = {
		{ "too many lines", "xyz", 2 * RECORD_LINES_MAX + 5, 3 },
		{ "too many bytes",
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789",
		  9000, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT(4 << 20);
		const char *list[ENTRIES + 1] = { NULL, "next" };
		struct record_counts counts;
		struct seen s;

		unit_begin("an entry with %s is cut", rows[i].name);
		buf_add_str(&text, "CRITICAL: it begins");
		for (size_t n = 0; n < rows[i].n; n++)
			buf_printf(&text, "\n%s", rows[i].line);
		list[0] = buf_str(&text);
		run(none, none, list, 1 << 20, false, &s, &counts);
		EXPECT_UINT(s.n, rows[i].parts + 1);
		EXPECT_UINT(counts.cut, rows[i].parts - 1);
		EXPECT_UINT(counts.lines, rows[i].n + 2);
		EXPECT_HAS(buf_str(&s.text), "critical |CRITICAL");
		EXPECT_HAS(buf_str(&s.text), "\ncritical |"); /* it goes on with its level */
		EXPECT_STR(buf_str(&s.text) + s.text.len - 11, "none |next\n");
		buf_done(&s.text);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, entries }, { NULL, too_long } };

	setenv("TZ", "UTC", 1);
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
