/* SPDX-License-Identifier: MIT */
/* S3's XML: what is read of it, and what is refused. */
#include "unit/unit.h"

#include "aws/s3_xml.h"

#define DOCUMENT(text) "<?xml version=\"1.0\"?>\n<R xmlns=\"x\">" text "</R>"

static void roots(void)
{
	static const struct {
		const char *name, *text;
		bool ok;
		const char *within;
	} rows[] = {
		{ "with a declaration", DOCUMENT("<a>1</a>"), true, "<a>1</a>" },
		{ "without one", "<R>x</R>", true, "x" },
		{ "with white space around", " \n\t<R>x</R>\r\n", true, "x" },
		{ "empty", "<R></R>", true, "" },
		{ "closed at once", "<R/>", false, NULL },
		{ "another", "<Error><Code>x</Code></Error>", false, NULL },
		{ "one that begins with its name", "<Rest>x</Rest>", false, NULL },
		{ "not closed", "<R>x", false, NULL },
		{ "something behind it", "<R>x</R>y", false, NULL },
		{ "a document type", "<!DOCTYPE R><R>x</R>", false, NULL },
		{ "a comment", "<R><!-- x --></R>", false, NULL },
		{ "CDATA", "<R><![CDATA[x]]></R>", false, NULL },
		{ "a declaration without an end", "<?xml <R>x</R>", false, NULL },
		{ "a tag without an end", "<R ", false, NULL },
		{ "nothing", "", false, NULL },
		{ "a page", "<html><body>R</body></html>", false, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct s3_xml x;

		unit_begin("root: %s", rows[i].name);
		if (EXPECT_INT(s3_xml_root(rows[i].text, strlen(rows[i].text), "R", &x),
			       rows[i].ok) &&
		    rows[i].ok)
			EXPECT_BYTES(x.at, x.len, rows[i].within, strlen(rows[i].within));
	}
	unit_begin("root: a NUL within");
	EXPECT(!s3_xml_root("<R>\0</R>", 8, "R", &(struct s3_xml){ 0 }));
}

static void texts(void)
{
	static const struct {
		const char *name, *text, *want; /* NULL: refused */
	} rows[] = {
		{ "plain", "<k>a b</k>", "a b" },
		{ "empty", "<k></k>", "" },
		{ "the first of two", "<k>1</k><k>2</k>", "1" },
		{ "the five entities", "<k>&amp;&lt;&gt;&quot;&apos;</k>", "&<>\"'" },
		{ "numbers", "<k>&#34;&#x22;&#xf1;&#8364;&#x1F600;</k>", "\"\"ñ€😀" },
		{ "UTF-8", "<k>ñ</k>", "ñ" },
		{ "just as long as there is room", "<k>0123456789abcde</k>", "0123456789abcde" },
		{ "longer", "<k>0123456789abcdef</k>", NULL },
		{ "an element within", "<k><b>a</b></k>", NULL },
		{ "an entity of nobody's", "<k>&x;</k>", NULL },
		{ "half an entity", "<k>&amp</k>", NULL },
		{ "a NUL by number", "<k>&#0;</k>", NULL },
		{ "a surrogate", "<k>&#xD800;</k>", NULL },
		{ "beyond Unicode", "<k>&#x110000;</k>", NULL },
		{ "no number", "<k>&#;</k>", NULL },
		{ "no hexadecimal", "<k>&#12ab;</k>", NULL },
		{ "closed at once", "<k/>", NULL },
		{ "not closed", "<k>a", NULL },
		{ "with an attribute", "<k a=\"b\">a</k>", NULL },
		{ "not there", "<kk>a</kk>", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct s3_xml x = { rows[i].text, strlen(rows[i].text) };
		char text[16];

		unit_begin("text: %s", rows[i].name);
		if (EXPECT_INT(s3_xml_text(x, "k", text, sizeof(text)), rows[i].want != NULL) &&
		    rows[i].want)
			EXPECT_STR(text, rows[i].want);
	}
}

static void numbers(void)
{
	const struct s3_xml x = { "<a>12</a><b>-1</b><c>18446744073709551616</c><d> 1</d>", 53 };
	uint64_t n = 0;

	EXPECT(s3_xml_u64(x, "a", &n));
	EXPECT_UINT(n, 12);
	EXPECT(!s3_xml_u64(x, "b", &n));
	EXPECT(!s3_xml_u64(x, "c", &n));
	EXPECT(!s3_xml_u64(x, "d", &n));
	EXPECT(!s3_xml_u64(x, "e", &n));
	EXPECT_UINT(n, 12);
}

static void elements(void)
{
	const char text[] = "<p>1</p> <q>x</q><p>2</p><p>";
	struct s3_xml x = { text, sizeof(text) - 1 }, p;

	REQUIRE(s3_xml_next(&x, "p", &p));
	EXPECT_BYTES(p.at, p.len, "1", 1);
	REQUIRE(s3_xml_next(&x, "p", &p));
	EXPECT_BYTES(p.at, p.len, "2", 1);
	EXPECT(!s3_xml_next(&x, "p", &p));
}

static void keys(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "a/b", "a/b" }, { "a+b%20c", "a b c" }, { "%C3%B1%2f", "ñ/" }, { "a%2Bb", "a+b" },
		{ "", "" },       { "a%", NULL },         { "a%2", NULL },       { "a%zz", NULL },
		{ "%00", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];

		unit_begin("key: %s", rows[i].text);
		snprintf(text, sizeof(text), "%s", rows[i].text);
		if (EXPECT_INT(s3_xml_decode_key(text), rows[i].want != NULL) && rows[i].want)
			EXPECT_STR(text, rows[i].want);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, roots },
		{ NULL, texts },
		{ "numbers are digits only", numbers },
		{ "elements come one after the other", elements },
		{ NULL, keys },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
