/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/buf.h"
#include "logs/lines.h"

/* A text as a log, whose lines begin with "<ms>" or nothing. */
struct text {
	const char *bytes;
	size_t n;
	size_t piece; /* the most that a reading gives; 0: all */
	uint64_t read_bytes;
	int err;
};

static ssize_t text_pread(void *ctx, void *bytes, size_t n, uint64_t offset)
{
	struct text *t = ctx;

	if (t->err)
		return t->err;
	if (offset >= t->n)
		return 0;
	if (n > t->n - offset)
		n = (size_t)(t->n - offset);
	if (t->piece && n > t->piece)
		n = t->piece;
	memcpy(bytes, t->bytes + offset, n);
	t->read_bytes += n;
	return (ssize_t)n;
}

static int text_time(void *ctx, const char *line, size_t n, int64_t *ret_ms)
{
	int64_t ms = 0;
	size_t i;

	(void)ctx;
	if (n < 3 || line[0] != '<')
		return -ENOENT;
	for (i = 1; i < n && line[i] >= '0' && line[i] <= '9'; i++)
		ms = ms * 10 + (line[i] - '0');
	if (i == n || line[i] != '>')
		return -ENOENT;
	*ret_ms = ms;
	return 0;
}

static struct lines lines_of(struct text *t)
{
	return (struct lines){ text_pread, text_time, t, t->n };
}

static void starts(void)
{
	static const char text[] = "one\ntwo\n\nfour";
	static const struct {
		const char *name;
		uint64_t at, start;
	} table[] = {
		{ "the beginning", 0, 0 },       { "in the first line", 2, 0 },
		{ "its newline", 3, 0 },         { "the next line's first byte", 4, 4 },
		{ "an empty line", 8, 8 },       { "behind an empty line", 9, 9 },
		{ "a line without end", 12, 9 }, { "the end", 13, 9 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct text t = { text, sizeof(text) - 1, 1, 0, 0 };
		struct lines l = lines_of(&t);
		uint64_t start = 99;

		unit_begin("the line's start from %s", table[i].name);
		EXPECT_INT(lines_start(&l, table[i].at, &start), 0);
		EXPECT_UINT(start, table[i].start);
	}
}

static void long_line(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(1 << 22);
	uint64_t start = 0, at = 1000000;
	struct text t = { 0 };
	struct lines l;

	buf_add_str(&b, "short\n");
	for (int i = 0; i < 1000000; i++)
		buf_add_char(&b, 'x');
	t.bytes = buf_str(&b);
	t.n = b.len;
	l = lines_of(&t);
	EXPECT_INT(lines_start(&l, at, &start), 0);
	EXPECT_UINT(start, at - LINES_LOOK_BACK);
	EXPECT(t.read_bytes <= LINES_LOOK_BACK);
	EXPECT_INT(lines_start(&l, 100000, &start), 0);
	EXPECT_UINT(start, 6);
}

/* A log of lines at 0, 10, 20, ...; each @every-th has a time, each is about @length long. */
static void fill(struct buf *b, int n, int every, int length)
{
	for (int i = 0; i < n; i++) {
		if (i % every == 0)
			buf_printf(b, "<%d>", i * 10);
		buf_printf(b, "%0*d\n", i % 7 + length, i);
	}
}

/* Whether what lines_find_time() promises holds: nothing that is not older stands before, and it is near. */
static void check(struct text *t, int64_t since_ms)
{
	struct lines l = lines_of(t);
	uint64_t found = 0, first = t->n;

	REQUIRE_INT(lines_find_time(&l, since_ms, &found), 0);
	REQUIRE(found <= t->n && (found == 0 || t->bytes[found - 1] == '\n'));
	for (uint64_t at = 0; at < t->n;) {
		const char *newline = memchr(t->bytes + at, '\n', t->n - at);
		size_t len = newline ? (size_t)(newline - t->bytes - at) : t->n - at;
		int64_t ms;

		if (text_time(NULL, t->bytes + at, len, &ms) == 0 && ms >= since_ms) {
			first = at;
			break;
		}
		at += len + 1;
	}
	if (found > first || first - found > LINES_NEAR + 200000)
		FAIL_CASE("since %jd: found %ju, the first is at %ju", (intmax_t)since_ms,
			  (uintmax_t)found, (uintmax_t)first);
}

static void times(void)
{
	static const struct {
		const char *name;
		int n, every, length;
	} table[] = {
		{ "each line has a time", 40000, 1, 20 },
		{ "each tenth has one", 40000, 10, 20 },
		{ "only the first has one", 40000, 1000000, 20 },
		{ "long lines", 50, 1, 90000 },
		{ "long lines, few times", 60, 7, 20000 },
		{ "one line", 1, 1, 10 },
		{ "none", 0, 1, 10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT(1 << 24);
		struct text t = { .piece = 3000 };

		unit_begin("the time is found: %s", table[i].name);
		fill(&b, table[i].n, table[i].every, table[i].length);
		t.bytes = buf_str(&b);
		t.n = b.len;
		if (table[i].every > 1000) {
			struct lines l = lines_of(&t);
			uint64_t found = 1;

			EXPECT_INT(lines_find_time(&l, 5, &found), 0);
			EXPECT_UINT(found, 0);
			continue;
		}
		for (int64_t since = -10; since < table[i].n * 10 + 30; since += table[i].n / 2 + 7)
			check(&t, since);
	}
}

/* 10 GB would be as quick: what is read grows with the logarithm. */
static void reads_little(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(1 << 26);
	uint64_t found = 0;
	struct text t = { 0 };
	struct lines l;

	fill(&b, 400000, 1, 60);
	t.bytes = buf_str(&b);
	t.n = b.len;
	l = lines_of(&t);
	EXPECT_INT(lines_find_time(&l, 3000000, &found), 0);
	EXPECT(found > t.n / 2);
	EXPECT(t.read_bytes < 500000);
	t.err = -EIO;
	EXPECT_INT(lines_find_time(&l, 3000000, &found), -EIO);
	EXPECT_INT(lines_start(&l, 1000, &found), -EIO);
}

/* A file that shrank since its size was asked for. */
static void shrinks(void)
{
	struct text t = { "<1>a\n<2>b\n", 10, 0, 0, 0 };
	struct lines l = lines_of(&t);
	uint64_t found = 1;

	l.size = 1000000;
	EXPECT_INT(lines_find_time(&l, 2, &found), 0);
	EXPECT_UINT(found, 0);
	EXPECT_INT(lines_start(&l, 900000, &found), 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, starts },
		{ "a line that is longer than is looked at", long_line },
		{ NULL, times },
		{ "little is read of a big file", reads_little },
		{ "a file that became shorter", shrinks },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
