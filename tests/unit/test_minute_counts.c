/* SPDX-License-Identifier: MIT */
/* What of a minute is counted elsewhere, in the logs and of jobs: only what is new, over minutes and restarts. */
#include "unit.h"

#include "unit/minute_play.h"

/* What is new in the logs, by look; each row in the same minute as the one before, but for a new name. */
static void logs(void)
{
	static const struct {
		const char *name;
		bool known;
		uint64_t counter;
		struct minute_counted first, now;
		double errors, exceptions; /* of the minute, behind it; -1: none */
	} rows[] = {
		{ "nobody counts", false, 0, { 0, 0 }, { 0, 0 }, -1, -1 },
		{ NULL, false, 1, { 7, 5 }, { 9, 6 }, -1, -1 },
		{ "what was counted before the first look is not new",
		  true,
		  1,
		  { 7, 5 },
		  { 7, 5 },
		  0,
		  0 },
		{ "but what was counted since the counter began is",
		  true,
		  1,
		  { 7, 5 },
		  { 9, 6 },
		  2,
		  1 },
		{ NULL, true, 1, { 7, 5 }, { 9, 6 }, 2, 1 },
		{ NULL, true, 1, { 7, 5 }, { 12, 6 }, 5, 1 },
		{ "the counter is not heard", true, 1, { 7, 5 }, { 7, 5 }, 0, 0 },
		{ NULL, false, 1, { 7, 5 }, { 11, 5 }, 0, 0 },
		{ NULL, true, 1, { 7, 5 }, { 13, 5 }, 6, 0 },
		{ "another counter goes on where the state file is",
		  true,
		  1,
		  { 0, 0 },
		  { 10, 3 },
		  10,
		  3 },
		{ NULL, true, 2, { 10, 3 }, { 11, 3 }, 11, 3 },
		{ "which may be more than was told", true, 1, { 0, 0 }, { 10, 3 }, 10, 3 },
		{ NULL, true, 2, { 14, 4 }, { 15, 4 }, 15, 4 },
		{ "or less: it was lost, and all that it counts is new",
		  true,
		  1,
		  { 0, 0 },
		  { 10, 3 },
		  10,
		  3 },
		{ NULL, true, 2, { 0, 0 }, { 12, 1 }, 22, 4 },
		{ NULL, true, 2, { 0, 0 }, { 13, 1 }, 23, 4 },
		{ "one that tells less than it did takes nothing away",
		  true,
		  1,
		  { 0, 0 },
		  { 10, 3 },
		  10,
		  3 },
		{ NULL, true, 1, { 0, 0 }, { 8, 3 }, 10, 3 },
		{ NULL, true, 1, { 0, 0 }, { 9, 3 }, 11, 3 },
	};
	struct minute *m = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct minute_look l = { .monotonic_ns = 1,
					       .memory_ratio = NAN,
					       .logs = { rows[i].known, rows[i].counter,
							 rows[i].first, rows[i].now } };

		if (rows[i].name) {
			minute_close(m);
			m = begin(&all);
			unit_begin("logs: %s", rows[i].name);
		}
		REQUIRE(m);
		minute_look(m, &l);
		truth_forget();
		EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
		EXPECT(!truth_get("LogErrors", "") == (rows[i].errors < 0));
		EXPECT(!truth_get("Exceptions", "") == (rows[i].exceptions < 0));
		if (rows[i].errors < 0)
			continue;
		expect_value("LogErrors", "Count", rows[i].errors);
		expect_value("Exceptions", "Count", rows[i].exceptions);
	}
	minute_close(m);
}

/* From one minute to the next, and to the next isamon. */
static void logs_go_on(void)
{
	struct minute_look l = { .memory_ratio = NAN, .logs = { true, 1, { 5, 5 }, { 8, 6 } } };
	struct minute *m = begin(&all);

	REQUIRE(m);
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	expect_value("LogErrors", "Count", 3);
	truth_forget();
	l.logs.known = false; /* a minute in which nobody counted has no value */
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 120, truth_take, NULL), 0);
	EXPECT(truth_get("RequestCount", "") && !truth_get("LogErrors", ""));
	minute_close(m);
	truth_forget();
	m = open_at(&all, START + 130);
	REQUIRE(m);
	l.logs = (struct minute_logs){ true, 1, { 5, 5 }, { 9, 6 } }; /* the same counter */
	minute_look(m, &l);
	l.logs = (struct minute_logs){ true, 2, { 11, 6 }, { 12, 8 } };
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 180, truth_take, NULL), 0);
	expect_value("LogErrors", "Count", 4);
	expect_value("Exceptions", "Count", 2);
	truth_forget();
	minute_close(m);
	m = begin(&five); /* not wanted */
	REQUIRE(m);
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	EXPECT(!truth_get("LogErrors", "") && !truth_get("Exceptions", ""));
	minute_close(m);
}

/* Failures of jobs, by look, as above. */
static void jobs(void)
{
	static const struct {
		const char *name;
		struct minute_jobs jobs; /* known, lasting, counter, first, now, overdue */
		double failures;         /* of the minute, behind it; -1: none */
	} rows[] = {
		{ "nobody watches them", { false, true, 1, 7, 9, 2 }, -1 },
		{ "what failed before the first look is not new", { true, true, 1, 7, 7, 0 }, 0 },
		{ NULL, { true, true, 1, 7, 7, 1 }, 0 },
		{ NULL, { true, true, 1, 7, 9, 0 }, 2 },
		{ NULL, { false, true, 1, 7, 11, 0 }, 2 },
		{ NULL, { true, true, 1, 7, 12, 0 }, 5 },
		{ "but what was found to be interrupted is", { true, true, 1, 7, 8, 0 }, 1 },
		{ "what could not be written takes nothing away", { true, true, 1, 7, 9, 0 }, 2 },
		{ NULL, { true, true, 1, 7, 7, 0 }, 2 },
		{ NULL, { true, true, 1, 7, 8, 0 }, 3 },
		{ "another counter goes on where the history is", { true, true, 1, 7, 9, 0 }, 2 },
		{ NULL, { true, true, 2, 9, 9, 0 }, 2 },
		{ NULL, { true, true, 2, 9, 10, 0 }, 3 },
		{ "with what failed in between", { true, true, 1, 7, 9, 0 }, 2 },
		{ NULL, { true, true, 2, 12, 13, 0 }, 6 },
		{ "an end that was counted, and not written, is not counted again",
		  { true, true, 1, 7, 9, 0 },
		  2 },
		{ NULL, { true, true, 2, 8, 9, 0 }, 2 },
		{ NULL, { true, true, 2, 8, 10, 0 }, 3 },
		{ "a history that was begun anew", { true, true, 1, 7, 9, 0 }, 2 },
		{ NULL, { true, true, 2, 0, 1, 0 }, 3 },
		{ NULL, { true, true, 2, 0, 2, 0 }, 4 },
		{ "without a history only what is seen counts", { true, true, 1, 7, 9, 0 }, 2 },
		{ NULL, { true, false, 2, 0, 12, 0 }, 14 },
		{ NULL, { true, false, 2, 0, 13, 0 }, 15 },
		{ "and when there is one, it is another number", { true, false, 1, 0, 2, 0 }, 2 },
		{ NULL, { true, true, 2, 20, 20, 0 }, 2 },
		{ NULL, { true, true, 2, 20, 21, 0 }, 3 },
	};
	struct minute *m = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct minute_look l = { .memory_ratio = NAN, .jobs = rows[i].jobs };

		if (rows[i].name) {
			minute_close(m);
			m = begin(&all);
			unit_begin("jobs: %s", rows[i].name);
		}
		REQUIRE(m);
		minute_look(m, &l);
		truth_forget();
		EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
		EXPECT(!truth_get("JobFailures", "") == (rows[i].failures < 0));
		EXPECT(!truth_get("JobsOverdue", "") == (rows[i].failures < 0));
		if (rows[i].failures < 0)
			continue;
		expect_value("JobFailures", "Count", rows[i].failures);
		if (rows[i].jobs.known)
			expect_value("JobsOverdue", "Count", (double)rows[i].jobs.overdue);
	}
	minute_close(m);
}

/* From one minute to the next, to the next isamon, and over minutes that did not want them. */
static void jobs_go_on(void)
{
	struct minute_look l = { .memory_ratio = NAN, .jobs = { true, true, 1, 5, 8, 2 } };
	struct minute *m = begin(&all);

	REQUIRE(m);
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	expect_value("JobFailures", "Count", 3);
	expect_value("JobsOverdue", "Count", 2);
	truth_forget();
	l.jobs.known = false;
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 120, truth_take, NULL), 0);
	EXPECT(truth_get("RequestCount", ""));
	EXPECT(!truth_get("JobFailures", "") && !truth_get("JobsOverdue", ""));
	minute_close(m);
	truth_forget();
	m = open_at(&all, START + 130);
	REQUIRE(m);
	l.jobs = (struct minute_jobs){ true, true, 2, 9, 10, 0 };
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 180, truth_take, NULL), 0);
	expect_value("JobFailures", "Count", 2);
	expect_value("JobsOverdue", "Count", 0);
	minute_close(m);
	m = open_at(&five, START + 190);
	REQUIRE(m);
	EXPECT_INT(minute_finish(m, START + 240, truth_take, NULL), 0);
	truth_forget();
	l.jobs.now = 15;
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 300, truth_take, NULL), 0);
	EXPECT(!truth_get("JobFailures", "") && !truth_get("JobsOverdue", ""));
	minute_close(m);
	m = open_at(&all, START + 310);
	REQUIRE(m);
	EXPECT_INT(minute_finish(m, START + 360, truth_take, NULL), 0);
	truth_forget();
	l.jobs = (struct minute_jobs){ true, true, 3, 15, 16, 0 };
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 420, truth_take, NULL), 0);
	expect_value("JobFailures", "Count", 1);
	minute_close(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, logs },
		{ "what is counted in the logs goes on over minutes and restarts", logs_go_on },
		{ NULL, jobs },
		{ "failures of jobs go on over minutes and restarts", jobs_go_on },
	};

	return minute_main(argc, argv, cases, ARRAY_SIZE(cases));
}
