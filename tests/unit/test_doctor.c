/* SPDX-License-Identifier: MIT */
/* What doctor makes of findings: the cause, the sentence, the picture for people, JSON; and that its tables fit together. */
#include "unit.h"

#include "base/json.h"
#include "check/areas.h"
#include "check/diagnosis.h"
#include "cmd/doctor_cmd.h"

struct row {
	const char *id, *fix;
	enum finding_result result;
};

static void fill(struct findings *f, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n && rows[i].id; i++)
		findings_add(f,
			     &(struct finding_text){ .id = rows[i].id,
						     .fix = rows[i].fix,
						     .result = rows[i].result },
			     "seen");
}

static void names_the_cause(void)
{
	static const struct {
		const char *name;
		struct row rows[4];
		const char *cause;
	} table[] = {
		{ "nothing is wrong",
		  { { "a.b", NULL, FINDING_FINE }, { "a.c", NULL, FINDING_NOTE } },
		  NULL },
		{ "a stopped service, not what follows",
		  { { "proxy.connect", NULL, FINDING_PROBLEM },
		    { "service.health", "service-restart", FINDING_PROBLEM },
		    { "permissions.owner", "permissions", FINDING_PROBLEM },
		    { "service.manager", "service-start", FINDING_PROBLEM } },
		  "service.manager" },
		{ "what was cut off, and not that the service is stopped for it",
		  { { "service.manager", "service-start", FINDING_PROBLEM },
		    { "service.unfinished", NULL, FINDING_PROBLEM } },
		  "service.unfinished" },
		{ "another program that has its port, and not that it does not start",
		  { { "service.manager", NULL, FINDING_PROBLEM },
		    { "permissions.owner", "permissions", FINDING_PROBLEM },
		    { "service.listening", NULL, FINDING_PROBLEM } },
		  "service.listening" },
		{ "that nobody is there to start it, and not a file of root's",
		  { { "permissions.owner", "permissions", FINDING_PROBLEM },
		    { "service.manager", NULL, FINDING_PROBLEM } },
		  "service.manager" },
		{ "that it has ended, and not that nobody listens",
		  { { "service.listening", "service-restart", FINDING_PROBLEM },
		    { "service.manager", "service-restart", FINDING_PROBLEM } },
		  "service.manager" },
		{ "permissions, and not that it fails for them",
		  { { "service.manager", "service-restart", FINDING_PROBLEM },
		    { "permissions.owner", "permissions", FINDING_PROBLEM } },
		  "permissions.owner" },
		{ "a problem rather than a warning",
		  { { "service.manager", NULL, FINDING_WARNING },
		    { "z.z", NULL, FINDING_PROBLEM } },
		  "z.z" },
		{ "a warning rather than what is not known",
		  { { "service.manager", NULL, FINDING_UNKNOWN },
		    { "z.z", NULL, FINDING_WARNING } },
		  "z.z" },
		{ "the first of those that no chain knows",
		  { { "x.x", NULL, FINDING_PROBLEM }, { "y.y", NULL, FINDING_PROBLEM } },
		  "x.x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_(findings_done) struct findings f = { 0 };
		const struct finding *cause;

		unit_begin("the cause: %s", table[i].name);
		fill(&f, table[i].rows, ARRAY_SIZE(table[i].rows));
		cause = diagnosis_cause(&f);
		EXPECT_STR(cause ? cause->id : NULL, table[i].cause);
	}
}

static const struct finding_text stopped = {
	.id = "service.manager",
	.result = FINDING_PROBLEM,
	.meaning = "the service is stopped in Supervisor",
	.remedy = "isamon service start",
	.fix = "service-start",
};

static void says_it_in_a_sentence(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

	REQUIRE_INT(findings_add(&f, &stopped, "agent-isa STOPPED"), 0);
	REQUIRE_INT(findings_add(&f, &(struct finding_text){ .id = "a.b", .subject = "/x" },
				 "gone"),
		    0);
	EXPECT_INT(diagnosis_say(&f.list[0], &out), 0);
	EXPECT_STR(
		buf_str(&out),
		"the service is stopped in Supervisor (agent-isa STOPPED): isamon service start");
	buf_reset(&out);
	EXPECT_INT(diagnosis_say(&f.list[1], &out), 0);
	EXPECT_STR(buf_str(&out), "/x: gone");
}

static void fits_the_screen(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(100000);
	struct doctor d = { .n_areas = 1, .areas = { { .name = "service" } } };
	static const char *const evidence[] = {
		"short",
		"a text of many words that does not find room on one line and goes on on the next one, and the next, and so on",
		"/a/path/without/any/space/that/is/longer/than/one/line/can/be/and/has/to/be/broken/somewhere/in/the/middle",
		"\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(evidence); i++)
		REQUIRE_INT(findings_add(&d.found, &stopped, "%s", evidence[i]), 0);
	EXPECT_INT(doctor_format(&d, false, &out), 0);
	EXPECT_HAS(buf_str(&out), "service\n  BAD   manager        short\n");
	EXPECT_HAS(buf_str(&out), "                       -> isamon service start\n");
	EXPECT_HAS(
		buf_str(&out),
		"\nDiagnosis: the service is stopped in Supervisor (short): isamon service start\n");
	for (const char *line = buf_str(&out); *line; line += strcspn(line, "\n") + 1) {
		size_t width = 0;

		for (size_t i = 0; i < strcspn(line, "\n"); i++)
			width += ((unsigned char)line[i] & 0xc0) != 0x80;
		EXPECT(width <= 80);
	}
	findings_done(&d.found);
}

static void is_told_as_json(void)
{
	struct doctor d = { .n_areas = 1, .areas = { { .name = "service" } }, .took_ns = 5000000 };
	_cleanup_(json_freep) json_t *j = NULL;
	const json_t *diagnosis;

	REQUIRE_INT(findings_add(&d.found, &stopped, "seen"), 0);
	j = doctor_to_json(&d);
	REQUIRE(j != NULL);
	EXPECT_STR(json_member_text(j, "worst", ""), "problem");
	EXPECT_INT(json_integer_value(json_object_get(j, "took_ms")), 5);
	EXPECT(json_object_get(j, "fixes") == NULL);
	EXPECT_UINT(json_array_size(json_object_get(j, "findings")), 1);
	diagnosis = json_object_get(j, "diagnosis");
	EXPECT_STR(json_member_text(diagnosis, "id", ""), "service.manager");
	EXPECT_STR(json_member_text(diagnosis, "fix", ""), "service-start");
	findings_done(&d.found);
}

static void tables_fit_together(void)
{
	size_t n;
	const struct runbook *r = runbooks_list(&n);
	struct area a, b;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < RUNBOOK_AREAS_MAX && r[i].areas[k]; k++)
			if (!areas_find(r[i].areas[k], &a))
				FAIL_CASE("%s has no area %s", r[i].name, r[i].areas[k]);
	for (size_t i = 0; areas_get(i, &a); i++) {
		EXPECT(a.n > 0);
		EXPECT(i < DOCTOR_AREAS_MAX);
		EXPECT(areas_find(a.name, &b) && b.checks == a.checks);
		for (size_t k = 0; k < a.n; k++) {
			EXPECT_STR(a.checks[k].area, a.name);
			EXPECT(strncmp(a.checks[k].id, a.name, strlen(a.name)) == 0);
			EXPECT(a.checks[k].run != NULL);
		}
	}
	EXPECT(!areas_find("nonsense", &a));
	EXPECT(runbooks_find("bad-gateway") != NULL);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, names_the_cause },
		{ "the diagnosis is one sentence", says_it_in_a_sentence },
		{ "lines have 80 columns at most", fits_the_screen },
		{ "JSON has the diagnosis, and no repairs that were not asked for",
		  is_told_as_json },
		{ "areas, checks and runbooks fit together", tables_fit_together },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
