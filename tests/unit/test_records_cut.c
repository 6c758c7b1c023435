/* SPDX-License-Identifier: MIT */
/* Records that do not end, or not yet: how long they wait, where they are cut, and that nothing is lost, also without memory. */
#include "records_fixture.h"

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
		{ NULL, long_lines },
		{ "a record that never ends", endless_record },
		{ "a record that was cut goes on with its time and level", a_cut_record_goes_on },
		{ "a record waits for a second, and ten at most", waits },
		{ "a record is cut for want of memory", cut_for_want_of_memory },
		{ "without memory nothing is lost", no_memory },
	};

	setenv("TZ", "UTC", 1);
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
