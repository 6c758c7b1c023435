/* SPDX-License-Identifier: MIT */
/* What the daemon says of itself is judged: probes, what waits, what was lost. */
#include "unit.h"

#include "check/isamon_impl.h"

#define NOW 1795000000.0

static const struct finding *find(const struct findings *f, const char *id, const char *subject)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].id, id) == 0 && strcmp(f->list[i].subject, subject) == 0)
			return &f->list[i];
	return NULL;
}

static void expect(const struct findings *f, const char *id, const char *subject,
		   enum finding_result result, const char *evidence)
{
	const struct finding *found = find(f, id, subject);

	if (!EXPECT(found))
		return;
	EXPECT_INT((int)found->result, (int)result);
	EXPECT_HAS(found->evidence, evidence);
}

static void ages(void)
{
	char age[ISAMON_AGE_MAX];

	EXPECT_STR(isamon_age(0, age), "0 seconds");
	EXPECT_STR(isamon_age(-5, age), "0 seconds");
	EXPECT_STR(isamon_age(119, age), "119 seconds");
	EXPECT_STR(isamon_age(180, age), "3 minutes");
	EXPECT_STR(isamon_age(7200, age), "2 hours");
	EXPECT_STR(isamon_age(172800, age), "2 days");
}

static void sums(void)
{
	static const char page[] =
		"# HELP a_total x\n# TYPE a_total counter\na_total 3\n"
		"a_total_more 100\nb{probe=\"x\"} 1\nb{probe=\"y\",k=\"z\"} 2.5\nc 1e3\n"
		"d{result=\"refused\"} 7\nd{result=\"taken\"} 8\n";
	static const struct {
		const char *name, *label;
		bool is_there;
		double sum;
	} rows[] = {
		{ "a_total", NULL, true, 3 },
		{ "b", NULL, true, 3.5 },
		{ "b", "probe=\"y\"", true, 2.5 },
		{ "c", NULL, true, 1000 },
		{ "d", "result=\"refused\"", true, 7 },
		{ "d", "result=\"x\"", false, 0 },
		{ "e", NULL, false, 0 },
		{ "a", NULL, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double sum = -1;

		unit_begin("sums: %s %s", rows[i].name, rows[i].label ? rows[i].label : "");
		EXPECT_INT(isamon_page_sum(page, rows[i].name, rows[i].label, &sum),
			   rows[i].is_there);
		EXPECT_NEAR(sum, rows[i].is_there ? rows[i].sum : -1, 1e-9);
	}
}

static void page(void)
{
	_cleanup_(findings_done) struct findings fine = { .n = 0 }, bad = { .n = 0 };

	EXPECT_INT(isamon_judge_page("isamon_trace_lost_total{probe=\"http\"} 0\n", NOW, &fine), 0);
	EXPECT_UINT(fine.n, 1);
	expect(&fine, "isamon.lost", "", FINDING_FINE, "nothing was lost");
	EXPECT_INT(isamon_judge_page(
			   "isamon_trace_lost_total{probe=\"http\"} 4\n"
			   "isamon_trace_lost_total{probe=\"life\"} 1\n"
			   "isamon_trace_bad_records_total{probe=\"http\"} 2\n"
			   "isamon_config_reloads_total{result=\"taken\"} 9\n"
			   "isamon_config_reloads_total{result=\"refused\"} 1\n"
			   "isamon_job_overdue{job=\"a\"} 1\nisamon_job_overdue{job=\"b\"} 0\n",
			   NOW, &bad),
		   0);
	EXPECT_UINT(bad.n, 4);
	expect(&bad, "isamon.lost", "records", FINDING_WARNING, "5 records");
	expect(&bad, "isamon.lost", "bad records", FINDING_PROBLEM, "2 records");
	expect(&bad, "isamon.lost", "configuration", FINDING_WARNING, "1 times");
	expect(&bad, "isamon.jobs", "", FINDING_WARNING, "1 jobs are overdue");
}

static void status(void)
{
	_cleanup_(findings_done) struct findings fine = { .n = 0 }, bad = { .n = 0 };
	struct status s;

	status_init(&s);
	s.isamon_since_s = NOW - 7200;
	s.n_probes = 2;
	snprintf(s.probes[0].name, sizeof(s.probes[0].name), "http");
	snprintf(s.probes[1].name, sizeof(s.probes[1].name), "queue");
	s.probes[0].up = s.probes[1].up = true;
	EXPECT_INT(isamon_judge_status(&s, NOW, &fine), 0);
	EXPECT_UINT(fine.n, 2);
	expect(&fine, "isamon.daemon", "", FINDING_FINE, "it runs since 2 hours");
	expect(&fine, "isamon.probe", "", FINDING_FINE, "all 2 are on");

	s.probes[1].up = false;
	s.cloudwatch_on = s.logs_on = 1;
	s.cloudwatch_minutes = 20;
	s.cloudwatch_success_s = NOW - 1200;
	s.logs_oldest_s = NOW - 2 * 86400;
	EXPECT_INT(isamon_judge_status(&s, NOW, &bad), 0);
	EXPECT_UINT(bad.n, 4);
	expect(&bad, "isamon.probe", "queue", FINDING_WARNING, "it is off");
	expect(&bad, "isamon.spool", "CloudWatch", FINDING_WARNING,
	       "20 minutes wait; it last took some 20 minutes ago");
	expect(&bad, "isamon.spool", "CloudWatch Logs", FINDING_PROBLEM, "is 2 days old");
}

static void spool(void)
{
	static const struct {
		const char *name;
		uint64_t minutes;
		double success_s;
		const char *problem;
		enum finding_result result;
	} rows[] = {
		{ "nothing waits", 0, NOW - 90000, "", FINDING_FINE },
		{ "not known", STATUS_UNKNOWN, NOW - 90000, "", FINDING_FINE },
		{ "one waits", 1, NOW - 60, "", FINDING_FINE },
		{ "one waits, and there is a reason", 1, NOW - 60, "denied", FINDING_WARNING },
		{ "for a quarter of an hour", 15, NOW - 900, "", FINDING_WARNING },
		{ "for a day", 1440, NOW - 86400, "denied", FINDING_PROBLEM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings found = { .n = 0 };
		struct status s;

		unit_begin("spool: %s", rows[i].name);
		status_init(&s);
		s.isamon_since_s = NOW - 100000;
		s.cloudwatch_on = 1;
		s.cloudwatch_minutes = rows[i].minutes;
		s.cloudwatch_success_s = rows[i].success_s;
		snprintf(s.cloudwatch_problem, sizeof(s.cloudwatch_problem), "%s", rows[i].problem);
		EXPECT_INT(isamon_judge_status(&s, NOW, &found), 0);
		expect(&found, "isamon.spool", "CloudWatch", rows[i].result, rows[i].problem);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "ages, for people", ages },         { NULL, sums },  { "what was lost", page },
		{ "probes, and what waits", status }, { NULL, spool },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
