/* SPDX-License-Identifier: MIT */
/* Findings: what is kept of them, their way through JSON, and memory that runs out. */
#include "unit.h"

#include "nomem.h"

#include "check/finding.c"

static const struct finding_text wrong = {
	.id = "service.health",
	.subject = "/health",
	.result = FINDING_PROBLEM,
	.meaning = "nobody is served",
	.remedy = "isamon service restart",
	.fix = "restart",
};

static void goes_through_json(void)
{
	_cleanup_(findings_done) struct findings f = { 0 }, back = { 0 };
	_cleanup_(json_freep) json_t *j = NULL;

	REQUIRE_INT(findings_add(&f, &wrong, "status %d", 503), 0);
	REQUIRE_INT(findings_add(&f, &(struct finding_text){ .id = "a.b" }, "fine"), 0);
	j = findings_to_json(&f);
	REQUIRE_INT(findings_from_json(j, &back), 0);
	REQUIRE_UINT(back.n, 2);
	EXPECT_STR(back.list[0].id, "service.health");
	EXPECT_STR(back.list[0].subject, "/health");
	EXPECT_STR(back.list[0].evidence, "status 503");
	EXPECT_STR(back.list[0].meaning, "nobody is served");
	EXPECT_STR(back.list[0].remedy, "isamon service restart");
	EXPECT_STR(back.list[0].fix, "restart");
	EXPECT_INT(back.list[0].result, FINDING_PROBLEM);
	EXPECT_STR(back.list[1].subject, "");
	EXPECT_INT(back.list[1].result, FINDING_FINE);
}

static void refuses_other_json(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "an object", "{}" },
		{ "no id", "[{\"result\":\"fine\",\"evidence\":\"\"}]" },
		{ "an unknown result",
		  "[{\"id\":\"a.b\",\"result\":\"great\",\"evidence\":\"\"}]" },
		{ "a number", "[1]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings f = { 0 };
		_cleanup_(json_freep) json_t *j = json_loads(rows[i].text, JSON_DECODE_ANY, NULL);

		unit_begin("JSON that is no findings is refused: %s", rows[i].name);
		EXPECT_INT(findings_from_json(j, &f), -EINVAL);
	}
}

static void is_plain_and_bounded(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	char long_text[5000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	REQUIRE_INT(findings_add(&f, &wrong, "a\033[2Jb\nc"), 0);
	REQUIRE_INT(findings_add(&f, &wrong, "%s", long_text), 0);
	EXPECT_STR(f.list[0].evidence, "a?[2Jb c");
	EXPECT_UINT(strlen(f.list[1].evidence), EVIDENCE_BYTES - 1);
	while (f.n < FINDINGS_MAX)
		REQUIRE_INT(findings_add(&f, &wrong, "one more"), 0);
	EXPECT_INT(f.more, false);
	EXPECT_INT(findings_add(&f, &wrong, "too many"), 0);
	EXPECT_UINT(f.n, FINDINGS_MAX);
	EXPECT_INT(f.more, true);
}

/* Names of files may be any bytes; and a text may be cut within a character. */
static void takes_any_bytes(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	_cleanup_(json_freep) json_t *j = NULL;

	REQUIRE_INT(findings_add(&f, &wrong, "/opt/\xff\xc3 \xc3\xa9"), 0);
	EXPECT_STR(f.list[0].evidence, "/opt/?? \xc3\xa9");
	j = findings_to_json(&f);
	EXPECT(j != NULL);
}

static void worst_is_worst(void)
{
	static const enum finding_result order[] = { FINDING_FINE, FINDING_NOTE, FINDING_UNKNOWN,
						     FINDING_WARNING, FINDING_PROBLEM };
	_cleanup_(findings_done) struct findings f = { 0 };

	EXPECT_INT(findings_worst(&f), FINDING_FINE);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct finding_text t = { .id = "a.b", .result = order[i] };

		REQUIRE_INT(findings_add(&f, &t, "seen"), 0);
		REQUIRE_INT(findings_add(&f, &(struct finding_text){ .id = "a.b" }, "seen"), 0);
		EXPECT_INT(findings_worst(&f), order[i]);
	}
}

static void survives_lack_of_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(findings_done) struct findings f = { 0 }, to = { 0 };
		int err = findings_add(&f, &wrong, "seen");
		size_t had = f.n;

		EXPECT_UINT(had, err ? 0 : 1);
		if (!err)
			err = findings_move(&to, &f);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT_UINT(f.n, 0);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "findings go through JSON as they are", goes_through_json },
		{ NULL, refuses_other_json },
		{ "texts are plain and bounded, and so is their number", is_plain_and_bounded },
		{ "bytes that are no text are told as '?'", takes_any_bytes },
		{ "the worst of all results is told", worst_is_worst },
		{ "memory that runs out loses nothing that was there", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
