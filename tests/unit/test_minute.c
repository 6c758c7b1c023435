/* SPDX-License-Identifier: MIT */
/* What becomes of a minute: its metrics, its end. */
#include "unit.h"

#include "base/clock.h"
#include "unit/minute_play.h"

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
		{ "a quiet minute has zeros, one not observed has nothing", quiet },
		{ "CPU time that begins anew is not counted", cpu_begins_anew },
		{ "50 routes have times of their own", many_routes },
		{ "names are what CloudWatch takes", names },
		{ "what is not taken comes again, the same", not_taken },
		{ "a preview changes nothing", preview },
		{ "a clock that is set back begins another minute", clock_set_back },
		{ "it costs little", cost },
	};

	return minute_main(argc, argv, cases, ARRAY_SIZE(cases));
}
