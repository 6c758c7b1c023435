/* SPDX-License-Identifier: MIT */
/* What becomes of a minute: its metrics, its end. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ship/minute_file.h"
#include "unit/minute_play.h"

static void expect_value(const char *name, const char *unit, double value)
{
	const struct truth *t = truth_get(name, "");

	if (!t) {
		FAIL_CASE("there is no %s", name);
		return;
	}
	EXPECT_STR(t->unit, unit);
	EXPECT_UINT(t->n, 1);
	EXPECT_NEAR(t->count, 0, 0);
	EXPECT_NEAR(t->value, value, 1e-9 * value);
}

static void expect_set(const char *name, const char *dimension, const char *unit, double count,
		       double sum, double min, double max)
{
	const struct truth *t = truth_get(name, dimension);

	if (!t) {
		FAIL_CASE("there is no %s %s", name, dimension);
		return;
	}
	EXPECT_STR(t->unit, unit);
	EXPECT_UINT(t->n, 1);
	EXPECT_NEAR(t->count, count, 0);
	EXPECT_NEAR(t->sum, sum, 1e-9 * sum);
	EXPECT_NEAR(t->min, min, 1e-9 * min);
	EXPECT_NEAR(t->max, max, 1e-9 * max);
}

static void the_five(void)
{
	struct minute_request error = { .route = "/x", .server_error = true };
	struct minute *m = begin(&five);

	REQUIRE(m);
	EXPECT_INT(minute_start_s(m), START);
	look(m, 1, 5000);
	request(m, "/a", 10);
	request(m, "/b", 250);
	minute_request(m, &error);
	minute_turn(m, 5);
	look(m, 11, 9000);
	EXPECT_INT(minute_finish(m, START + 59, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 0);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 1);
	EXPECT_UINT(truths.n, 5);
	EXPECT_INT(truths.starts[0], START);
	expect_value("RequestCount", "Count", 3);
	expect_value("ErrorCount", "Count", 1);
	expect_set("ResponseTime", "", "Milliseconds", 2, 260, 10, 250);
	EXPECT_NEAR(truth_get("ResponseTime", "")->counts, 2, 0);
	expect_value("CPUUtilization", "Percent", 10); /* 4 s of 10 s of 4 CPUs */
	expect_set("MemoryUtilization", "", "Percent", 2, 12, 1, 11);
	EXPECT_INT(minute_start_s(m), START + 60);
	minute_close(m);
}

static void all_of_them(void)
{
	struct minute_look l = { .monotonic_ns = 1, .restarts = 4 };
	struct minute *m = begin(&all);

	REQUIRE(m);
	minute_look(m, &l);
	restarts = 4;
	look(m, 1, 0);
	restarts = l.restarts = 6;
	minute_look(m, &l);
	look(m, 2, 0);
	minute_turn(m, 700 * MS);
	request(m, "/a", 10);
	request(m, "/b", 20);
	request(m, "/a", 30);
	request(m, "other", 40);
	request(m, NULL, 50);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	expect_set("QueueTime", "", "Milliseconds", 5, 15, 1, 5);
	expect_set("TurnTime", "", "Milliseconds", 1, 700, 700, 700);
	expect_value("Restarts", "Count", 2);
	expect_set("Processes", "", "Count", 2, 3, 1, 2);
	expect_set("SpoolAge", "", "Seconds", 4, 180, 0, 120);
	expect_set("ProbeUp", "Probe=http", "None", 2, 2, 1, 1);
	expect_set("ProbeUp", "Probe=life", "None", 2, 1, 0, 1);
	expect_set("ResponseTime", "", "Milliseconds", 5, 150, 10, 50);
	expect_set("ResponseTime", "Route=/a", "Milliseconds", 2, 40, 10, 30);
	expect_set("ResponseTime", "Route=/b", "Milliseconds", 1, 20, 20, 20);
	expect_set("ResponseTime", "Route=other", "Milliseconds", 2, 90, 40, 50);
	/* No CPU: between the looks that know of processes there was one that did not. */
	EXPECT(!truth_get("CPUUtilization", ""));
	EXPECT_UINT(truths.n, 14);
	minute_close(m);
}

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

static void quiet(void)
{
	struct minute_look l = { .monotonic_ns = 1, .memory_ratio = NAN };
	struct minute *m = begin(&five);

	REQUIRE(m);
	minute_look(m, &l);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	EXPECT_UINT(truths.n, 2);
	expect_value("RequestCount", "Count", 0);
	expect_value("ErrorCount", "Count", 0);
	EXPECT_INT(minute_finish(m, START + 120, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 1); /* the next one was not looked at */
	l.has_processes = true;
	minute_look(m, &l);
	truth_forget();
	EXPECT_INT(minute_finish(m, START + 3600, truth_take, NULL), 0);
	EXPECT(!truth_get("MemoryUtilization", ""));
	EXPECT_INT(truths.starts[0], START + 120);
	EXPECT_INT(minute_start_s(m), START + 3600);
	minute_close(m);
}

static void cpu_begins_anew(void)
{
	struct minute *m = begin(&five);

	REQUIRE(m);
	look(m, 10, 8000);
	look(m, 20, 100); /* less than before: nothing is known about these 10 s */
	look(m, 20, 900); /* no time has passed */
	look(m, 30, 900 + 4000);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	expect_value("CPUUtilization", "Percent", 10);
	truth_forget();
	look(m, 40, 900 + 4000 + 41000);
	EXPECT_INT(minute_finish(m, START + 120, truth_take, NULL), 0);
	expect_value("CPUUtilization", "Percent", 100);
	minute_close(m);
}

static void many_routes(void)
{
	struct minute *m = begin(&all);
	char name[300];

	REQUIRE(m);
	for (unsigned int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/route/%u", i % 1500);
		request(m, name, 10);
	}
	snprintf(name, sizeof(name), "/%0290d", 7);
	request(m, name, 10);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 2);
	EXPECT_UINT(truths.sizes[0], MINUTE_PART_MAX);
	EXPECT_INT(truths.ids[1], truths.ids[0] + 1);
	expect_set("ResponseTime", "Route=/route/49", "Milliseconds", 2, 20, 10, 10);
	expect_set("ResponseTime", "Route=other", "Milliseconds", 2901, 29010, 10, 10);
	expect_set("ResponseTime", "", "Milliseconds", 3001, 30010, 10, 10);
	EXPECT(!truth_get("ResponseTime", "Route=/route/50"));
	/* The next minute begins without routes. */
	truth_forget();
	request(m, "/new", 10);
	EXPECT_INT(minute_finish(m, START + 120, truth_take, NULL), 0);
	expect_set("ResponseTime", "Route=/new", "Milliseconds", 1, 10, 10, 10);
	EXPECT(!truth_get("ResponseTime", "Route=other"));
	minute_close(m);
}

static void names(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "/a b", "/a b" }, { "", "none" },           { ":x:", "%3Ax:" },
		{ " x ", "%20x " }, { "\xc3\xbc", "%C3%BC" }, { "a\nb\x7f", "a%0Ab%7F" },
	};
	char text[MINUTE_TEXT_MAX], longest[600];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		minute_file_text(rows[i].name, text);
		EXPECT_STR(text, rows[i].text);
	}
	memset(longest, '\n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	minute_file_text(longest, text);
	EXPECT_UINT(strlen(text), 255 / 3 * 3);
}

/* Payloads that are not taken come again as they were; what happens meanwhile is in the next minute. */
static void not_taken(void)
{
	struct minute *m = begin(&all);
	char name[30];
	int64_t first;

	REQUIRE(m);
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "/%u", i);
		request(m, name, 10);
	}
	truths.fail_after = 0;
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), -ENOSPC);
	request(m, "/later", 20);
	truths.fail_after = 1;
	EXPECT_INT(minute_finish(m, START + 150, truth_take, NULL), -ENOSPC);
	first = truths.ids[0];
	request(m, "/later", 20);
	EXPECT_INT(minute_start_s(m), START + 60);
	minute_close(m);
	m = open_at(&all, START + 151);
	REQUIRE(m);
	truths.fail_after = -1;
	EXPECT_INT(minute_finish(m, START + 151, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 3);
	EXPECT_INT(truths.ids[1], first + 1);
	EXPECT(truths.ids[2] != first && truths.ids[2] != first + 1 && truths.ids[2] > 0);
	EXPECT_INT(truths.starts[1], START);
	EXPECT_INT(truths.starts[2], START + 60);
	EXPECT_NEAR(truth_get("RequestCount", "")->value, 52, 0);
	expect_set("ResponseTime", "Route=/later", "Milliseconds", 2, 40, 20, 20);
	minute_close(m);
}

static void preview(void)
{
	struct minute *m = begin(&five);

	REQUIRE(m);
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 0);
	request(m, "/a", 10);
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 2);
	EXPECT_INT(truths.ids[0], truths.ids[1]);
	truths.fail_after = 0;
	EXPECT_INT(minute_preview(m, truth_take, NULL), -ENOSPC);
	truth_forget();
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	expect_value("RequestCount", "Count", 1);
	minute_close(m);
}

static void clock_set_back(void)
{
	struct minute *m = begin(&five);

	REQUIRE(m);
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START - 3000, truth_take, NULL), 0);
	EXPECT_INT(truths.starts[0], START);
	EXPECT_INT(minute_start_s(m), START - 3000);
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START, truth_take, NULL), 0);
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 3);
	EXPECT_INT(truths.starts[2], START);
	EXPECT(truths.ids[0] != truths.ids[2]);
	EXPECT_NEAR(truth_get("RequestCount", "")->value, 3, 0);
	minute_close(m);
}

/* --- the file */

static void goes_on(void)
{
	struct minute *m = begin(&all);
	struct stat st;

	REQUIRE(m);
	request(m, "/a", 10);
	EXPECT(stat(path, &st) == 0);
	EXPECT_UINT(st.st_mode & 07777, 0600);
	EXPECT_UINT((size_t)st.st_size, sizeof(struct minute_file));
	minute_close(m);
	m = open_at(&all, START + 30);
	REQUIRE(m);
	EXPECT_STR(buf_str(&why), "");
	request(m, "/a", 20);
	minute_close(m);
	m = open_at(&all, START + 500);
	REQUIRE(m);
	EXPECT_INT(minute_finish(m, START + 500, truth_take, NULL), 0);
	expect_value("RequestCount", "Count", 2);
	expect_set("ResponseTime", "Route=/a", "Milliseconds", 2, 30, 10, 20);
	EXPECT_INT(minute_start_s(m), START + 480);
	minute_close(m);
	minute_close(NULL);
}

static void other_options(void)
{
	struct minute_options seconds = all;
	struct minute *m = begin(&five);

	REQUIRE(m);
	request(m, "/a", 10);
	minute_close(m);
	seconds.interval_s = 5;
	m = open_at(&seconds, START + 30);
	REQUIRE(m);
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START + 59, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 0);
	EXPECT_INT(minute_finish(m, START + 68, truth_take, NULL), 0);
	EXPECT_INT(minute_start_s(m), START + 65);
	expect_value("RequestCount", "Count", 2);
	EXPECT(!truth_get("QueueTime", ""));
	truth_forget();
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START + 70, truth_take, NULL), 0);
	expect_set("ResponseTime", "Route=/a", "Milliseconds", 1, 10, 10, 10);
	expect_set("QueueTime", "", "Milliseconds", 1, 1, 1, 1);
	minute_close(m);
	m = open_at(&five, START + 71);
	REQUIRE(m);
	minute_close(m);
	seconds.interval_s = 7;
	EXPECT_INT(minute_open(path, &seconds, START, &why, &m), -EINVAL);
}

static void cost(void)
{
	struct minute *m = begin(&all);
	struct minute_request r = { .route = "/api/files/{session}",
				    .answered = true,
				    .has_queue = true };
	uint64_t began = clock_monotonic_ns();
	unsigned int n = 200000;

	REQUIRE(m);
	for (unsigned int i = 0; i < n; i++) {
		r.duration_ns = 1000 * i;
		r.queue_ns = i;
		minute_request(m, &r);
	}
	/* Some 70 without sanitizers. */
	EXPECT((clock_monotonic_ns() - began) / n < 5000);
	minute_close(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the five metrics of a minute", the_five },
		{ "all metrics of a minute", all_of_them },
		{ NULL, logs },
		{ "what is counted in the logs goes on over minutes and restarts", logs_go_on },
		{ NULL, jobs },
		{ "failures of jobs go on over minutes and restarts", jobs_go_on },
		{ "a quiet minute has zeros, one not observed has nothing", quiet },
		{ "CPU time that begins anew is not counted", cpu_begins_anew },
		{ "50 routes have times of their own", many_routes },
		{ "names are what CloudWatch takes", names },
		{ "what is not taken comes again, the same", not_taken },
		{ "a preview changes nothing", preview },
		{ "a clock that is set back begins another minute", clock_set_back },
		{ "the next isamon goes on", goes_on },
		{ "other options hold from the next minute on", other_options },
		{ "it costs little", cost },
	};
	const char *directory = getenv("TMPDIR");
	int status;

	snprintf(path, sizeof(path), "%s/isamon.minute.%d", directory ? directory : "/tmp",
		 (int)getpid());
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unlink(path);
	buf_done(&why);
	return status;
}
