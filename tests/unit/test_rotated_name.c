/* SPDX-License-Identifier: MIT */
/* Which names rotation gives, and by what a file is known again. */
#include "logs/rotated_name.h"

#include "logs/fingerprint.h"
#include "unit.h"

static void names(void)
{
	static const struct {
		const char *name;
		enum rotated_form form;
		const char *live;
	} rows[] = {
		{ "a.log", ROTATED_NOT, "" },
		{ "a2.log", ROTATED_NOT, "" },
		{ "a.log.1", ROTATED_BEHIND, "a.log" },
		{ "a.log.12.gz", ROTATED_BEHIND, "a.log" },
		{ "a.log.gz", ROTATED_BEHIND, "a.log" },
		{ "a.log-20261126", ROTATED_BEHIND, "a.log" },
		{ "a.log-20261126.xz", ROTATED_BEHIND, "a.log" },
		{ "a.log-2026112610-1795685024.gz", ROTATED_BEHIND, "a.log" },
		{ "a.log.2026-11-26", ROTATED_BEHIND, "a.log" },
		{ "a.log.2026-11-26_10-05", ROTATED_BEHIND, "a.log" },
		{ "a.log.2026-11-26_10:05:59", ROTATED_BEHIND, "a.log" },
		{ "a.log_20261126", ROTATED_BEHIND, "a.log" },
		{ "a.log_2026-11-26_100559.gz", ROTATED_BEHIND, "a.log" },
		{ "a_20261126.log", ROTATED_WITHIN, "a.log" },
		{ "a_1.log", ROTATED_NOT, "" },
		{ "a_12", ROTATED_NOT, "" },
		{ "_20261126", ROTATED_NOT, "" },
		{ "a.log.old", ROTATED_BEHIND, "a.log" },
		{ "a.log.bak.gz", ROTATED_BEHIND, "a.log" },
		{ "a-20261126.log", ROTATED_WITHIN, "a.log" },
		{ "a-20261126.log.gz", ROTATED_WITHIN, "a.log" },
		{ "a.1.log", ROTATED_WITHIN, "a.log" },
		{ "syslog", ROTATED_NOT, "" },
		{ "syslog.1", ROTATED_BEHIND, "syslog" },
		{ ".1", ROTATED_NOT, "" },
		{ "1", ROTATED_NOT, "" },
		{ "-1", ROTATED_NOT, "" },
		{ ".gz", ROTATED_NOT, "" },
		{ "", ROTATED_NOT, "" },
		{ "a.log.", ROTATED_NOT, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char live[NAME_MAX + 1] = "";

		unit_begin("\"%s\"", rows[i].name);
		EXPECT_INT(rotated_name(rows[i].name, live), rows[i].form);
		if (rows[i].form != ROTATED_NOT)
			EXPECT_STR(live, rows[i].live);
		unit_end();
	}
}

static void packed(void)
{
	EXPECT(rotated_name_is_gzip("a.log.1.gz"));
	EXPECT(!rotated_name_is_gzip("a.log.1"));
	EXPECT(rotated_name_is_foreign("a.log.1.zst"));
	EXPECT(!rotated_name_is_foreign("a.log.1.gz"));
	EXPECT(!rotated_name_is_foreign("a.log"));
}

static void prints(void)
{
	struct fingerprint f = { 0 }, g = { 0 };
	char head[FINGERPRINT_MAX + 10];

	memset(head, 'x', sizeof(head));
	EXPECT(fingerprint_fits(&f, "", 0));
	EXPECT(fingerprint_follow(&f, head, 5));
	EXPECT_UINT(f.len, 5);
	EXPECT(fingerprint_fits(&f, head, 5));
	EXPECT(fingerprint_fits(&f, head, 900));
	EXPECT(!fingerprint_fits(&f, head, 4));
	EXPECT(!fingerprint_follow(&f, "xxxxy", 5));
	EXPECT_UINT(f.len, 5);
	EXPECT(fingerprint_follow(&f, head, sizeof(head)));
	EXPECT_UINT(f.len, FINGERPRINT_MAX);
	EXPECT_INT(fingerprint_make(&g, head, sizeof(head)), 0);
	EXPECT_BYTES(&f, sizeof(f), &g, sizeof(g));
	head[FINGERPRINT_MAX] = 'y';
	EXPECT(fingerprint_fits(&f, head, sizeof(head)));
	head[FINGERPRINT_MAX - 1] = 'y';
	EXPECT(!fingerprint_fits(&f, head, sizeof(head)));
}

/* The last bytes, in whatever pieces they come. */
static void tails(void)
{
	unsigned char text[1000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t piece = 1; piece < 600; piece += 37) {
		struct tail t = { 0 };

		for (size_t at = 0; at < sizeof(text); at += piece)
			tail_add(&t, text + at,
				 at + piece > sizeof(text) ? sizeof(text) - at : piece);
		EXPECT_BYTES(t.bytes, t.len, text + sizeof(text) - TAIL_MAX, TAIL_MAX);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, names },
		{ "what is packed", packed },
		{ "a fingerprint grows until it is whole", prints },
		{ "the bytes before a place", tails },
	};

	return unit_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
