/* SPDX-License-Identifier: MIT */
/* What became of a repair is told whatever bytes others said: by its record doctor knows that it was tried. */
#include "unit.h"

#include "check/fix_impl.h"
#include "cmd/doctor_fix.c"

static void is_told(void)
{
	static const struct {
		const char *name, *title, *text, *what, *said;
	} table[] = {
		{ "plain text", "start nginx", "it was started", "start nginx", "it was started" },
		{ "several lines", "a", "the log:\n    b\n    c", "a", "the log:\n    b\n    c" },
		{ "what is no UTF-8", "set modes in /caf\xc3", "nginx: \xe9", "set modes in /caf?",
		  "nginx: ?" },
		{ "what a terminal would obey", "a", "\033]0;b\007\xc2\x9b", "a", "?]0;b??" },
	};
	static const struct finding_text t = {
		.id = "a.b", .subject = "c", .fix = "nginx-start", .result = FINDING_PROBLEM
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct doctor d = { .fixes = json_array() };
		const json_t *told;

		unit_begin("%s", table[i].name);
		REQUIRE_INT(findings_add(&d.found, &t, "seen"), 0);
		EXPECT_INT(was_tried(&d, &d.found.list[0]), false);
		tell(&d, &d.found.list[0], table[i].title, REFUSED, table[i].text);
		EXPECT_INT(was_tried(&d, &d.found.list[0]), true);
		told = json_array_get(d.fixes, 0);
		EXPECT_STR(json_member_text(told, "what", ""), table[i].what);
		EXPECT_STR(json_member_text(told, "said", ""), table[i].said);
		findings_done(&d.found);
		json_decref(d.fixes);
	}
}

/* Why it failed is longer than what is said of one that was done. */
static int fail(struct fix *x, struct buf *said, struct buf *why)
{
	(void)x;
	buf_add_str(said, "0 of 1 changed");
	buf_printf(why, "%01000d", 1);
	return -EIO;
}

static void says_why(void)
{
	static const struct finding_text t = { .id = "a.b", .fix = "nginx-start" };
	struct doctor d = { .fixes = json_array() };
	struct fix x = { .title = "start nginx", .apply = fail };
	const char *said;

	REQUIRE_INT(findings_add(&d.found, &t, "seen"), 0);
	EXPECT_INT(apply(&d, &d.found.list[0], &x), -EIO);
	said = json_member_text(json_array_get(d.fixes, 0), "said", "");
	EXPECT_HAS(said, "0 of 1 changed; 000");
	EXPECT_UINT(strlen(said), 16 + 1000);
	findings_done(&d.found);
	json_decref(d.fixes);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, is_told },
		{ "why it failed is said whole", says_why },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
